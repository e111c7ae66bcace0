"""Samples of an open utterance to normalised features, each frame computed once.

The input is normalised by the mean and variance of the utterance so far; in files, of all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....types import SAMPLE_RATE, Audio
from ...ctc.frames import Frames
from ..acoustic import EPSILON
from ..graphs import SplitGraphs

# Samples of the first block, 1 s. After half a second, much of it silence, the variance was too low, and wrong letters
# were read; words were shown no sooner.
FIRST = SAMPLE_RATE
BLOCK = SAMPLE_RATE // 10


@dataclass(slots=True)
class Statistics:
    """Mean and variance of the samples added so far."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, sound: Audio) -> None:
        """Add samples."""
        self.count += len(sound)
        self.total += float(sound.sum(dtype=np.float64))
        self.squares += float(np.square(sound, dtype=np.float64).sum())

    def scaled(self, sound: Audio) -> Audio:
        """Return samples normalised by mean and standard deviation of all that were added; float32."""
        mean = self.total / max(self.count, 1)
        variance = max(self.squares / max(self.count, 1) - mean**2, 0.0)
        scaled: Audio = ((sound - mean) / np.sqrt(variance + EPSILON)).astype(np.float32)
        return scaled


class RunningNormalizer:
    """Normalises an open utterance in blocks; samples of an incomplete block wait."""

    def __init__(self) -> None:
        self._statistics = Statistics()
        self._rest: Audio = np.zeros(0, np.float32)

    def push(self, sound: Audio) -> Audio:
        """Take samples; return the normalised samples of the blocks that are complete now."""
        self._rest = np.concatenate([self._rest, sound])
        blocks = []
        while len(self._rest) >= (size := BLOCK if self._statistics.count else FIRST):
            block, self._rest = self._rest[:size], self._rest[size:]
            self._statistics.add(block)
            blocks.append(self._statistics.scaled(block))
        return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


class FrontEnd:
    """The front-end over one open utterance, for models whose features depend on no other frames."""

    def __init__(self, graphs: SplitGraphs, frames: Frames, normalizer: RunningNormalizer | None) -> None:
        self._graphs = graphs
        self._frames = frames
        self._normalizer = normalizer
        self._rest: Audio = np.zeros(0, np.float32)

    def push(self, sound: Audio) -> NDArray[np.float32]:
        """Take samples; return the features of the frames that are complete now, float32 `(frames, channels)`."""
        normal = self._normalizer.push(sound) if self._normalizer else sound
        self._rest = np.concatenate([self._rest, normal])
        count = self._frames.count(len(self._rest))
        features = self._graphs.features(self._rest)
        self._rest = self._rest[count * self._frames.stride :]
        return features
