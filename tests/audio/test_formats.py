"""Formats and codecs: what people have decodes, by its content and whole."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from malsori.audio import decode
from malsori.errors import CorruptAudio, UnsupportedFormat
from tests.audio.test_decode import encoded, similarity
from tests.sounds import contained, fault, recording, tone

TONE = tone()


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("avi", "pcm_s16le", 16_000),
        ("avi", "mp3", 44_100),
        ("avi", "ac3", 48_000),
        ("mpegts", "aac", 48_000),
        ("mpegts", "mp2", 48_000),
        ("mpeg", "mp2", 48_000),
        ("mp2", "mp2", 48_000),
        ("ac3", "ac3", 48_000),
        ("eac3", "eac3", 48_000),
        ("mp4", "ac3", 48_000),
        ("latm", "aac", 48_000),
        ("amr", "libopencore_amrnb", 8_000),
        ("flv", "aac", 44_100),
        ("flv", "mp3", 44_100),
        ("mov", "pcm_s16be", 16_000),
        ("3gp", "aac", 16_000),
        ("wav", "adpcm_ima_wav", 16_000),
        ("wav", "adpcm_ms", 16_000),
        ("wav", "mp3", 16_000),
        ("wav", "mp2", 16_000),
        ("wav", "g722", 16_000),
        ("wav", "g726", 8_000),
        ("aiff", "pcm_s24be", 16_000),
        ("aiff", "pcm_f32be", 16_000),
        ("aiff", "pcm_s16le", 16_000),
        ("aiff", "adpcm_ima_qt", 16_000),
        ("au", "pcm_mulaw", 16_000),
        ("caf", "pcm_s16le", 16_000),
        ("caf", "alac", 16_000),
        ("w64", "pcm_s16le", 16_000),
        ("wv", "wavpack", 16_000),
        ("tta", "tta", 16_000),
        ("ogg", "flac", 16_000),
        ("voc", "pcm_u8", 8_000),
    ],
)
def test_a_format_of_libav_gives_the_sound_back(container: str, codec: str, rate: int) -> None:
    import av

    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no encoder {codec}")
    clip = decode(contained(container, codec, tone(2, rate), rate))
    assert len(clip.samples) / 16_000 == pytest.approx(2, abs=0.1)
    assert similarity(clip.samples, tone(2)) > 0.97
    assert clip.warnings == ()


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        ("WAV", "IMA_ADPCM"),
        ("WAV", "MS_ADPCM"),
        ("WAV", "GSM610"),
        ("AIFF", "PCM_16"),
        ("AU", "PCM_16"),
        ("CAF", "PCM_24"),
        ("W64", "PCM_16"),
        ("NIST", "PCM_16"),
        ("RF64", "PCM_16"),
        ("VOC", "PCM_16"),
    ],
)
def test_what_libsndfile_writes_is_read(kind: str, subtype: str) -> None:
    clip = decode(encoded(kind, subtype, TONE))
    assert len(clip.samples) / 16_000 == pytest.approx(1, abs=0.06)
    assert similarity(clip.samples, TONE) > 0.97


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_a_big_endian_wav_gives_the_samples_that_were_stored(subtype: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, TONE, 16_000, format="WAV", subtype=subtype, endian="BIG")
    assert file.getvalue().startswith(b"RIFX")
    np.testing.assert_allclose(decode(file.getvalue()).samples, TONE, atol=0.02 if subtype == "ULAW" else 1 / 32_768)


def test_a_to_float_law_is_that_of_libsndfile() -> None:
    for subtype in ("ULAW", "ALAW"):
        data = encoded("WAV", subtype, np.linspace(-1, 1, 70_000).astype(np.float32))
        expected, _ = soundfile.read(io.BytesIO(data), dtype="float32")
        np.testing.assert_allclose(decode(data).samples, expected, atol=1e-7)


def test_a_cut_wav_with_coded_samples_is_corrupt_unless_allowed() -> None:
    data = contained("wav", "adpcm_ima_wav", tone(4), 16_000)
    cut = data[: len(data) // 2]
    with pytest.raises(CorruptAudio, match=r"expected \d+ bytes of sound, found \d+ bytes; --allow-truncated"):
        decode(cut)
    clip = decode(cut, allow_truncated=True)
    assert len(clip.samples) / 16_000 == pytest.approx(2, abs=0.1)
    assert len(clip.warnings) == 1


def test_a_wav_with_a_tag_that_nobody_knows_names_it_and_the_line_that_converts() -> None:
    data = bytearray(contained("wav", "adpcm_ima_wav", TONE, 16_000))
    data[20:22] = (0x1234).to_bytes(2, "little")
    with pytest.raises(UnsupportedFormat, match=r"found WAV format 0x1234; .* ffmpeg -i"):
        decode(bytes(data))


def test_more_than_the_header_says_is_all_used_and_told() -> None:
    data = bytearray(encoded("FLAC", "PCM_16", tone(4)))
    total = int.from_bytes(data[21:26], "big") & 0xF_FFFF_FFFF
    assert total == 64_000
    data[22:26] = (20_000).to_bytes(4, "big")
    clip = decode(bytes(data))
    np.testing.assert_allclose(clip.samples, tone(4), atol=1e-4)
    assert clip.warnings == ("the file says that it holds 1.25 s; 4.00 s were found, and all are used",)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("sound.avi", 11.09),
        ("wrong_total.flac", 4.56),
        ("one_cue_108s.opus", 109.1),
        ("vbr_no_xing.mp3", 4.39),
        ("midframe.mp3", 10.84),
        ("chained.opus", 11.0),
        ("concatenated.mp3", 11.0),
        ("dialogue_in_centre_51.mp4", 11.0),
    ],
)
def test_recordings_that_lost_sound_once_are_read_whole(name: str, seconds: float) -> None:
    assert len(decode(fault(name)).samples) / 16_000 == pytest.approx(seconds, abs=0.05)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("formats/psphinx_chan3.sph", 20.87),
        ("formats/uberi_audio-stereo-16-bit-44100Hz.aiff", 2.74),
        ("formats/flactest_uncommon_01_-_changing_samplerate.flac", 18.92),
        ("formats/flactest_uncommon_03_-_decreasing_number_of_channels.flac", 8.51),
        ("formats/flactest_uncommon_10_-_file_starting_at_frame_header.flac", 15.07),
        ("formats/flactest_uncommon_11_-_file_starting_with_unparsable_data.flac", 12.89),
        ("corrupt/tinytag_lossless.wma", 0.65),
        ("tel/constme_columbia.wma", 198.76),
    ],
)
def test_recordings_in_rarer_formats_are_read_whole(name: str, seconds: float) -> None:
    assert len(decode(recording(name)).samples) / 16_000 == pytest.approx(seconds, abs=0.05)


def test_a_wav_is_read_without_loading_ffmpeg(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(encoded("WAV", "PCM_16", TONE))
    program = "import sys; from malsori.audio import decode; decode(sys.argv[1]); print('av' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
