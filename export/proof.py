"""Proof that a bundle says what its checkpoint says: test audio, differences between two outputs, tolerances, times.

Knows arrays only. What is compared, and through which engine, is decided by the script of each family.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from export.common import ExportRefused
from malsori.audio import decode
from malsori.pipeline.trials import find_recordings
from malsori.types import SAMPLE_RATE

FORMANTS = ((700, 1200, 2600), (300, 2200, 3000), (350, 800, 2500), (500, 1800, 2500))  # Hz, of a, i, u, e
BANDWIDTH = 90  # Hz, of each formant
SYLLABLE = 0.18  # seconds
SHORTEST = 0.1  # seconds of a recording
LONGEST = 30  # seconds of one; beyond, the runtime goes in windows, and PyTorch's attention takes all memory
ENOUGH = 60  # seconds of all: PyTorch is slow, and these differences are those of arithmetic, not of words
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Difference:
    """How far `ours` is from `theirs`, over all frames of all clips.

    `max_abs` is the largest absolute difference; `relative` is `max_abs` over the largest magnitude in `theirs`;
    `cosine` is the lowest cosine similarity of any one clip; `agreement` is the share of frames whose largest entry
    (last axis) is the same.
    """

    max_abs: float
    relative: float
    cosine: float
    agreement: float

    def to_dict(self) -> dict[str, float]:
        """Return the figures as they stand in a manifest."""
        return {
            "max_abs": float(f"{self.max_abs:.3g}"),
            "relative": float(f"{self.relative:.3g}"),
            "cosine": round(self.cosine, 6),
            "agreement": round(self.agreement, 4),
        }


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a difference may be before the bundle is refused; a limit at its default is not looked at."""

    relative: float = float("inf")
    cosine: float = -1.0
    agreement: float = 0.0

    def complaints(self, what: str, found: Difference) -> list[str]:
        """Return one line per limit that `found` breaks; a figure that is not a number breaks it too."""
        broken = []
        if not found.relative <= self.relative:
            broken.append(f"{what}: relative difference {found.relative:.3g}, at most {self.relative:g} allowed")
        if not found.cosine >= self.cosine:
            broken.append(f"{what}: cosine {found.cosine:.4f}, at least {self.cosine:g} needed")
        if not found.agreement >= self.agreement:
            broken.append(f"{what}: {found.agreement:.2%} of frames agree, {self.agreement:.2%} needed")
        return broken


def compare(theirs: Sequence[NDArray[Any]], ours: Sequence[NDArray[Any]]) -> Difference:
    """Compare two outputs clip by clip; arrays of shape `(frames, width)`, equal shapes expected.

    Raises `ExportRefused` when the shapes differ: no tolerance covers a frame more or less.
    """
    shapes, expected = [array.shape for array in ours], [array.shape for array in theirs]
    if shapes != expected:
        raise ExportRefused(f"the bundle gives shapes {shapes}, the checkpoint {expected}")
    pairs = [(a.astype(np.float64), b.astype(np.float64)) for a, b in zip(theirs, ours, strict=True) if a.size]
    max_abs = max(float(np.abs(a - b).max()) for a, b in pairs)
    scale = max(float(np.abs(a).max()) for a, _ in pairs)
    agreement = float(np.concatenate([a.argmax(-1) == b.argmax(-1) for a, b in pairs], axis=None).mean())
    lowest = min(cosine(a, b) for a, b in pairs)
    return Difference(max_abs, max_abs / scale if scale else max_abs, lowest, agreement)


def cosine(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the cosine of the angle between two arrays of one shape; 1 for equal ones, zeros included."""
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum() / norms) if norms else float(np.array_equal(a, b))


def judge(complaints: Sequence[str], force: bool) -> None:
    """Refuse a bundle that has complaints, unless forced. Raises `ExportRefused`."""
    if complaints and not force:
        raise ExportRefused(f"outside the tolerance ({'; '.join(complaints)}); --force keeps the bundle all the same")


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """Return what `work` gives and the seconds of its second run; the first one warms caches."""
    work()
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def proof_clips(files: Sequence[Path] = (), seconds: Sequence[float] = (2.0, 0.7, 3.3)) -> list[NDArray[np.float32]]:
    """Return the clips a proof runs on: synthetic speech of these lengths, or with `files` the first minute of them.

    `files` are recordings or folders of them, of each of which the first half minute counts.
    """
    clips: list[NDArray[np.float32]] = []
    for path in find_recordings(files, ()) if files else ():
        if sum(map(len, clips)) < ENOUGH * SAMPLE_RATE:
            clips.append(_decode(path)[: LONGEST * SAMPLE_RATE])
    return clips or [synthetic_speech(length, seed) for seed, length in enumerate(seconds)]


def synthetic_speech(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """Return something like speech, float32 in [-1, 1], 16 kHz: vowels of a gliding voice, hisses, pauses, faint noise.

    No words are in it; a network sees the energies, rates and pauses of speech, and the same ones for the same seed.
    """
    random = np.random.default_rng(seed)
    samples = round(seconds * SAMPLE_RATE)
    sound = random.normal(0, 1e-3, samples)
    for start in range(0, samples, round(SYLLABLE * SAMPLE_RATE)):
        block = sound[start : start + round(SYLLABLE * SAMPLE_RATE)]
        kind = random.choice(["vowel", "vowel", "vowel", "hiss", "pause"])
        if kind == "vowel":
            block += _vowel(len(block), random)
        elif kind == "hiss":
            block += 0.05 * np.diff(random.normal(size=len(block) + 1)) * np.hanning(len(block))
    return np.clip(sound, -1, 1).astype(np.float32)


def _vowel(samples: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return harmonics of a gliding pitch, weighted by the resonances of a random vowel."""
    seconds = np.arange(samples) / SAMPLE_RATE
    pitch, glide = random.uniform(90, 240), random.uniform(-60, 60)  # Hz, Hz per second
    phase = 2 * np.pi * (pitch * seconds + glide * seconds**2 / 2)
    formants = np.array(FORMANTS[random.integers(len(FORMANTS))])
    wave = np.zeros(samples)
    for harmonic in range(1, int(4000 / pitch)):
        gain = (1 / (1 + ((harmonic * pitch - formants) / BANDWIDTH) ** 2)).sum()
        wave += gain / np.sqrt(harmonic) * np.sin(harmonic * phase)
    return 0.3 * wave / max(float(np.abs(wave).max(initial=0)), 1e-9) * np.hanning(samples)


def _decode(path: Path) -> NDArray[np.float32]:
    clip = decode(path).samples
    if len(clip) < SHORTEST * SAMPLE_RATE:
        raise ExportRefused(f"{path}: too short to prove anything; {SHORTEST} s at least")
    return clip
