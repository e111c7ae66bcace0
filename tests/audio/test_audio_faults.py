"""Bad input: every fault ends in a clip or in the right `AudioError`, quickly, and opens nothing else."""

from __future__ import annotations

import io
import os
import socket
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from malsori.audio import Limits, decode, decode_blocks
from malsori.audio.clock import FileClock
from malsori.audio.demuxers import DEMUXERS
from malsori.audio.libav import open_libav
from malsori.audio.pieces import ReadingOptions
from malsori.audio.sniff import Contained
from malsori.audio.source import open_file
from malsori.errors import (
    AudioError,
    AudioNotFound,
    AudioTooLong,
    CorruptAudio,
    EmptyAudio,
    MalsoriError,
    UnsupportedFormat,
)
from tests.sounds import contained, pcm16, recordings, tone, wav

TONE = tone()
DATA = pcm16(TONE)


def flac(samples: NDArray[np.float32] = TONE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, format="FLAC")
    return file.getvalue()


def mp3(seconds: float = 2.0) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, tone(seconds), 16_000, format="MP3")
    return file.getvalue()


@contextmanager
def peak_below(size: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


# Headers


def test_an_empty_file_is_empty_audio() -> None:
    with pytest.raises(EmptyAudio, match="found an empty file"):
        decode(b"")


def test_a_header_without_samples_is_empty_audio() -> None:
    with pytest.raises(EmptyAudio, match="no samples"):
        decode(wav(b""))
    with pytest.raises(EmptyAudio):
        decode(flac(np.zeros(0, np.float32)))


@pytest.mark.parametrize("cut", [13, 20, 30, 37, 43])
def test_a_wav_cut_in_its_header_is_corrupt(cut: int) -> None:
    with pytest.raises(CorruptAudio):
        decode(wav(DATA)[:cut])


@pytest.mark.parametrize("rate", [0, 1, 3_999, 384_001, 1_000_000, 4_000_000_000])
def test_a_rate_out_of_bounds_is_refused_before_resampling(rate: int) -> None:
    with peak_below(1 << 20), pytest.raises(UnsupportedFormat, match=f"4000 to 384000 Hz, found {rate} Hz"):
        decode(wav(DATA, rate=rate))


@pytest.mark.parametrize("channels", [0, 33, 64, 65_535])
def test_a_channel_count_out_of_bounds_is_refused(channels: int) -> None:
    with pytest.raises(UnsupportedFormat, match=f"1 to 32 channels, found {channels}"):
        decode(wav(DATA, channels=channels, align=2))


def test_a_flac_with_a_forged_rate_is_read_at_the_rate_that_its_frames_say() -> None:
    data = bytearray(flac())
    data[18:21] = (655_350 << 4 | data[20] & 15).to_bytes(3, "big")  # 20 bits of STREAMINFO
    clip = decode(bytes(data))
    np.testing.assert_allclose(clip.samples, TONE, atol=1e-4)
    assert clip.warnings == ("the file says that it holds 0.02 s; 1.00 s were found, and all are used",)


def test_limits_can_be_moved() -> None:
    assert len(decode(wav(DATA, rate=2_000), limits=Limits(min_rate=1_000)).samples) == 128_000
    with pytest.raises(UnsupportedFormat, match="1 to 1 channels"):
        decode(np.zeros((100, 2), np.float32), limits=Limits(max_channels=1))


@pytest.mark.parametrize(("bits", "error"), [(0, CorruptAudio), (40, UnsupportedFormat), (64, UnsupportedFormat)])
def test_a_sample_width_that_is_no_pcm_is_refused(bits: int, error: type[AudioError]) -> None:
    with pytest.raises(error):
        decode(wav(DATA, bits=bits))


def test_a_block_align_of_zero_is_accepted_and_a_false_one_is_not() -> None:
    assert len(decode(wav(DATA, align=0)).samples) == len(TONE)
    with pytest.raises(CorruptAudio, match=r"expected 2 bytes per frame \(1 x 16 bits\), found 7"):
        decode(wav(DATA, align=7))


def test_chunks_before_and_after_the_samples_are_stepped_over() -> None:
    odd = b"LIST" + struct.pack("<I", 3) + b"abc"
    for before in (odd + b"\0", odd, b"JUNK" + struct.pack("<I", 4) + b"data"):
        clip = decode(wav(DATA, before=before, after=b"LIST\x04\0\0\0abcd", riff_size=7))
        np.testing.assert_allclose(clip.samples, TONE, atol=1e-4)


@pytest.mark.parametrize("size", [0xFFFF_FFFF, 0x8000_0000, 0x7FFF_FFFF, 0])
def test_a_streamed_wav_is_as_long_as_its_bytes(size: int) -> None:
    clip = decode(wav(DATA, data_size=size, riff_size=0))
    assert len(clip.samples) == len(TONE)
    assert clip.warnings == ()


def test_an_rf64_takes_its_length_from_ds64() -> None:
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, 0, len(DATA), 0, 0)
    body = wav(DATA, data_size=0xFFFF_FFFF)[12:] + b"LIST\x04\0\0\0abcd"
    assert len(decode(b"RF64\xff\xff\xff\xffWAVE" + ds64 + body).samples) == len(TONE)


