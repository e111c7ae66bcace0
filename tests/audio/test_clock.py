"""Gaps, late starts and damage: what comes behind keeps its time, and what was done is told."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from malsori.audio import decode, decode_blocks
from malsori.audio.clock import LONGEST_S, FileClock
from malsori.errors import CorruptAudio
from tests.sounds import contained, fault, tone
from tests.tracks import Track, muxed


def pips(*times: float, seconds: float) -> NDArray[np.float32]:
    """Return silence with a pip of 0.2 s at each of the times."""
    sound = np.zeros(round(seconds * 16_000), np.float32)
    for time in times:
        at = round(time * 16_000)
        sound[at : at + 3_200] = tone(0.2)[: len(sound) - at]
    return sound


def onsets(samples: NDArray[np.float32]) -> list[float]:
    """Return when each pip begins, in steps of 10 ms."""
    loud = np.abs(samples[: len(samples) // 160 * 160].reshape(-1, 160)).max(axis=1) > 0.1
    return [float(at) / 100 for at in np.flatnonzero(loud & ~np.roll(loud, 1))]


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts", "flv"])
def test_packets_that_were_lost_leave_silence_and_what_follows_keeps_its_time(container: str) -> None:
    sound = pips(0.5, 6.5, 8.5, seconds=10)
    clip = decode(muxed(container, Track(sound, lost=(1.0, 6.0))))
    assert len(clip.samples) / 16_000 == pytest.approx(10, abs=0.15)
    np.testing.assert_allclose(onsets(clip.samples), [0.5, 6.5, 8.5], atol=0.08)
    assert clip.filled_s == pytest.approx(5, abs=0.15)
    assert len(clip.warnings) == 1
    assert re.match(r"silence stands for gaps in the recording: (5\.0|4\.9)\d s at 1\.\d\d s", clip.warnings[0])


def test_many_small_gaps_are_told_in_one_line() -> None:
    sound = tone(12)
    data = [Track(sound, lost=(at, at + 0.5)) for at in (1.0,)]
    clock = FileClock()
    clock.follow(0.0, LONGEST_S)
    for time in np.arange(0, 10, 0.5):
        clock.advance(clock.silence_before(float(time)) + 0.25)
    assert len(clock.notes()) == 1
    assert "and 16 more, 4.75 s in all" in clock.notes()[0]
    assert decode(muxed("mp4", *data)).filled_s == pytest.approx(0.5, abs=0.1)


def test_sound_that_begins_late_begins_with_silence_unless_told_otherwise() -> None:
    data = muxed("mp4", Track(tone(6)), Track(pips(0.5, seconds=2), start=4.0))
    clip = decode(data, track=2)
    np.testing.assert_allclose(onsets(clip.samples), [4.5], atol=0.08)
    assert any(re.match(r"the sound begins (4\.0|3\.9)\d s late", warning) for warning in clip.warnings)
    clip = decode(data, track=2, start_at_zero=True)
    np.testing.assert_allclose(onsets(clip.samples), [0.5], atol=0.08)
    assert clip.filled_s == 0


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts"])
def test_the_delay_of_an_encoder_is_no_late_start(container: str) -> None:
    clip = decode(muxed(container, Track(pips(0.5, seconds=1))))
    assert clip.warnings == ()
    np.testing.assert_allclose(onsets(clip.samples), [0.5], atol=0.08)


@pytest.mark.parametrize(("container", "leap"), [("matroska", 5 * 3_600.0), ("mpegts", 100.0)])
def test_a_clock_that_leaps_too_far_makes_no_silence(container: str, leap: float) -> None:
    clip = decode(muxed(container, Track(tone(4), leap=(2.0, leap))))
    assert len(clip.samples) / 16_000 == pytest.approx(4, abs=0.15)
    assert any("leaps too far" in warning for warning in clip.warnings)


def test_a_long_gap_takes_no_memory() -> None:
    data = muxed("matroska", Track(tone(4), leap=(2.0, 1_200.0)))
    tracemalloc.start()
    with decode_blocks(data) as blocks:
        assert sum(map(len, blocks)) / 16_000 == pytest.approx(1_204, abs=0.15)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20  # the silence is 77 MB


def test_all_gaps_of_a_file_together_have_a_limit() -> None:
    clock = FileClock()
    clock.follow(0.0, LONGEST_S)
    for hour in range(10):
        clock.advance(clock.silence_before(hour * 1_800.0) + 1)
    assert clock.filled <= LONGEST_S
    assert "leaps too far" in clock.notes()[-1]


def test_times_that_jitter_or_overlap_are_no_gaps() -> None:
    clock = FileClock()
    clock.follow(0.0, LONGEST_S)
    for step, jitter in enumerate([0, 0.05, -0.05, 0.08, -0.3, 0.02] * 10):
        assert clock.silence_before(step * 0.02 + jitter) == 0
        clock.advance(0.02)
    assert clock.notes() == []


def test_a_clock_that_goes_back_begins_another_recording() -> None:
    clock = FileClock()
    clock.follow(0.0, LONGEST_S)
    for time in (0, 1, 2, 0, 1, 5):
        clock.advance(clock.silence_before(float(time)) + 1)
    assert clock.elapsed == pytest.approx(9)
    joined = [note for note in clock.notes() if "one behind the other" in note]
    assert joined == ["2 recordings one behind the other, joined at 3.00 s"]


def test_damage_is_an_error_that_says_where_and_allowed_it_becomes_silence_of_its_length() -> None:
    sound = pips(0.5, 4.5, seconds=6)
    data = bytearray(muxed("mp4", Track(sound)))
    middle = data.index(b"mdat") + 4 + 2 * (len(data) - data.index(b"mdat")) // 5
    data[middle : middle + 800] = bytes(range(256)) * 3 + bytes(32)
    with pytest.raises(CorruptAudio, match=r"found damage at 2\.\d\d s .*--allow-truncated"):
        decode(bytes(data))
    clip = decode(bytes(data), allow_truncated=True)
    assert len(clip.samples) / 16_000 == pytest.approx(6, abs=0.1)
    assert onsets(clip.samples)[-1] == pytest.approx(4.5, abs=0.08)
    assert any("silence stands for what does not decode" in warning for warning in clip.warnings)


def test_a_flac_frame_with_a_wrong_sum_is_damage() -> None:
    data = bytearray(contained("flac", "flac", pips(0.5, 4.5, seconds=6), 16_000))
    data[-2_400] ^= 0x55  # between the pips
    with pytest.raises(CorruptAudio, match=r"damage at|missing at"):
        decode(bytes(data))
    clip = decode(bytes(data), allow_truncated=True)
    assert len(clip.samples) == 6 * 16_000
    np.testing.assert_allclose(onsets(clip.samples)[-1], 4.5, atol=0.02)


@pytest.mark.parametrize(
    ("name", "seconds", "filled"),
    [("gap.mkv", 16.07, 5.0), ("gap.mp4", 16.07, 5.0), ("late.mp4", 15.09, 4.02), ("damaged.m4a", 11.0, 0.19)],
)
def test_recordings_with_holes_keep_their_times(name: str, seconds: float, filled: float) -> None:
    clip = decode(fault(name), allow_truncated=True)
    assert len(clip.samples) / 16_000 == pytest.approx(seconds, abs=0.05)
    assert clip.filled_s == pytest.approx(filled, abs=0.01)
    assert len(clip.warnings) == 1


def test_a_container_that_cannot_be_read_on_is_told_unless_what_is_missing_is() -> None:
    clock = FileClock()
    clock.advance(2.5)
    clock.stop("invalid data")
    assert clock.notes() == ["what follows at 2.50 s cannot be read (invalid data)"]
    clock.cut = True
    assert clock.notes() == []
