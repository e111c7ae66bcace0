"""A network that remembers what it was given, for tests of what a stream keeps. No tests here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from malsori.engines.onnx.graph import Graph


class NotedNetwork:
    """Runs another network; `feeds` are those of the last run."""

    def __init__(self, network: Graph) -> None:
        self.feeds: dict[str, NDArray[np.float32]] = {}
        self.outputs = network.outputs
        self._network = network

    def run(self, names: Sequence[str], feeds: Mapping[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        self.feeds = {name: array.copy() for name, array in feeds.items()}  # the caller writes over its own
        return self._network.run(names, feeds)
