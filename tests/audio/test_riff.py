"""AVI and WMA that hold less than they say, by their own headers."""

from __future__ import annotations

import pytest

from malsori.audio import decode
from tests.containers import Form, encoded

PCM = Form("avi", "pcm_s16le", 16_000)
WMA = Form("asf", "wmav2", 44_100)


@pytest.mark.parametrize("codec", ["pcm_s16le", "adpcm_ima_wav", "adpcm_ms", "libmp3lame", "aac"])
def test_an_avi_that_is_whole_is_as_long_as_its_index_says(codec: str) -> None:
    assert decode(encoded(Form("avi", codec, 44_100))).warnings == ()


def test_an_avi_of_which_a_part_is_unreadable_says_how_much_of_its_index_was_found() -> None:
    data = bytearray(encoded(PCM))
    data[40_000:60_000] = bytes(20_000)
    clip = decode(bytes(data))
    assert any(line.startswith("the file says that it holds 4.00 s; only 3.") for line in clip.warnings)


def test_an_avi_without_its_end_is_held_against_the_size_that_it_says() -> None:
    data = encoded(PCM)
    clip = decode(data[: len(data) // 2])
    (line,) = clip.warnings
    assert line.startswith("the file says that it holds 4.0")  # the index, too, is taken for sound


def test_an_avi_that_ends_with_its_heads_is_held_against_the_size_that_it_says() -> None:
    data = encoded(Form("avi", "libmp3lame", 16_000))
    (line,) = decode(data[: data.index(b"movi") + 500]).warnings
    assert line.startswith("the file says that it holds")


def test_of_two_indexes_the_longer_one_counts() -> None:
    data = encoded(Form("avi", "libmp3lame", 16_000))
    movi, index = data.index(b"movi"), data.index(b"idx1")
    torn = bytearray(data + data[index : index + 80])
    torn[movi - 4 : movi] = b"\xff\xff\xff\x0f"
    torn[movi + 600 : index - 200] = bytes(index - movi - 800)
    assert any("the file says that it holds" in line for line in decode(bytes(torn), allow_truncated=True).warnings)


def test_an_avi_whose_index_is_behind_damage_finds_it_at_its_end() -> None:
    data = bytearray(encoded(PCM))
    movi = data.index(b"movi")
    data[movi - 4 : movi] = b"\xff\xff\xff\x0f"
    data[40_000:60_000] = bytes(20_000)
    assert any("it holds 4.00 s" in line for line in decode(bytes(data)).warnings)


def test_an_index_that_claims_gigabytes_is_not_read() -> None:
    data = bytearray(encoded(PCM))
    at = data.index(b"idx1")
    data[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    assert decode(bytes(data)).samples.size


def test_a_wma_without_its_end_is_held_against_its_play_duration() -> None:
    data = encoded(WMA)
    (line,) = [line for line in decode(data[: len(data) // 2]).warnings if "holds" in line]
    assert line.startswith("the file says that it holds 4.0")


def test_a_broadcast_promises_nothing() -> None:
    data = bytearray(encoded(WMA))
    at = data.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")) + 24 + 64
    data[at] |= 1
    assert not any("holds" in line for line in decode(bytes(data[: len(data) // 2])).warnings)
