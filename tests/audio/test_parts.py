"""Files that are several, one laid behind the other: all are read, whatever codec, rate or channels they have."""

from __future__ import annotations

import gc

import av
import pytest

from malsori.audio import decode, decode_blocks
from malsori.errors import CorruptAudio
from tests.audio.test_decode import encoded
from tests.sounds import contained, pcm16, tone, wav


def made(kind: str, seconds: float, rate: int) -> bytes:
    if kind == "wav":
        return wav(pcm16(tone(seconds, rate)), rate=rate)
    if kind == "vorbis":
        return encoded("OGG", "VORBIS", tone(seconds, rate), rate)
    container, codec = {
        "opus": ("ogg", "libopus"),
        "oga": ("ogg", "flac"),
        "flac": ("flac", "flac"),
        "mp4": ("mp4", "aac"),
        "mkv": ("matroska", "aac"),
        "ts": ("mpegts", "aac"),
        "aac": ("adts", "aac"),
    }[kind]
    return contained(container, codec, tone(seconds, rate), rate)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("wav", 16_000), ("wav", 44_100)),
        (("flac", 16_000), ("flac", 48_000)),
        (("mp4", 16_000), ("mp4", 44_100)),
        (("vorbis", 16_000), ("vorbis", 44_100)),
        (("opus", 48_000), ("opus", 48_000)),
        (("vorbis", 22_050), ("opus", 48_000)),
        (("oga", 16_000), ("vorbis", 44_100)),
        (("mkv", 16_000), ("mkv", 16_000)),
        (("ts", 48_000), ("ts", 48_000)),
    ],
)
def test_two_files_in_one_are_both_read_and_the_join_is_told(first: tuple[str, int], second: tuple[str, int]) -> None:
    clip = decode(made(first[0], 3, first[1]) + made(second[0], 2, second[1]))
    assert len(clip.samples) / 16_000 == pytest.approx(5, abs=0.2)
    assert any(warning.startswith("2 recordings one behind the other, joined at 3.") for warning in clip.warnings)
    assert clip.filled_s < 0.1


def test_five_files_in_one_are_all_read() -> None:
    clip = decode(made("flac", 1, 16_000) * 5)
    assert len(clip.samples) == 5 * 16_000
    assert clip.warnings == ("5 recordings one behind the other, joined at 1.00 s, 2.00 s, 3.00 s and more",)


def test_what_a_part_takes_is_given_back_before_the_next() -> None:
    def opened() -> int:
        gc.collect()
        return sum(isinstance(each, av.container.InputContainer) for each in gc.get_objects())

    before = opened()
    with decode_blocks(made("flac", 0.5, 16_000) * 20) as blocks:
        for _ in range(15):
            next(blocks)
        assert opened() <= before + 3


def test_aac_of_another_rate_goes_on() -> None:
    clip = decode(made("aac", 3, 16_000) + made("aac", 2, 44_100))
    assert len(clip.samples) / 16_000 == pytest.approx(5, abs=0.2)


def test_a_part_that_is_cut_short_is_an_error_unless_allowed() -> None:
    whole, cut = made("flac", 2, 16_000), made("flac", 4, 16_000)
    cut = cut[: len(cut) - (len(cut) - 8_300) // 2]
    for data in (whole + cut, cut + whole):
        with pytest.raises(CorruptAudio, match="--allow-truncated"):
            decode(data)
        clip = decode(data, allow_truncated=True)
        assert 3.5 < len(clip.samples) / 16_000 < 6
        assert any("cut short or damaged: expected 64000 frames" in warning for warning in clip.warnings)


def test_what_follows_and_cannot_be_read_is_an_error_unless_allowed() -> None:
    data = made("wav", 2, 16_000) + b"RIFF\x20\0\0\0WAVEjunk" + bytes(100)
    with pytest.raises(CorruptAudio, match="fmt chunk"):
        decode(data)
    clip = decode(data, allow_truncated=True)
    assert len(clip.samples) == 32_000
    assert any("what follows at 2.00 s was left out" in warning for warning in clip.warnings)


def test_parts_that_cannot_be_read_are_told_once_with_the_reason() -> None:
    clip = decode(made("wav", 1, 16_000) + b"RIFF\4\0\0\0WAVE" * 100, allow_truncated=True)
    [line] = [warning for warning in clip.warnings if "left out" in warning]
    assert line == "what follows at 1.00 s was left out: expected a WAV with a fmt chunk, found none"


JOINED = {
    "aiff": "pcm_s16be",
    "au": "pcm_s16be",
    "caf": "pcm_s16be",
    "w64": "pcm_s16le",
    "avi": "pcm_s16le",
    "tta": "tta",
    "wv": "wavpack",
    "flv": "aac",
    "asf": "pcm_s16le",
    "matroska": "flac",
    "webm": "libopus",
}


@pytest.mark.parametrize("container", JOINED)
def test_three_files_of_one_container_are_all_read(container: str) -> None:
    sound = contained(container, JOINED[container], tone(1, 48_000), 48_000)
    alone = decode(sound)
    joined = decode(sound * 3)
    assert len(joined.samples) == pytest.approx(3 * len(alone.samples), abs=16)
    [line] = joined.warnings
    assert line.startswith("3 recordings one behind the other, joined at ")
