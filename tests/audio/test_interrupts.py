"""An interrupt while a file is read is an interrupt, wherever it lands, and never a fault of the file."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from malsori.audio import decode
from malsori.audio.libav import AvFile
from malsori.audio.source import FileRange
from malsori.errors import AudioNotFound
from tests.sounds import contained, pcm16, tone, wav

SOUND = tone(20, 48_000)
FILES = {
    "wav": wav(pcm16(SOUND), rate=48_000),
    "flac": contained("flac", "flac", SOUND, 48_000),
    "mp3": contained("mp3", "libmp3lame", SOUND, 48_000),
    "m4a": contained("mp4", "aac", SOUND, 48_000),
    "opus": contained("ogg", "libopus", SOUND, 48_000),
    "mkv": contained("matroska", "aac", SOUND, 48_000),
}


class Stopped(BaseException):
    """Is no Exception, as KeyboardInterrupt is none."""


class Faulty(io.BytesIO):
    """Raises once, at the n-th read."""

    def __init__(self, data: bytes, at: int, error: BaseException) -> None:
        super().__init__(data)
        self.left, self._error = at, error

    def read(self, size: int | None = -1, /) -> bytes:
        self.left -= 1
        if not self.left:
            raise self._error
        return super().read(size)


@pytest.mark.parametrize("kind", sorted(FILES))
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), MemoryError(), Stopped()], ids=repr)
def test_what_is_raised_while_bytes_are_read_comes_out_as_itself(
    kind: str, error: BaseException, capfd: pytest.CaptureFixture[str]
) -> None:
    for at in (1, 2, 3, 5):
        with pytest.raises(type(error)) as caught:
            decode(Faulty(FILES[kind], at, error), allow_truncated=True)
        assert caught.value is error
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", ["m4a", "mkv", "flac"])
def test_an_exception_of_a_file_object_is_an_audio_error(kind: str) -> None:
    with pytest.raises(AudioNotFound, match="the connection is gone"):
        decode(Faulty(FILES[kind], 3, ValueError("the connection is gone")), allow_truncated=True)


def test_a_feed_reads_seeks_and_tells_as_a_file_does() -> None:
    feed = AvFile(FileRange(io.BytesIO(bytes(range(100))), 10, 90))
    assert (feed.read(3), feed.tell()) == (bytes([10, 11, 12]), 3)
    assert feed.seek(-2, io.SEEK_END) is None
    assert (feed.tell(), feed.read(9), feed.read(9)) == (78, bytes([88, 89]), b"")
    feed.seek(5, io.SEEK_SET)
    assert feed.read(1) == bytes([15])
    feed.check()


CHILD = """
import os, random, signal, sys, threading, time
from malsori.audio import decode
import av, numpy, soxr
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job inherits it ignored
random.seed(0)
seen = 0
for _ in range(15):
    timer = threading.Timer(random.uniform(0, 0.05), os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        decode(sys.argv[1])
        time.sleep(1)
    except KeyboardInterrupt:
        seen += 1
print(seen)
"""


@pytest.mark.parametrize("kind", ["mp3", "m4a", "opus"])
def test_ctrl_c_is_never_lost_and_never_called_corrupt(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "sound"
    path.write_bytes(FILES[kind])
    run = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, timeout=120)
    assert (run.stdout, run.stderr) == ("15\n", "")
