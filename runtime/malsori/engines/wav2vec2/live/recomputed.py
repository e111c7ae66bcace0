"""The encoder over a window of the newest seconds, recomputed at each step.

For an utterance within the window the logits approach those of a file. Each step costs a whole window.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....types import Audio
from ...ctc.frames import Frames
from ..graphs import Graphs, SplitGraphs
from .ctc_session import FrameLogits
from .running import FrontEnd, Statistics


class FeatureWindow:
    """A window of features, each computed once; for models whose features depend on no other frames."""

    def __init__(self, graphs: SplitGraphs, front: FrontEnd, frames: Frames, lookahead: int, window: int) -> None:
        """Take the look-ahead and the window in frames."""
        self.most = (window - lookahead) * frames.stride
        self._graphs = graphs
        self._front = front
        self._lookahead, self._window = lookahead, window
        self._features: NDArray[np.float32] | None = None
        self._committed = 0  # of the frames in the window

    def read(self, sound: Audio) -> FrameLogits:
        """Take the samples that follow; return what has been heard that was not committed before."""
        fresh = self._front.push(sound)
        most = self._window - self._lookahead  # `fresh` may have more than `sound`, which the normaliser held back
        readings = [self._step(fresh[start : start + most]) for start in range(0, max(len(fresh), 1), most)]
        return FrameLogits(np.concatenate([each.committed for each in readings]), readings[-1].ahead)

    def _step(self, fresh: NDArray[np.float32]) -> FrameLogits:
        """Take the next features, so few that no frame leaves the window before it is committed."""
        features = fresh if self._features is None else np.concatenate([self._features, fresh])
        gone = max(0, len(features) - self._window)
        self._features = features[gone:]
        before = self._committed - gone
        assert before >= 0
        until = max(before, len(self._features) - self._lookahead)
        self._committed = until
        if not len(self._features):
            return FrameLogits.split(np.zeros((0, int(self._graphs.outputs["logits"])), np.float32), 0)
        (logits,) = self._graphs.encode(["logits"], [self._features])
        return FrameLogits.split(logits[0, before:], until - before)


class ClipWindow:
    """A window of samples, normalised by the utterance so far, through the whole network; for all other models."""

    def __init__(self, graphs: Graphs, frames: Frames, normalizes: bool, lookahead: int, window: int) -> None:
        """Take the look-ahead and the window in frames."""
        self.most = (window - lookahead) * frames.stride
        self._graphs = graphs
        self._frames = frames
        self._statistics = Statistics() if normalizes else None
        self._lookahead, self._window = lookahead, window
        self._sound: Audio = np.zeros(0, np.float32)
        self._committed = 0  # of the frames in the window

    def read(self, sound: Audio) -> FrameLogits:
        """Take the samples that follow; return what has been heard that was not committed before."""
        if self._statistics:
            self._statistics.add(sound)
        self._sound = np.concatenate([self._sound, sound])
        gone = max(0, self._frames.count(len(self._sound)) - self._window)
        self._sound = self._sound[gone * self._frames.stride :]
        count = self._frames.count(len(self._sound))
        before = self._committed - gone
        assert before >= 0  # as long as `sound` is no longer than `most`
        self._committed = max(before, count - self._lookahead)
        if not count:
            return FrameLogits.split(np.zeros((0, int(self._graphs.outputs["logits"])), np.float32), 0)
        normal = self._statistics.scaled(self._sound) if self._statistics else self._sound
        logits = self._graphs.run(["logits"], [normal])[0][0, :count]
        return FrameLogits.split(logits[before:], self._committed - before)
