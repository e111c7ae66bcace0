"""Running input normalisation: zero mean and unit variance of the utterance so far; in files, of all of it.

Samples are taken in blocks at fixed places, so how the sound arrives makes no difference, and each is normalised once:
by the statistics of all sound up to the end of its block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...types import SAMPLE_RATE, Audio
from ..acoustic import EPSILON

# Samples. By the first half second, much of it silence, a voice was taken for louder than it is, and letters were heard
# that nobody said; words were shown no sooner for it.
FIRST = SAMPLE_RATE
BLOCK = SAMPLE_RATE // 10


@dataclass(slots=True)
class Statistics:
    """Of the samples added so far."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, sound: Audio) -> None:
        """Count more samples in."""
        self.count += len(sound)
        self.total += float(sound.sum(dtype=np.float64))
        self.squares += float(np.square(sound, dtype=np.float64).sum())

    def scaled(self, sound: Audio) -> Audio:
        """Return samples with the mean taken off and divided by the deviation, of all that were added; float32."""
        mean = self.total / max(self.count, 1)
        variance = max(self.squares / max(self.count, 1) - mean**2, 0.0)
        scaled: Audio = ((sound - mean) / np.sqrt(variance + EPSILON)).astype(np.float32)
        return scaled


class RunningNormalizer:
    """Normalises an utterance as it comes; up to a block of it waits inside."""

    def __init__(self) -> None:
        self._statistics = Statistics()
        self._rest: Audio = np.zeros(0, np.float32)

    def push(self, sound: Audio) -> Audio:
        """Return the samples that follow those returned before, as far as their blocks are complete."""
        self._rest = np.concatenate([self._rest, sound])
        blocks = []
        while len(self._rest) >= (size := BLOCK if self._statistics.count else FIRST):
            block, self._rest = self._rest[:size], self._rest[size:]
            self._statistics.add(block)
            blocks.append(self._statistics.scaled(block))
        return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
