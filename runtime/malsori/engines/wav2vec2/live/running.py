"""Samples to normalised features while they come: each frame is computed once, from the samples that it sees.

The input is normalised to zero mean and unit variance of the utterance so far; in files, of all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....types import SAMPLE_RATE, Audio
from ...ctc.frames import Frames
from ..acoustic import EPSILON
from ..graphs import SplitGraphs

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


class FrontEnd:
    """The front-end of one utterance, for models whose frames are local; keeps the samples that the next frame sees."""

    def __init__(self, graphs: SplitGraphs, frames: Frames, normalizer: RunningNormalizer | None) -> None:
        self._graphs = graphs
        self._frames = frames
        self._normalizer = normalizer
        self._rest: Audio = np.zeros(0, np.float32)

    def push(self, sound: Audio) -> NDArray[np.float32]:
        """Return the features of the frames that are complete now, float32 `(frames, channels)`."""
        normal = self._normalizer.push(sound) if self._normalizer else sound
        self._rest = np.concatenate([self._rest, normal])
        count = self._frames.count(len(self._rest))
        features = self._graphs.features(self._rest)
        self._rest = self._rest[count * self._frames.stride :]
        return features