def test_half_a_sample_at_the_end_is_dropped() -> None:
    assert len(decode(wav(DATA + b"\x07")).samples) == len(TONE)


# Less than promised


def test_a_cut_wav_is_corrupt_and_says_what_is_missing() -> None:
    cut = wav(DATA)[: 44 + 2 * 7_989]
    with pytest.raises(CorruptAudio, match="expected 16000 frames, found 7989 frames; --allow-truncated"):
        decode(cut)
    clip = decode(cut, allow_truncated=True)
    np.testing.assert_allclose(clip.samples, TONE[:7_989], atol=1e-4)
    assert clip.warnings == ("cut short or damaged: expected 16000 frames, found 7989 frames",)


@pytest.mark.parametrize(
    "make",
    [
        flac,
        mp3,
        lambda: contained("webm", "libopus", tone(3, 48_000), 48_000),
        lambda: contained("mp4", "aac", tone(3, 48_000), 48_000, {"movflags": "faststart"}),
    ],
    ids=["flac", "mp3", "webm", "mp4"],
)
def test_half_a_file_is_corrupt_unless_truncation_is_allowed(make: Callable[[], bytes]) -> None:
    data = make()
    whole = len(decode(data).samples)
    half = data[: len(data) * 6 // 10]
    with pytest.raises(CorruptAudio, match="--allow-truncated"):
        decode(half)
    clip = decode(half, allow_truncated=True)
    assert 0.1 * whole < len(clip.samples) < 0.8 * whole
    assert len(clip.warnings) == 1


def test_an_ogg_without_its_end_warns() -> None:
    file = io.BytesIO()
    soundfile.write(file, tone(2), 16_000, format="OGG", subtype="OPUS")
    assert decode(file.getvalue()).warnings == ()
    clip = decode(file.getvalue()[: len(file.getvalue()) * 6 // 10])
    assert 8_000 < len(clip.samples) < 28_000
    assert clip.warnings == ("the OGG stream has no last page; it may be cut short",)


def test_a_file_that_shrinks_while_it_is_read_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(wav(pcm16(tone(60))))
    blocks = decode_blocks(path)
    next(blocks)
    os.truncate(path, 100_000)
    with pytest.raises(CorruptAudio, match="expected 960000 frames"):
        list(blocks)


class BadDisk(io.BytesIO):
    """Fails like a disk, after some good bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() + (size or 0) > 9_000:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_a_read_error_is_not_taken_for_the_end() -> None:
    for data in (wav(pcm16(tone(2))), flac(tone(2)), contained("mp4", "alac", tone(3, 48_000), 48_000)):
        with pytest.raises(AudioNotFound, match="Input/output error"):
            decode(BadDisk(data), allow_truncated=True)


def test_whatever_a_file_object_raises_is_not_taken_for_the_end(capfd: pytest.CaptureFixture[str]) -> None:
    class Gone(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() + (size or 0) > 9_000:
                raise ValueError("the connection is gone")
            return super().read(size)

    with pytest.raises(AudioNotFound, match="the connection is gone"):
        decode(Gone(wav(pcm16(tone(2)), data_size=0xFFFF_FFFF)), allow_truncated=True)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("more", [5, 1 << 20])
def test_a_file_object_that_returns_more_than_it_is_asked_for_is_read_rightly(more: int) -> None:
    class Generous(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size if size is None or size < 0 else size + more)

    for data in (wav(pcm16(TONE)), flac(TONE), contained("mp3", "libmp3lame", TONE, 16_000)):
        np.testing.assert_array_equal(decode(Generous(data)).samples, decode(data).samples)


def test_a_file_object_that_returns_text_or_cannot_tell_its_position_is_refused() -> None:
    class Text(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size).decode("latin-1")  # type: ignore[return-value]

    class Lost(io.BytesIO):
        def tell(self) -> int:
            raise OSError(29, "Illegal seek")

    with pytest.raises(AudioNotFound, match="a file that returns bytes, found str"):
        decode(Text(wav(pcm16(TONE))))
    with pytest.raises(AudioNotFound, match="illegal seek"):
        decode(Lost(wav(pcm16(TONE))))


class Pipe:
    """Can be read and nothing else, not even asked whether it can seek."""

    def __init__(self, data: bytes, fails: bool = False) -> None:
        self._file = io.BytesIO(data)
        self._fails = fails

    def read(self, size: int = -1) -> bytes:
        if self._fails:
            raise OSError(5, "Input/output error")
        return self._file.read(size)


def test_an_object_that_can_only_be_read_is_enough() -> None:
    assert len(decode(Pipe(wav(DATA))).samples) == len(TONE)  # type: ignore[arg-type]


def test_a_read_error_of_a_pipe_is_an_audio_error() -> None:
    with pytest.raises(AudioNotFound, match="Input/output error"):
        decode(Pipe(b"", fails=True))  # type: ignore[arg-type]


# Samples


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_become_silence_and_are_counted(bad: float) -> None:
    samples = TONE.copy()
    samples[100:202] = bad
    clip = decode(wav(samples.tobytes(), tag=3, bits=32))
    assert not clip.samples[100:202].any()
    np.testing.assert_array_equal(clip.samples[202:], TONE[202:])
    assert clip.warnings == ("102 samples that were not finite numbers became silence",)


def test_samples_beyond_full_scale_are_clipped_and_counted() -> None:
    samples = TONE.copy()
    samples[5] = 1e30
    clip = decode(samples)
    assert clip.samples[5] == 1.0
    assert clip.warnings == ("1 samples beyond full scale were clipped (peak 1e+30)",)


def test_nothing_but_nan_is_corrupt() -> None:
    with pytest.raises(CorruptAudio, match="16000 samples, none of them a finite number"):
        decode(np.full(16_000, np.nan, np.float32))


def test_square_waves_and_offsets_pass_unharmed() -> None:
    for samples in (np.sign(TONE), np.full(16_000, 0.99, np.float32), np.clip(9 * TONE, -1, 1)):
        clip = decode(samples)
        np.testing.assert_array_equal(clip.samples, samples)
        assert clip.warnings == ()


def test_numbers_that_float32_cannot_hold_become_silence_and_are_counted() -> None:
    samples = TONE.astype(np.float64)
    samples[5] = 1e300
    clip = decode(samples)
    assert clip.samples[5] == 0.0
    assert clip.warnings == ("1 samples that were not finite numbers became silence",)


@pytest.mark.parametrize("shape", [(0,), (0, 2), (2, 0)])
def test_an_array_without_samples_is_empty_audio(shape: tuple[int, ...]) -> None:
    with pytest.raises(EmptyAudio, match="no samples"):
        decode(np.zeros(shape, np.float32))


@pytest.mark.parametrize("count", [1, 2, 25, 399, 400])
def test_a_handful_of_samples_is_a_clip(count: int) -> None:
    assert len(decode(TONE[:count]).samples) == count


# What is not sound, and what pretends to be


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "a git-lfs pointer"),
        (b"\x7fELF\x02\x01\x01" + bytes(100), "a program"),
        (b"PK\x03\x04" + bytes(100), "a ZIP archive"),
        (b"%PDF-1.7\n", "a PDF"),
        ("안녕하세요\n".encode() * 400, "text"),
        (b"ffconcat version 1.0\nfile 'other.wav'\n", "text"),
        (b"#EXTM3U\n#EXTINF:1,\nother.wav\n", "text"),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1\n", "text"),
        (b"<?xml version='1.0'?><MPD></MPD>", "text"),
        (b"FORM\0\0\0\x048SVX", "IFF that is not AIFF"),
        (b"RIFF\0\0\0\x04WEBP", "RIFF that is neither WAVE nor AVI"),
        (b"riff\0\0\0\x04", "unknown content"),
        (b"MThd\0\0\0\x06", "MIDI"),
        (b".RMF\0\0\0\x12", "RealMedia"),
        (b"\x01\x02\x03\x04\x05", "unknown content"),
    ],
)
def test_what_is_no_known_sound_is_refused_and_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(content)
    with pytest.raises(UnsupportedFormat, match=words):
        decode(path)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"FORM\0\0\0\x04AIFF", "AIFF"),
        (b"caff\0\x01\0\0", "CAF"),
        (b".snd\0\0\0\x18", "AU"),
        (b"RIFX\0\0\0\x04WAVE", "WAV"),
        (b"wvpk" + bytes(60), "WavPack"),
        (b"RIFF\0\0\0\x04AVI ", "AVI"),
        (b"#!AMR\n", "AMR"),
        (b"FLV\x01\x04", "FLV"),
    ],
)
def test_a_header_with_nothing_behind_it_is_called_by_its_format(content: bytes, kind: str) -> None:
    with pytest.raises((CorruptAudio, EmptyAudio, UnsupportedFormat), match=f"{kind} (file|with)|this {kind}|{kind} "):
        decode(content)


def test_what_nothing_here_reads_is_named_with_the_line_that_converts_it(tmp_path: Path) -> None:
    path = tmp_path / "an interview.rm"
    path.write_bytes(b".RMF\0\0\0\x12" + bytes(100))
    with pytest.raises(UnsupportedFormat, match=r"found RealMedia; .*ffmpeg -i '.*an interview.rm' -ac 1 -ar 16000"):
        decode(path)


def test_a_list_of_files_called_wav_opens_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "other.wav").write_bytes(wav(DATA))
    trap = tmp_path / "list.wav"
    trap.write_text(f"ffconcat version 1.0\nfile '{tmp_path}/other.wav'\n")
    for source in (trap, trap.read_bytes(), io.BytesIO(trap.read_bytes())):
        with pytest.raises(UnsupportedFormat, match="found text"):
            decode(source)


@pytest.mark.parametrize("kind", sorted(DEMUXERS))
def test_ffmpeg_reads_what_it_is_told_and_probes_nothing(kind: Contained) -> None:
    traps = {
        "FLAC": flac(),
        "WAV": wav(DATA),
        "": b"ffconcat version 1.0\nfile 'other.wav'\n",
    }  # it would know them all
    for own, data in traps.items():
        if own == kind:
            continue
        with ExitStack() as stack:
            file = open_file(data, "trap", Limits(), stack)
            with pytest.raises(AudioError):
                open_libav(file, kind, "trap", Limits(), stack, ReadingOptions(), FileClock())


def test_a_codec_outside_the_list_is_refused() -> None:
    data = contained("matroska", "real_144", tone(1, 8_000), 8_000)
    with pytest.raises(UnsupportedFormat, match="found WebM with real_144; this line converts it: ffmpeg -i"):
        decode(data)


def test_a_video_without_sound_is_refused() -> None:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        for _ in range(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        output.mux(stream.encode(None))
    with pytest.raises(UnsupportedFormat, match="expected an audio stream, found none in this MP4 file"):
        decode(file.getvalue())


def test_tags_and_junk_are_stepped_over_without_being_read(tmp_path: Path) -> None:
    art = 20 << 20
    size = bytes(art >> shift & 0x7F for shift in (21, 14, 7, 0))
    nested = (b"ID3\x03\0\0" + b"\0\0\0\x05" + b"TITLE") * 200
    path = tmp_path / "art.mp3"
    path.write_bytes(nested + b"ID3\x03\0\0" + size)
    os.truncate(path, len(nested) + 10 + art)
    with path.open("ab") as file:
        file.write(mp3())
    junk = tmp_path / "junk.wav"
    junk.write_bytes(b"RIFF\xff\xff\xff\xffWAVEJUNK" + struct.pack("<I", 1 << 30))
    os.truncate(junk, 20 + (1 << 30))
    with junk.open("ab") as file:
        file.write(wav(DATA)[12:])
    with peak_below(2 << 20):
        assert len(decode(path).samples) > 30_000
        assert len(decode(junk).samples) == len(TONE)


# Paths


def test_paths_that_are_no_regular_files_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.wav")
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "nothing.wav")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s.wav"))
    listener.close()
    cases = {
        tmp_path / "fifo.wav": "a FIFO",
        tmp_path / "s.wav": "a socket",
        tmp_path: "a directory",
        Path("/dev/zero"): "a character device",
        tmp_path / "dangling.wav": "no such file",
        tmp_path / "missing.wav": "no such file",
        tmp_path / "a" / "b.wav": "no such file",
        tmp_path / ("x" * 300): "file name too long",
    }
    started = time.monotonic()
    for path, words in cases.items():
        with pytest.raises(AudioNotFound, match=words):
            decode(path)
    assert time.monotonic() - started < 1


def test_a_file_without_permission_is_not_found(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = tmp_path / "secret.wav"
    path.write_bytes(wav(DATA))
    path.chmod(0)
    with pytest.raises(AudioNotFound, match="permission denied"):
        decode(path)


@pytest.mark.parametrize("name", ["two words.wav", "-rf", "%s.wav", "new\nline.wav", "말소리.wav", "x" * 255])
def test_any_name_works_and_messages_stay_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(wav(DATA))
    assert len(decode(str(path)).samples) == len(TONE)
    path.write_bytes(b"")
    with pytest.raises(EmptyAudio) as caught:
        decode(path)
    assert "\n" not in str(caught.value)


def test_a_name_that_is_not_utf_8_works_and_can_be_printed(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.wav")
    Path(path).write_bytes(b"")
    with pytest.raises(EmptyAudio) as caught:
        decode(path)
    str(caught.value).encode("utf-8")


def test_a_name_with_a_null_byte_is_not_found() -> None:
    with pytest.raises(AudioNotFound, match="null byte"):
        decode("a\0b.wav")


def test_a_name_that_no_path_can_have_is_not_found() -> None:
    with pytest.raises(AudioNotFound, match=r"\\ud800"):
        decode("\ud800.wav")


@pytest.mark.skipif(not Path("/proc/cpuinfo").is_file(), reason="needs the files of Linux")
def test_a_file_without_an_end_is_not_found() -> None:
    with pytest.raises(AudioNotFound, match="/proc/cpuinfo: expected a file with an end"):
        decode("/proc/cpuinfo")


def test_what_is_no_source_at_all_is_a_type_error() -> None:
    for source in (None, 5, io.StringIO("text"), ["a.wav"], np.ndarray):
        with pytest.raises(TypeError, match="expected a path, bytes, a binary file or a numpy array"):
            decode(source)  # type: ignore[arg-type]


# Many


def outcome(data: bytes) -> str:
    try:
        return f"{len(decode(data).samples)} samples"
    except AudioError as error:
        return str(error)


def test_threads_that_decode_good_and_bad_files_get_each_its_own_result() -> None:
    inputs = [
        wav(DATA),
        flac(),
        flac()[:600],
        wav(DATA, rate=1),
        b"RIFF",
        wav(DATA)[:900],
        contained("mp4", "aac", TONE, 16_000),
    ]
    expected = [outcome(data) for data in inputs]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(outcome, inputs * 40)) == expected * 40


@pytest.mark.skipif(not recordings("corrupt"), reason="needs the recordings in ../shared/speech/corrupt")
def test_every_corrupt_recording_ends_in_a_clip_or_an_audio_error() -> None:
    for path in recordings("corrupt"):
        for allow in (False, True):
            try:
                clip = decode(path, allow_truncated=allow)
            except AudioError as error:
                message = str(error)
            else:
                message = clip.name
                assert len(clip.samples)
                assert np.isfinite(clip.samples).all()
            assert path.name in message
            assert "\n" not in message


SEEDS = {
    "wav": wav(DATA[:2_000], before=b"LIST\x04\0\0\0abcd"),
    "float": wav(TONE[:500].tobytes(), tag=3, bits=32),
    "flac": flac(TONE[:4_000]),
    "webm": contained("webm", "libopus", tone(0.2, 48_000), 48_000),
    "mp4": contained("mp4", "aac", tone(0.2, 48_000), 48_000),
}


@settings(max_examples=150, deadline=None)
@given(
    seed=st.sampled_from(sorted(SEEDS)),
    changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=8),
    keep=st.floats(0.05, 1),
    allow=st.booleans(),
)
def test_no_mutant_of_a_good_file_brings_anything_but_a_clip_or_an_audio_error(
    seed: str, changes: list[tuple[int, int]], keep: float, allow: bool
) -> None:
    data = bytearray(SEEDS[seed])
    for at, value in changes:
        data[at % len(data)] = value
    try:
        clip = decode(
            bytes(data[: max(1, int(keep * len(data)))]), allow_truncated=allow, limits=Limits(max_seconds=60)
        )
    except AudioError:
        return
    assert np.isfinite(clip.samples).all()
    assert np.abs(clip.samples).max() <= 1


@settings(max_examples=150, deadline=None)
@given(data=st.binary(min_size=1, max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises((UnsupportedFormat, CorruptAudio, EmptyAudio)):
        decode(data)


def test_every_audio_error_is_one_line_that_names_the_input() -> None:
    for error in (AudioNotFound, UnsupportedFormat, CorruptAudio, EmptyAudio, AudioTooLong):
        assert str(error("a.wav", "sound", "noise")) == "a.wav: expected sound, found noise"
        assert issubclass(error, MalsoriError)
