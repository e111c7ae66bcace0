"""The transformer for a stream: new frames attend to the keys and values that are kept of the frames before.

    frames    ... committed, in the cache | C new, to be committed | R look-ahead
    features                              [-------------------------------------)
    left                       [---------)   projected, for the position embedding
    past_*    [--------------------------)

A frame of the look-ahead is heard, and heard anew in the next run with more behind it; which of the new keys and values
are kept is for the session to say. With nothing kept, zeros on the left and all frames at once it is the encoder of
`encoder.py`. It has no mask: one stream is one batch.
"""

from __future__ import annotations

from export.graph.builder import Builder
from export.graph.encoder import Encoder
from malsori.engines.wav2vec2.graphs import KEY, PAST, VALUE


class StreamEncoder(Encoder):
    """Writes one such encoder into a graph; its weights have the names, and so the places, of the encoder's."""

    def build(self) -> Builder:
        """Return the finished graph."""
        graph, kernel = self.graph, self.weights["wav2vec2.encoder.pos_conv_embed.conv.weight"].shape[2]
        graph.name = "stream"
        self._layer = 0
        self._left = graph.input("left", ("batch", kernel // 2, self.hidden_size))
        x = self._projected(graph.input("features", ("batch", "frames", self.channels)))
        graph.output(x, "projected", ("batch", "frames", self.hidden_size))
        self._head(self._states(x)[-1])
        return graph

    def _positions(self, x: str) -> str:
        return super()._positions(self.graph.node("Concat", self._left, x, axis=1))

    def _padding(self, kernel: int) -> tuple[int, int]:
        return 0, super()._padding(kernel)[1]

    def _attend(self, query: str, key: str, value: str) -> str:
        layer, self._layer = self._layer, self._layer + 1
        return super()._attend(query, self._with_past(KEY, layer, key), self._with_past(VALUE, layer, value))

    def _with_past(self, kind: str, layer: int, new: str) -> str:
        graph = self.graph
        past = graph.input(f"{PAST}{kind}{layer}", ("batch", "past", self.hidden_size))
        graph.output(new, f"{kind}{layer}", ("batch", "frames", self.hidden_size))
        return str(graph.node("Concat", past, new, axis=1))
