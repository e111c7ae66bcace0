"""The encoder with cached states: a frame is computed once after it is committed.

Each run takes the frames that are not committed yet. They attend to each other and to the cached keys and values of the
last `left` committed frames, layer by layer; then all but the newest `lookahead` frames are committed, and their keys
and values of this run are cached. So a committed frame has attended to at least `lookahead` frames behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....bundles.manifest import Manifest
from ....types import SAMPLE_RATE, Audio
from ...onnx.graph import Graph
from ..graphs import KEY, PAST, VALUE
from .ctc_session import FrameLogits
from .running import FrontEnd

MOST_NEW = 10 * SAMPLE_RATE  # samples of a call; attention among the new frames takes the square of them


class Recent:
    """Keeps the last `most` of the appended rows in contiguous memory that is allocated once and rarely moved."""

    def __init__(self, most: int, width: int) -> None:
        self._most = most
        self._memory = np.zeros((most + max(most // 2, 1), width), np.float32)  # unused pages take no memory
        self._start = self._stop = 0

    @property
    def rows(self) -> NDArray[np.float32]:
        """The rows kept, `(rows, width)`: a view that the next append may change."""
        return self._memory[self._start : self._stop]

    def append(self, rows: NDArray[np.float32]) -> None:
        """Append rows, and drop the oldest ones beyond `most`."""
        rows = rows[max(0, len(rows) - self._most) :]
        kept = min(self._stop - self._start, self._most - len(rows))
        self._start = self._stop - kept
        if self._stop + len(rows) > len(self._memory):
            self._memory[:kept] = self.rows  # numpy allows the overlap
            self._start, self._stop = 0, kept
        self._memory[self._stop : self._stop + len(rows)] = rows
        self._stop += len(rows)


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a `stream.onnx`: layers, hidden size, and frames to the left that its position embedding sees."""

    layers: int
    hidden: int
    positions: int

    @classmethod
    def of(cls, manifest: Manifest) -> Sizes:
        """Return the sizes in the manifest of a bundle that has the graph."""
        sizes = manifest.sizes
        return cls(sizes["num_hidden_layers"], sizes["hidden_size"], sizes["num_conv_pos_embeddings"] // 2)


class CachedReader:
    """One utterance through `stream.onnx`."""

    most = MOST_NEW

    def __init__(self, network: Graph, front: FrontEnd, sizes: Sizes, lookahead: int, left: int) -> None:
        """Take the graph, and in frames the look-ahead and the `left` context of attention."""
        self._network = network
        self._front = front
        self._lookahead = lookahead
        self._waiting: NDArray[np.float32] | None = None  # features of the frames that are not committed
        self._left = Recent(sizes.positions, sizes.hidden)
        self._left.append(np.zeros((sizes.positions, sizes.hidden), np.float32))
        names = [f"{kind}{layer}" for layer in range(sizes.layers) for kind in (KEY, VALUE)]
        self._past = {name: Recent(left, sizes.hidden) for name in names}

    def read(self, sound: Audio) -> FrameLogits:
        """Take the next samples; return the logits of all frames that were not committed before."""
        fresh = self._front.push(sound)
        features = fresh if self._waiting is None else np.concatenate([self._waiting, fresh])
        new = max(0, len(features) - self._lookahead)
        self._waiting = features[new:]
        if not len(features):
            return FrameLogits.split(np.zeros((0, int(self._network.outputs["logits"])), np.float32), 0)
        outputs = self._run(features)
        self._left.append(outputs["projected"][:new])
        for name, past in self._past.items():
            past.append(outputs[name][:new])
        return FrameLogits.split(outputs["logits"], new)

    def _run(self, features: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        """Return the outputs for all features, each `(frames, width)`."""
        names = ["logits", "projected", *self._past]
        feeds = {f"{PAST}{name}": past.rows[None] for name, past in self._past.items()}
        feeds |= {"features": features[None], "left": self._left.rows[None]}
        return {name: array[0] for name, array in zip(names, self._network.run(names, feeds), strict=True)}
