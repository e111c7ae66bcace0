"""MP3 and AAC without a container: every frame is found, whatever lies before, between and behind them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray

from malsori.audio import decode
from malsori.audio.elementary import mpeg_head
from malsori.errors import CorruptAudio
from tests.audio.test_decode import similarity
from tests.sounds import contained, tone

PIECE = tone(5, 44_100) * np.linspace(0.2, 1, 5 * 44_100, dtype=np.float32)


def mp3(samples: NDArray[np.float32] = PIECE, rate: int = 44_100, *, count: bool = False) -> bytes:
    return contained("mp3", "libmp3lame", samples, rate, {"write_xing": str(int(count)), "id3v2_version": "0"})


def seconds(data: bytes, **options: bool) -> float:
    return len(decode(data, **options).samples) / 16_000


def id3(payload: bytes) -> bytes:
    size = bytes(len(payload) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\0\0" + size + payload


def test_an_mp3_without_a_count_of_its_frames_is_read_whole() -> None:
    clip = decode(mp3())
    assert len(clip.samples) / 16_000 == pytest.approx(5, abs=0.1)
    assert clip.warnings == ()


def test_frames_of_changing_length_without_a_count_are_read_whole() -> None:
    quiet_then_loud = np.concatenate([PIECE * 0, np.random.default_rng(0).standard_normal(5 * 44_100) * 0.3])
    frames = [mp3(part.astype(np.float32), count=False) for part in np.split(quiet_then_loud, 2)]
    low = contained("mp3", "libmp3lame", PIECE, 44_100, {"write_xing": "0", "id3v2_version": "0", "b": "64k"})
    assert seconds(low + b"".join(frames)) == pytest.approx(15, abs=0.3)


def test_a_count_says_what_the_encoder_added() -> None:
    clip = decode(mp3(count=True))
    assert len(clip.samples) == 5 * 16_000
    assert similarity(clip.samples, decode(PIECE, sample_rate=44_100).samples, slack=10) > 0.99


def test_an_mp3_with_fewer_frames_than_its_count_is_corrupt() -> None:
    data = mp3(count=True)
    with pytest.raises(CorruptAudio, match=r"expected \d+ frames, found \d+ frames"):
        decode(data[: len(data) // 2])
    clip = decode(data[: len(data) // 2], allow_truncated=True)
    assert len(clip.warnings) == 1


@pytest.mark.parametrize("count", [False, True])
@pytest.mark.parametrize("between", [b"", id3(b"TIT2 the second"), id3(bytes(range(256)) * 400), b"TAG" + bytes(125)])
def test_joined_mp3_files_are_read_whole(count: bool, between: bytes) -> None:
    data = mp3(count=count) + between + mp3(count=count) + between + mp3(count=count)
    clip = decode(data)
    assert len(clip.samples) / 16_000 == pytest.approx(15, abs=0.01 if count else 0.3)
    if count or between:
        assert clip.warnings[-1].startswith("3 recordings one behind the other, joined at 5.")


def test_joined_mp3_files_of_other_rates_are_read_whole() -> None:
    clip = decode(mp3(count=True) + mp3(tone(3, 22_050), 22_050, count=True) + mp3(tone(2, 48_000), 48_000, count=True))
    assert len(clip.samples) / 16_000 == pytest.approx(10, abs=0.01)


@pytest.mark.parametrize("start", [1, 300, 5_003])
def test_a_file_that_begins_in_the_middle_of_a_frame_begins_with_the_next(start: int) -> None:
    data = mp3()
    assert seconds(data[start:]) == pytest.approx(seconds(data) * (len(data) - start) / len(data), abs=0.06)


@pytest.mark.parametrize("container", ["mp3", "adts"])
def test_bytes_of_a_station_between_frames_are_stepped_over(container: str) -> None:
    data = mp3() if container == "mp3" else contained("adts", "aac", PIECE, 44_100)
    title = b"\x05StreamTitle='A talk; with \xff\xfb guests';" + bytes(40)
    pieces = [data[at : at + 16_000] for at in range(0, len(data), 16_000)]
    clip = decode(title.join(pieces), allow_truncated=True)
    assert len(clip.samples) / 16_000 == pytest.approx(seconds(data), abs=0.12)


def test_frames_with_damaged_headers_leave_silence_of_their_length() -> None:
    data = bytearray(mp3())
    at, frames = 0, []
    while head := mpeg_head(bytes(data[at : at + 4])):
        frames.append(at)
        at += head.size
    for damaged in (50, 51, 90):
        data[frames[damaged]] = 0
    clip = decode(bytes(data))
    assert len(clip.samples) / 16_000 == pytest.approx(5, abs=0.1)
    assert clip.filled_s == pytest.approx(3 * 1_152 / 44_100, abs=1e-6)
    assert clip.warnings == ("silence stands for what does not decode: 0.05 s at 1.31 s, 0.03 s at 2.35 s",)


def test_junk_is_told_of() -> None:
    junk = b"\0" * 50_000
    clip = decode(mp3() + junk + mp3())
    assert len(clip.samples) / 16_000 == pytest.approx(10, abs=0.2)
    assert any("50000 bytes that are no sound were stepped over" in warning for warning in clip.warnings)


def test_a_last_frame_that_is_cut_short_is_told_of() -> None:
    clip = decode(mp3()[:-100])
    assert clip.warnings == ("the last 0.03 s do not decode",)


@pytest.mark.parametrize(
    ("head", "size", "samples", "rate", "codec"),
    [
        (b"\xff\xfb\x90\x00", 417, 1_152, 44_100, "mp3float"),
        (b"\xff\xfb\x92\x00", 418, 1_152, 44_100, "mp3float"),
        (b"\xff\xf3\x80\x00", 208, 576, 22_050, "mp3float"),
        (b"\xff\xe3\x88\x00", 576, 576, 8_000, "mp3float"),
        (b"\xff\xfd\xa4\x00", 576, 1_152, 48_000, "mp2float"),
        (b"\xff\xff\x44\x00", 128, 384, 48_000, "mp1float"),
    ],
)
def test_a_frame_header_says_its_length(head: bytes, size: int, samples: int, rate: int, codec: str) -> None:
    found = mpeg_head(head)
    assert found is not None
    assert (found.size, found.samples, found.rate, found.codec) == (size, samples, rate, codec)


@pytest.mark.parametrize(
    "head", [b"\xff\xfb\x00\x00", b"\xff\xfb\xf0\x00", b"\xff\xfb\x9c\x00", b"\xff\xe9\x90\x00", b"\xff"]
)
def test_what_is_no_frame_header_says_nothing(head: bytes) -> None:
    assert mpeg_head(head) is None


def test_many_tags_are_read_once() -> None:
    class Counting(io.BytesIO):
        count = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.count += len(data)
            return data

    data = mp3() + (b"TAG" + bytes(125)) * 4_000
    file = Counting(data)
    assert len(decode(file).samples) / 16_000 == pytest.approx(5, abs=0.1)
    assert file.count < 4 * len(data)
