"""Whether what was left out of a recording is silent, steady, or comes and goes as speech does."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from malsori.pipeline.files.loudness import Loudness, Missed
from malsori.types import SAMPLE_RATE, Audio, Span

SECONDS = 20


def noise(level: float) -> Audio:
    """White noise of so many dBFS."""
    sound = np.random.default_rng(0).standard_normal(SECONDS * SAMPLE_RATE) * 10 ** (level / 20)
    return sound.astype(np.float32)


def syllables(level: float) -> Audio:
    """Noise that comes and goes as syllables do, amid that of a room 20 dB below."""
    swing = np.sin(2 * np.pi * 2 * np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE) > 0
    return noise(level) * np.where(swing, 1, 0.1).astype(np.float32)


def of(sound: Audio, *spans: Span) -> Missed:
    loudness = Loudness()
    loudness.push(sound)
    return loudness.missed(spans or [Span(0, len(sound))])


@pytest.mark.parametrize(
    ("sound", "seconds"),
    [
        (np.zeros(0, np.float32), 0),
        (np.zeros(SECONDS * SAMPLE_RATE, np.float32), 0),
        (noise(-75), 0),
        (syllables(-75), 0),
        (noise(-50), 0),
        (noise(-10), 0),
        (syllables(-50), SECONDS / 2),
        (syllables(-20), SECONDS / 2),
    ],
)
def test_what_comes_and_goes_sounds_as_speech_and_silence_and_steady_noise_do_not(sound: Audio, seconds: float):
    assert of(sound).seconds == pytest.approx(seconds, abs=2.0)


@pytest.mark.parametrize(("level", "sounds"), [(-75, False), (-50, True)])
def test_a_recording_is_silent_or_is_to_be_heard(level: float, sounds: bool):
    loudness = Loudness()
    loudness.push(noise(level))
    assert loudness.sounds is sounds
    assert not Loudness().sounds


def test_a_door_that_shuts_in_a_quiet_room_is_no_speech():
    room = noise(-55)
    room[SAMPLE_RATE : 2 * SAMPLE_RATE] *= 100
    assert of(room).seconds < 2


def test_music_of_even_loudness_is_no_speech():
    seconds = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    beat = (0.2 * (1 + 0.5 * np.sin(2 * np.pi * 2 * seconds)) * np.sin(2 * np.pi * 440 * seconds)).astype(np.float32)
    silence = np.zeros(5 * SAMPLE_RATE, np.float32)
    assert of(np.concatenate([silence, beat, silence])).share < 0.1


def test_speech_counts_only_where_it_was_left_out():
    sound = np.concatenate([noise(-70), syllables(-30), syllables(-50)])
    left = Span(2 * SECONDS * SAMPLE_RATE, len(sound))
    missed = of(sound, left)
    assert missed.first == pytest.approx(2 * SECONDS, abs=1.0)
    assert 0.3 < missed.share < 0.6
    assert of(sound, Span(0, SECONDS * SAMPLE_RATE)).seconds == 0


@pytest.mark.parametrize("sizes", [[1] * 50, [1599, 1, 1600, 7], [100_000], [3200, 0, 5]])
def test_the_blocks_make_no_difference(sizes: list[int]):
    sound = syllables(-62)
    edges = [0, *np.cumsum(sizes).tolist(), len(sound)]
    whole, parts = Loudness(), Loudness()
    whole.push(sound)
    for start, stop in pairwise(edges):
        parts.push(sound[start:stop])
    assert len(whole.levels)
    assert np.array_equal(parts.levels, whole.levels)
