"""Whether a recording is silent, steady, or comes and goes: what is told where the gate finds no speech in it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from malsori.pipeline.loudness import Loudness
from malsori.types import SAMPLE_RATE, Audio

SECONDS = 20


def noise(level: float) -> Audio:
    """White noise of so many dBFS."""
    sound = np.random.default_rng(0).standard_normal(SECONDS * SAMPLE_RATE) * 10 ** (level / 20)
    return sound.astype(np.float32)


def syllables(level: float) -> Audio:
    """Noise that comes and goes as syllables do, amid that of a room 20 dB below."""
    swing = np.sin(2 * np.pi * 2 * np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE) > 0
    return noise(level) * np.where(swing, 1, 0.1).astype(np.float32)


def of(sound: Audio) -> tuple[bool, bool]:
    loudness = Loudness()
    loudness.push(sound)
    return loudness.sounds, loudness.varies


@pytest.mark.parametrize(
    ("sound", "expected"),
    [
        (np.zeros(0, np.float32), (False, False)),
        (np.zeros(SECONDS * SAMPLE_RATE, np.float32), (False, False)),
        (noise(-75), (False, False)),
        (syllables(-75), (False, False)),
        (noise(-50), (True, False)),
        (noise(-10), (True, False)),
        (syllables(-50), (True, True)),
        (syllables(-20), (True, True)),
    ],
)
def test_silence_steady_noise_and_what_comes_and_goes_are_told_apart(sound: Audio, expected: tuple[bool, bool]):
    assert of(sound) == expected


def test_a_door_that_shuts_in_a_quiet_room_is_no_speech():
    room = noise(-55)
    room[SAMPLE_RATE : 2 * SAMPLE_RATE] *= 100
    assert of(room) == (True, False)


@pytest.mark.parametrize("sizes", [[1] * 50, [1599, 1, 1600, 7], [100_000], [3200, 0, 5]])
def test_the_blocks_make_no_difference(sizes: list[int]):
    sound = syllables(-62)
    edges = [0, *np.cumsum(sizes).tolist(), len(sound)]
    whole, parts = Loudness(), Loudness()
    whole.push(sound)
    for start, stop in pairwise(edges):
        parts.push(sound[start:stop])
    assert parts._levels == whole._levels
