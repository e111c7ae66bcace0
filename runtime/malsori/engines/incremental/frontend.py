"""Samples to features while they come: each frame is computed once, from the samples that it sees and no others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...types import Audio
from ..frames import Frames
from ..graphs import SplitGraphs
from .normalizer import RunningNormalizer


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
