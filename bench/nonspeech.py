"""Sounds that nobody speaks in, by kind: what a recogniser should hear nothing in. Made from numbers, no recordings.

Every maker takes a random generator and a length in seconds, and returns float32 at 16 kHz in [-1, 1]. A level is that
of the whole sound, root mean square, in dB below full scale (dBFS); a quiet room is recorded at some -60, speech at
some -20.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.recordings import RATE

COLOURS = {"white": 0, "pink": 1, "brown": 2}  # the power falls by so many powers of the frequency
LEVELS = (-60, -40, -20)  # dBFS
CHORDS = ((220.0, 277.2, 329.6), (174.6, 220.0, 261.6), (196.0, 246.9, 293.7), (164.8, 207.7, 246.9))  # Hz
Sound = NDArray[np.float32]
Maker = Callable[[np.random.Generator, float], Sound]


def kinds() -> dict[str, Maker]:
    """Return a maker for each kind of sound, by its name."""
    noises: dict[str, Maker] = {
        f"{colour} noise, {level} dBFS": partial(noise, power=power, level=level)
        for colour, power in COLOURS.items()
        for level in LEVELS
    }
    return {
        "silence": silence,
        **noises,
        "hum of 50 Hz": hum,
        "tones": tones,
        "music": music,
        "breaths": breaths,
        "clicks": clicks,
        "typing": typing,
    }


def silence(random: np.random.Generator, seconds: float) -> Sound:
    """Return digital silence."""
    return np.zeros(_samples(seconds), np.float32)


def noise(random: np.random.Generator, seconds: float, power: float = 0, level: float = -40) -> Sound:
    """Return noise whose power falls by `power` powers of the frequency, from 20 Hz on."""
    return at_level(_coloured(random, _samples(seconds), power), level)


def hum(random: np.random.Generator, seconds: float) -> Sound:
    """Return what mains leave in a cable: 50 Hz, its odd harmonics, and a little noise."""
    time = _time(seconds)
    waves = [np.sin(2 * np.pi * 50 * harmonic * time) / harmonic**1.5 for harmonic in (1, 3, 5, 7)]
    return at_level(np.sum(waves, axis=0) + 0.01 * random.standard_normal(len(time)), -30)


def tones(random: np.random.Generator, seconds: float) -> Sound:
    """Return beeps of one frequency each, as machines give: a second long, with a rest."""
    time = _time(seconds)
    pitches = random.choice((440, 880, 1000, 2000), 1 + int(seconds / 2))
    sounding = (time % 2 < 1) * np.sin(2 * np.pi * pitches[(time // 2).astype(int)] * time)
    return at_level(sounding, -25)


def music(random: np.random.Generator, seconds: float) -> Sound:
    """Return plucked chords of harmonics over a beat of noise, two a second."""
    parts, size = [], RATE // 2
    time = np.arange(size) / RATE
    for beat in range(1 + int(seconds * 2)):
        chord = CHORDS[beat // 4 % len(CHORDS)]
        waves = [np.sin(2 * np.pi * pitch * h * time) / h for pitch in chord for h in range(1, 9)]
        drum = random.standard_normal(size) * np.exp(-60 * time)
        parts.append(np.sum(waves, axis=0) * np.exp(-4 * time) + drum)
    return at_level(np.concatenate(parts)[: _samples(seconds)], -22)


def breaths(random: np.random.Generator, seconds: float) -> Sound:
    """Return somebody close to the microphone who breathes in and out and says nothing: noise of 300-3000 Hz."""
    band = _band(random, _samples(seconds), 300, 3000)
    time = _time(seconds)
    depth = np.maximum(np.sin(2 * np.pi * time / 3.5), 0) ** 2 + 0.5 * np.maximum(-np.sin(2 * np.pi * time / 3.5), 0)
    return at_level(band * depth, -35)


def clicks(random: np.random.Generator, seconds: float) -> Sound:
    """Return single samples of full height, some two a second."""
    sound = np.zeros(_samples(seconds), np.float32)
    sound[random.integers(0, len(sound), max(1, round(2 * seconds)))] = random.choice((-1.0, 1.0))
    return sound


def typing(random: np.random.Generator, seconds: float) -> Sound:
    """Return keys that are struck, some six a second with pauses between words: bursts of 20 ms above 1 kHz."""
    sound = np.zeros(_samples(seconds) + RATE)
    burst = np.exp(-np.arange(RATE // 50) / 60)
    position = 0.0
    while position < seconds:
        at, strength = int(position * RATE), random.uniform(0.3, 1)
        sound[at : at + len(burst)] += strength * burst * _band(random, len(burst), 1000, 7000)
        position += random.uniform(0.08, 0.25) + (random.random() < 0.15) * random.uniform(0.3, 1)
    return at_level(sound[: _samples(seconds)], -35)


def at_level(sound: NDArray[np.floating], level: float) -> Sound:
    """Return a sound with its root mean square at a level in dBFS, cut where it would leave [-1, 1]."""
    loudness = max(float(np.sqrt(np.mean(np.square(sound)))), 1e-12)
    return np.clip(sound * (10 ** (level / 20) / loudness), -1, 1).astype(np.float32)


def words_per_minute(texts: Sequence[str], seconds: float) -> float:
    """Return how many words stand in the texts for each minute of sound."""
    return sum(len(text.split()) for text in texts) * 60 / seconds


def _coloured(random: np.random.Generator, samples: int, power: float) -> NDArray[np.float64]:
    frequencies = np.maximum(np.fft.rfftfreq(samples, 1 / RATE), 20)
    phases = random.standard_normal((2, len(frequencies)))
    return np.fft.irfft((phases[0] + 1j * phases[1]) * frequencies ** (-power / 2), samples)


def _band(random: np.random.Generator, samples: int, low: float, high: float) -> NDArray[np.float64]:
    """Return white noise between two frequencies, in Hz."""
    spectrum = np.fft.rfft(random.standard_normal(samples))
    frequencies = np.fft.rfftfreq(samples, 1 / RATE)
    return np.fft.irfft(np.where((frequencies >= low) & (frequencies <= high), spectrum, 0), samples)


def _samples(seconds: float) -> int:
    return round(seconds * RATE)


def _time(seconds: float) -> NDArray[np.float64]:
    return np.arange(_samples(seconds)) / RATE
