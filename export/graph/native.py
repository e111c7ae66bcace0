"""Linear layers in 8 bits by our own operator, and weights that it, and ONNX Runtime on AVX2, adds up exactly.

`runtime/malsori/engines/native/linear.h` says how it multiplies. Sums of 16 bits must hold there; so each output gets
the smallest scale with which they do, whatever the inputs are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from export.graph.builder import Builder
from export.graph.linear import Int8, Linear, Matrix
from malsori.engines.native import DOMAIN

GROUP, PANEL = 32, 16  # what inputs and outputs are multiples of, as linear.h has it
# The most that weights of one sign in one lane add up to; inputs are brought to 0..127: 258 * 127 < 2^15. With 181 for
# both 1 - cosine of XLSR-large's logits was 0.0013 instead of 0.0008.
LANE = 258
# ONNX Runtime brings inputs to 0..255 and adds up two products before it widens them: 128 * 255 < 2^15.
PAIR = 128
# In the front-end: the features of XLSR-large are off by 0.0007 (1 - cosine) instead of 0.0009, 10 % slower.
CONVOLVED = 16
MARGIN = 1.005  # by which a scale grows while its sums do not hold


@dataclass(frozen=True, slots=True)
class Bounded(Int8):
    """Signed weights with a scale per output, the smallest with which no sum of 16 bits runs over.

    `depth` inputs make two sums (see linear.h): the more, the faster, and the coarser the weights. Finding the scales
    takes time, so they are kept, by the layer's name, for the other graphs of a bundle.
    """

    signed: bool = True
    per_channel: bool = True
    depth: int = 32
    _kept: dict[str, tuple[NDArray[np.int8], Matrix]] = field(default_factory=dict, compare=False, repr=False)

    def stored(self, name: str, weight: Matrix) -> tuple[NDArray[np.int8], Matrix]:
        """Return what `quantize` does, computed once for each name."""
        if name not in self._kept:
            self._kept[name] = self.quantize(weight)
        return self._kept[name]

    def quantize(self, weight: Matrix) -> tuple[NDArray[np.int8], Matrix]:
        """Return the weight in 8 bits and its scale, `(out,)`."""
        by_input = np.ascontiguousarray(weight.T)
        scale = np.maximum(np.abs(by_input).max(axis=0) / 127, excess(by_input, self.depth)).astype(np.float32)
        scale = np.maximum(scale, np.finfo(np.float32).tiny)  # of zeros; below it a scale could not grow by MARGIN
        rounded = np.rint(by_input / scale).astype(np.int8)
        while (over := np.flatnonzero(excess(rounded, self.depth) > 1)).size:  # rounding may add up to a little more
            scale[over] *= MARGIN
            rounded[:, over] = np.rint(by_input[:, over] / scale[over])
        return rounded.T, scale


def excess(weight: NDArray[np.float32 | np.int8], depth: int) -> Matrix:
    """Return by what each output's weights, `(inputs, out)`, would have to be divided for every sum to hold."""
    inputs, out = weight.shape
    padded = np.pad(weight, ((0, -inputs % depth), (0, 0))).astype(np.float32)
    found = []
    for of_sign in (np.maximum(padded, 0), -np.minimum(padded, 0)):
        pairs = of_sign[0::2] + of_sign[1::2]
        lanes = pairs.reshape(-1, depth // 4, 2, out).sum(axis=1)  # see the picture in linear.h
        found += [pairs.max(axis=0) / PAIR, lanes.max(axis=(0, 1)) / LANE]
    return np.max(found, axis=0)


@dataclass(frozen=True, slots=True)
class Native(Linear):
    """The same weights, under the same names, through our own operator. It takes layers that `fits` is true of."""

    weights: Bounded = field(default_factory=Bounded)

    def __call__(self, graph: Builder, x: str, name: str, weight: Matrix, bias: Matrix) -> str:
        """Add the operator."""
        return _operator(graph, x, name, self.weights.stored(name, weight), bias, depth=self.weights.depth)

    def with_gelu(
        self, graph: Builder, x: str, name: str, weight: Matrix, bias: Matrix, gelu: Callable[[Builder, str], str]
    ) -> str:
        """Add the operator, which does both."""
        stored = self.weights.stored(name, weight)
        return _operator(graph, x, name, stored, bias, depth=self.weights.depth, gelu=True)


def fits(weight: Matrix) -> bool:
    """Whether the operator takes a layer of this size, `(out, in)`."""
    out, inputs = weight.shape
    return out % PANEL == 0 and inputs % GROUP == 0


def all_fit(arrays: Mapping[str, Matrix]) -> bool:
    """Whether the operator takes every layer of the encoder; `arrays` are a checkpoint's."""
    encoder = (name for name in arrays if name.startswith("wav2vec2.encoder.layers."))
    layers = [arrays[name] for name in encoder if name.endswith(".weight") and arrays[name].ndim == 2]
    return all(fits(layer) for layer in [arrays["wav2vec2.feature_projection.projection.weight"], *layers])


def convolution(graph: Builder, x: str, name: str, weight: Matrix, bias: Matrix, kernel: int, stride: int) -> str:
    """Add a convolution over frames; `weight` is `(out, kernel * channels)`, its scales are looked for here."""
    stored = Bounded(depth=CONVOLVED).quantize(weight)
    return _operator(graph, x, f"{name}.int8", stored, bias, depth=CONVOLVED, kernel=kernel, stride=stride)


def _operator(
    graph: Builder,
    x: str,
    name: str,
    stored: tuple[NDArray[np.int8], Matrix],
    bias: Matrix,
    *,
    depth: int,
    gelu: bool = False,
    kernel: int = 1,
    stride: int = 1,
) -> str:
    quantized, scale = stored
    return str(
        graph.node(
            "Int8Linear",
            x,
            graph.weight(f"{name}.weight", quantized.T),
            graph.weight(f"{name}.scale", scale),
            graph.weight(f"{name}.bias", bias),
            domain=DOMAIN,
            depth=depth,
            gelu=int(gelu),
            kernel=kernel,
            stride=stride,
        )
    )
