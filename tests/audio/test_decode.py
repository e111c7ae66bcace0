"""Decoding: every allowed format, every kind of source, and the way to mono 16 kHz."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from malsori.audio import Limits, Resampler, decode, decode_blocks
from malsori.errors import AudioTooLong, OptionError
from tests.shipped import ROOT
from tests.sounds import contained, pcm16, recording, recordings, tone, wav

TONE = tone()


def encoded(kind: str, subtype: str, samples: NDArray[Any], rate: int = 16_000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype)
    return file.getvalue()


def similarity(a: NDArray[np.float32], b: NDArray[np.float32], slack: int = 2_500) -> float:
    """Return the largest correlation of two signals over shifts up to `slack` samples (codecs delay)."""
    n = min(len(a), len(b))
    spectrum = np.fft.rfft(a[:n], 2 * n) * np.conj(np.fft.rfft(b[:n], 2 * n))
    every = np.fft.irfft(spectrum)
    near = np.concatenate([every[:slack], every[-slack:]])
    return float(near.max() / np.sqrt((a[:n] @ a[:n]) * (b[:n] @ b[:n])))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
@pytest.mark.parametrize("kind", ["WAV", "WAVEX"])
def test_every_wav_sample_format_gives_the_samples_that_were_stored(kind: str, subtype: str) -> None:
    clip = decode(encoded(kind, subtype, TONE))
    tolerance = {"PCM_U8": 1 / 127, "ULAW": 0.02, "ALAW": 0.02}.get(subtype, 1 / 32_768)
    assert np.abs(clip.samples - TONE).max() <= tolerance
    assert clip.samples.dtype == np.float32
    assert clip.warnings == ()


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")],
)
def test_every_format_of_libsndfile_on_the_list_gives_the_sound_back(kind: str, subtype: str) -> None:
    clip = decode(encoded(kind, subtype, TONE))
    assert len(clip.samples) == pytest.approx(len(TONE), abs=1_600)
    assert similarity(clip.samples, TONE) > 0.99


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp4", "aac"), ("ipod", "aac"), ("adts", "aac"), ("mp4", "alac"), ("webm", "libopus"), ("matroska", "flac")],
)
def test_every_format_of_libav_on_the_list_gives_the_sound_back(container: str, codec: str) -> None:
    clip = decode(contained(container, codec, tone(1, 48_000), 48_000))
    assert len(clip.samples) == pytest.approx(len(TONE), abs=1_600)
    assert similarity(clip.samples, TONE) > 0.98  # ADTS keeps the encoder's delay, which costs the end of the tone


def test_a_path_bytes_and_a_file_object_give_the_same_clip(tmp_path: Path) -> None:
    data = wav(pcm16(TONE))
    path = tmp_path / "tone.wav"
    path.write_bytes(data)
    clips = [decode(path), decode(str(path)), decode(data), decode(io.BytesIO(data))]
    with path.open("rb") as file:
        clips.append(decode(file))
        assert not file.closed
    for clip in clips:
        np.testing.assert_array_equal(clip.samples, clips[0].samples)
    assert [clip.name for clip in clips] == [str(path), str(path), "<bytes>", "<file>", str(path)]


def test_a_pipe_is_read_to_its_end() -> None:
    end, other = os.pipe()
    with os.fdopen(other, "wb") as writer:
        writer.write(wav(pcm16(TONE[:8_000])))
    with os.fdopen(end, "rb") as reader:
        assert len(decode(reader).samples) == 8_000


def test_a_file_object_counts_from_where_it_stands() -> None:
    file = io.BytesIO(b"something else" + wav(pcm16(TONE)))
    file.seek(14)
    assert len(decode(file).samples) == len(TONE)


def test_content_decides_and_not_the_name(tmp_path: Path) -> None:
    for kind, subtype in (("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III"), ("WAV", "PCM_16"), ("OGG", "VORBIS")):
        path = tmp_path / "misnamed.aiff"
        path.write_bytes(encoded(kind, subtype, TONE))
        assert similarity(decode(path).samples, TONE) > 0.99


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_an_array_is_taken_as_it_is_at_16_khz(dtype: str) -> None:
    array = (TONE * 32_768).astype(np.int16) if dtype == "int16" else TONE.astype(dtype)
    clip = decode(array)
    np.testing.assert_allclose(clip.samples, TONE, atol=1 / 32_768)
    assert decode(array[:, None]).samples.shape == clip.samples.shape


def test_an_array_of_another_rate_is_resampled() -> None:
    clip = decode(tone(1, 44_100), sample_rate=44_100)
    np.testing.assert_allclose(clip.samples[100:-100], TONE[100:-100], atol=2e-3)


def test_a_sample_rate_for_a_file_is_refused() -> None:
    with pytest.raises(OptionError, match="a file says its own"):
        decode(wav(pcm16(TONE)), sample_rate=8_000)


@pytest.mark.parametrize("rate", [4_000, 8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000, 384_000])
def test_any_rate_becomes_16_khz_with_the_right_length_and_pitch(rate: int) -> None:
    clip = decode(wav(pcm16(tone(0.5, rate)), rate=rate))
    assert abs(len(clip.samples) - 8_000) <= 1
    np.testing.assert_allclose(clip.samples[400:7_600], TONE[400:7_600], atol=3e-3)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 4_410), max_size=6))
def test_any_cut_of_the_input_resamples_to_the_same_output(cuts: list[int]) -> None:
    sound = tone(0.1, 44_100)
    whole = Resampler(44_100)
    expected = np.concatenate([whole.push(sound), whole.flush()])
    cut = Resampler(44_100)
    found = np.concatenate([*(cut.push(part) for part in np.split(sound, sorted(cuts))), cut.flush()])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_flushed_resampler_starts_over() -> None:
    resampler = Resampler(8_000)
    first = np.concatenate([resampler.push(TONE), resampler.flush()])
    np.testing.assert_array_equal(np.concatenate([resampler.push(TONE), resampler.flush()]), first)


def test_channels_are_averaged() -> None:
    left, right = TONE, tone(hertz=1_000)
    clip = decode(np.stack([left, right], axis=1))
    np.testing.assert_allclose(clip.samples, (left + right) / 2, atol=1e-6)


def test_of_channels_that_cancel_each_other_the_louder_one_is_used() -> None:
    clip = decode(np.stack([TONE, -0.95 * TONE], axis=1))
    np.testing.assert_array_equal(clip.samples, TONE)
    assert clip.warnings == ("the channels cancel each other out; the loudest one was used where they do",)


def test_blocks_joined_are_the_clip_and_none_is_long() -> None:
    data = wav(pcm16(tone(5, 44_100)), rate=44_100)
    blocks = list(decode_blocks(data))
    assert max(len(block) for block in blocks) <= 17_000
    assert len(blocks) >= 5
    np.testing.assert_array_equal(np.concatenate(blocks), decode(data).samples)


def test_a_long_file_is_decoded_in_little_memory(tmp_path: Path) -> None:
    seconds = 900
    path = tmp_path / "long.wav"
    path.write_bytes(wav(b"", data_size=seconds * 32_000))
    os.truncate(path, 44 + seconds * 32_000)  # sparse: the samples take no room on the disk
    tracemalloc.start()
    total = sum(len(block) for block in decode_blocks(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == seconds * 16_000
    assert peak < 4 << 20  # whole, the samples would be 58 MB


MEASURED = """
import sys
from malsori.audio import decode_blocks
print(sum(len(block) for block in decode_blocks(sys.argv[1])))
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="needs the files of Linux")
@pytest.mark.parametrize(("container", "codec"), [("mp3", "libmp3lame"), ("mp4", "aac"), ("flac", "flac")])
def test_a_long_coded_file_is_decoded_in_as_little_memory_as_a_short_one(
    tmp_path: Path, container: str, codec: str
) -> None:
    held = []  # tracemalloc does not see what FFmpeg allocates
    for seconds in (20, 300):
        path = tmp_path / "sound"
        path.write_bytes(contained(container, codec, np.tile(tone(20), seconds // 20), 16_000))
        run = subprocess.run([sys.executable, "-c", MEASURED, path], capture_output=True, text=True, check=True)
        samples, kib = map(int, run.stdout.split())
        assert samples == pytest.approx(seconds * 16_000, abs=2_000)
        held.append(kib)
    assert held[1] - held[0] < 8 << 10  # whole, the samples would be 19 MB


def test_reading_blocks_and_stopping_half_way_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(wav(pcm16(tone(3))))
    before = len(os.listdir("/proc/self/fd"))
    with decode_blocks(path) as blocks:
        next(blocks)
    decode_blocks(path).close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_limits_on_seconds_hold_for_the_header_and_for_what_follows() -> None:
    flac = encoded("FLAC", "PCM_16", tone(3))
    opus = contained("webm", "libopus", tone(3, 48_000), 48_000, {"live": "1"})  # says no length
    for data in (flac, opus, wav(pcm16(tone(3)))):
        assert decode(data, limits=Limits(max_seconds=3.1)).samples.size
        with pytest.raises(AudioTooLong, match=r"expected at most 2\.5 s"):
            decode(data, limits=Limits(max_seconds=2.5))


def test_limits_on_bytes_hold_for_files_and_for_pipes(tmp_path: Path) -> None:
    data = wav(pcm16(TONE))
    assert decode(data, limits=Limits(max_bytes=len(data))).samples.size
    with pytest.raises(AudioTooLong, match="bytes"):
        decode(data, limits=Limits(max_bytes=len(data) - 1))
    end, other = os.pipe()
    with os.fdopen(other, "wb") as writer:
        writer.write(data[:1_000])
    with os.fdopen(end, "rb") as reader, pytest.raises(AudioTooLong, match="at most 999 bytes"):
        decode(reader, limits=Limits(max_bytes=999))


ODD = ("aiff", "sph", "raw", "changing_", "decreasing_number", "starting_")  # refused formats, FLAC that changes shape
ALLOWED = [path for path in recordings("formats") if not any(part in path.name for part in ODD)]


@pytest.mark.skipif(not ALLOWED, reason="needs the recordings in ../shared/speech/formats")
@pytest.mark.parametrize("path", ALLOWED, ids=lambda path: path.name)
def test_recordings_in_many_containers_decode(path: Path) -> None:
    clip = decode(path)
    assert clip.warnings == ()
    assert len(clip.samples) > 0
    assert np.abs(clip.samples).max() <= 1


@pytest.mark.parametrize("suffix", ["mp3", "opus", "webm", "aac"])
def test_one_recording_sounds_the_same_from_every_container(suffix: str) -> None:
    expected = decode(recording("formats/crispasr_jfk.wav")).samples
    found = decode(recording(f"formats/crispasr_jfk.{suffix}")).samples
    assert len(found) == pytest.approx(len(expected), abs=2_000)
    assert similarity(found, expected) > 0.97


def test_eight_channels_of_aac_decode() -> None:
    # Reading such a frame through PyAV's to_ndarray crashes the process.
    clip = decode(recording("formats/whisperkit_8_Channel_ID.m4a"))
    assert len(clip.samples) / 16_000 == pytest.approx(8.06, abs=0.05)


def test_mu_law_telephone_sound_decodes() -> None:
    mu_law = decode(recording("tel/azure_whatstheweatherlike-mulaw.wav")).samples
    assert similarity(mu_law, decode(recording("formats/azure_whatstheweatherlike.mp3")).samples) > 0.97


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.7, 100.0])
def test_the_first_seconds_of_a_recording_are_its_beginning_or_all_of_it(seconds: float) -> None:
    path = ROOT / "samples" / "korean.wav"
    whole = decode(path).samples
    with decode_blocks(path) as blocks:
        np.testing.assert_array_equal(blocks.first(seconds), whole[: round(seconds * 16_000)])
