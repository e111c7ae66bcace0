"""What a stream takes in: any cut of any sound gives the same 16 kHz samples, and bad blocks are named."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.audio import Block, Intake, decode, from_pcm16
from malsori.audio.sniff import describe
from malsori.errors import AudioError, UnsupportedFormat
from tests.sounds import pcm16, tone

RATES = (4_000, 8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000, 384_000)


def taken(intake: Intake, blocks: list[Any]) -> np.ndarray:
    """Return all that comes out of an intake for some blocks."""
    return np.concatenate([*(intake.push(block) for block in blocks), intake.flush()])


def noise(shape: int | tuple[int, int], seed: int = 1) -> np.ndarray:
    return np.clip(np.random.default_rng(seed).normal(0, 0.2, shape), -1, 1).astype(np.float32)


def cut(samples: Any, cuts: list[float]) -> list[Any]:
    """Return a sound in blocks, cut at these parts of its length."""
    edges = sorted(int(each * len(samples)) for each in cuts)
    return [samples[start:stop] for start, stop in pairwise([0, *edges, len(samples)])]


CUTS = st.lists(st.floats(0, 1), max_size=12)


@settings(max_examples=60, deadline=None)
@given(rate=st.sampled_from(RATES), cuts=CUTS)
def test_any_cut_of_one_channel_gives_the_samples_of_the_file_mode(rate: int, cuts: list[float]) -> None:
    samples = noise(rate // 5 + 77)
    found = taken(Intake(rate), cut(samples, cuts))
    np.testing.assert_array_equal(found, decode(samples, sample_rate=rate).samples)


@settings(max_examples=60, deadline=None)
@given(rate=st.sampled_from(RATES), channels=st.integers(2, 5), cuts=CUTS)
def test_any_cut_of_several_channels_gives_the_same_samples(rate: int, channels: int, cuts: list[float]) -> None:
    samples = noise((rate // 5 + 77, channels))
    samples[rate // 20 :, 1:] = -samples[rate // 20 :, :1] / (channels - 1)  # from here on they cancel
    whole = taken(Intake(rate), [samples])
    np.testing.assert_array_equal(taken(Intake(rate), cut(samples, cuts)), whole)
    assert np.abs(whole[-1_600:]).max() > 0.1


@given(cuts=CUTS)
def test_any_cut_of_bytes_gives_the_same_samples_also_inside_one(cuts: list[float]) -> None:
    data = pcm16(noise(999)) + b"\x01"
    np.testing.assert_array_equal(taken(Intake(), cut(data, cuts)), from_pcm16(data))


def test_blocks_of_one_sample_are_blocks() -> None:
    samples = noise(1_000)
    np.testing.assert_array_equal(
        taken(Intake(48_000), list(samples[:, np.newaxis])), decode(samples, sample_rate=48_000).samples
    )


def test_several_channels_give_what_a_file_gives_while_they_do_not_cancel() -> None:
    samples = noise((50_000, 2))
    found = taken(Intake(44_100), np.array_split(samples, 37))
    np.testing.assert_array_equal(found, decode(samples, sample_rate=44_100).samples)


def test_several_channels_wait_for_no_more_than_20_ms() -> None:
    intake = Intake()
    assert [len(intake.push(noise((160, 2)))) for _ in range(4)] == [0, 320, 0, 320]
    assert len(intake.push(noise((319, 2)))) == 0
    assert len(intake.flush()) == 319


def test_one_channel_at_16_khz_waits_for_nothing() -> None:
    assert len(Intake().push(noise(7))) == 7


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_bytes_are_taken_in_every_form(form: Any) -> None:
    data = pcm16(tone(0.1))
    np.testing.assert_array_equal(Intake().push(form(data)), from_pcm16(data))


@pytest.mark.parametrize("form", ["<i2", "b", "B"])
def test_a_view_of_int16_is_its_bytes(form: str) -> None:
    data = pcm16(tone(0.1))
    np.testing.assert_array_equal(Intake().push(memoryview(np.frombuffer(data, form))), from_pcm16(data))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_are_samples_and_int16_is_scaled(kind: Any) -> None:
    halves = np.array([0.5, -0.25])
    assert Intake().push(halves.astype(kind)).tolist() == [0.5, -0.25]
    assert Intake().push((halves * 32_768).astype(np.int16)).tolist() == [0.5, -0.25]
    assert Intake().push(halves.astype(kind)).dtype == np.float32


def test_a_block_may_be_used_again_by_its_owner() -> None:
    block = noise(100)
    found = Intake().push(block)
    kept = found.copy()
    block[:] = 0
    np.testing.assert_array_equal(found, kept)


def test_one_column_is_one_channel() -> None:
    intake = Intake()
    intake.push(noise(10))
    assert len(intake.push(noise((10, 1)))) == 10


def test_an_empty_block_settles_nothing() -> None:
    intake = Intake()
    for empty in (b"", np.zeros(0), np.zeros((0, 2), np.int16)):
        assert len(intake.push(empty)) == 0
    assert len(intake.push(noise((320, 3)))) == 320
    assert len(intake.push(b"")) == 0


WRONG: list[tuple[Any, str]] = [
    (["0.1", "0.2"], "PCM16 bytes or an array of samples, found list"),
    ("sound", "PCM16 bytes or an array of samples, found str"),
    (None, "PCM16 bytes or an array of samples, found NoneType"),
    (np.zeros(4, np.int64), "float, int16, int32, int8 or uint8 samples, found int64"),
    (np.zeros(4, bool), "float, int16, int32, int8 or uint8 samples, found bool"),
    (np.full(400, 9000.0), "float samples in .-1, 1., found a peak of 9000; divide by 32768"),
    (np.zeros((1, 2, 2)), r"\(samples, channels\), found 3 dimensions"),
    (np.float32(0.5), r"\(samples, channels\), found 0 dimensions"),
    (np.zeros((33, 512)), r"one axis of 1 to 32 channels and a longer one of samples, found the shape \(33, 512\)"),
    (memoryview(np.zeros(4, np.float32)), "format B or h .int16, little-endian.*, found one of format 'f'$"),
    (memoryview(np.zeros(4, ">i2")), "format B or h .int16, little-endian.*, found one of format '>h'$"),
    (memoryview(np.zeros((4, 2), "<i2")), "in one dimension, found one of format 'h' in 2 dimensions$"),
]


@pytest.mark.parametrize(("block", "words"), WRONG)
def test_a_block_of_the_wrong_type_or_shape_is_an_error_that_names_both(block: Any, words: str) -> None:
    with pytest.raises(UnsupportedFormat, match=words):
        Intake().push(block)


@pytest.mark.parametrize(
    ("first", "then", "words"),
    [
        (np.zeros((9, 2)), np.zeros(9), "float samples with 2 channels like the first, found .* float .* 1 channel$"),
        (np.zeros(9), np.zeros((9, 2)), "float samples with 1 channel like the first, found .* with 2 channels"),
        (np.zeros(9), np.zeros(9, np.int16), "float samples with 1 channel like .* found blocks of int16 samples"),
        (b"ab", np.zeros(9, np.int16), "PCM16 bytes with 1 channel like the first, found blocks of int16 samples"),
        (np.zeros(9, np.int16), b"ab", "int16 samples with 1 channel like the first, found blocks of PCM16 bytes"),
    ],
)
def test_a_block_unlike_the_first_is_an_error_that_names_both(first: Block, then: Block, words: str) -> None:
    intake = Intake()
    intake.push(first)
    with pytest.raises(UnsupportedFormat, match=words):
        intake.push(then)


def test_a_block_at_another_rate_is_an_error_that_names_both() -> None:
    intake = Intake(48_000)
    intake.push(noise(100), 48_000)
    with pytest.raises(UnsupportedFormat, match="stream: expected blocks at 48000 Hz, found one at 16000 Hz"):
        intake.push(noise(100), 16_000)


@pytest.mark.parametrize("rate", [0, -16_000, 3_999, 384_001, 44_100.5, "16000", None, True, float("nan")])
def test_a_rate_that_there_is_not_is_an_error(rate: Any) -> None:
    with pytest.raises(AudioError, match="stream: expected a sample rate"):
        Intake(rate)


def test_a_refused_block_leaves_the_stream_as_it_was() -> None:
    samples = noise(4_000)
    intake = Intake(8_000)
    parts = [intake.push(samples[:1_111])]
    for wrong in (np.zeros((5, 2)), b"ab", [1], np.zeros(3, np.int64)):
        with pytest.raises(UnsupportedFormat):
            intake.push(wrong)  # type: ignore[arg-type]
    parts += [intake.push(samples[1_111:]), intake.flush()]
    np.testing.assert_array_equal(np.concatenate(parts), decode(samples, sample_rate=8_000).samples)


def test_what_is_not_a_number_becomes_silence_and_is_told_once() -> None:
    intake = Intake()
    assert intake.push(np.array([0.5, np.nan, np.inf, -np.inf], np.float32)).tolist() == [0.5, 0, 0, 0]
    assert intake.mended() == "3 samples that were not finite numbers became silence"
    intake.push(np.array([np.nan]))
    assert intake.mended() is None


def test_what_is_beyond_full_scale_is_clipped_and_told_once_beside_other_faults() -> None:
    intake = Intake()
    assert intake.mended() is None
    assert intake.push(np.array([1.5, -3.0, 0.5])).tolist() == [1, -1, 0.5]
    assert intake.mended() == "2 samples beyond full scale were clipped (peak 3)"
    intake.push(np.array([2.0, np.nan]))
    assert intake.mended() == "1 samples that were not finite numbers became silence"
    intake.flush()
    intake.push(np.array([2.0, np.nan]))
    assert intake.mended() is None


def test_channels_that_cancel_are_heard_and_told_once() -> None:
    intake, one = Intake(), tone(1)
    found = intake.push(np.stack([one, -one], axis=1))
    np.testing.assert_array_equal(found, one)
    assert "cancel" in (intake.mended() or "")
    intake.push(np.stack([one, -one], axis=1))
    assert intake.mended() is None


def test_flush_gives_all_that_was_held_back_and_starts_over() -> None:
    intake, samples = Intake(48_000), noise(24_000)
    first = taken(intake, [samples])
    assert len(first) == 8_000
    np.testing.assert_array_equal(taken(intake, [samples]), first)


def test_half_a_sample_does_not_outlive_a_flush() -> None:
    intake = Intake()
    intake.push(b"\x00\x40\x01")
    intake.flush()
    assert intake.push(b"\x00\x40").tolist() == [0.5]


def test_a_subtitle_in_the_place_of_sound_is_told_with_the_command_that_takes_one() -> None:
    assert describe(b"1\n00:00:00,500 --> 00:00:02,920\nhello\n") == (
        "a subtitle (malsori align SOUND SUBTITLE retimes one)"
    )
    assert describe(b"WEBVTT\n\n00:00.5 --> 00:02.920\nhello\n").startswith("a subtitle")
    assert describe(b"a --> b") == "text"
