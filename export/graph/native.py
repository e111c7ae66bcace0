"""Linear layers in 8 bits by our own operator, and weights that it, and ONNX Runtime on AVX2, adds up exactly.

`runtime/malsori/engines/onnx/native/linear.h` says how it multiplies. Sums of 16 bits must hold there; so each output
gets a scale with which they do, whatever the inputs are. That makes weights coarser than 8 bits could be: in XLSR-large
with random weights the largest of an output is 67, not 127.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.graph.builder import Builder
from export.graph.linear import Int8, Linear, Matrix, Quantized, dynamic
from malsori.engines.onnx.native import DOMAIN

GROUP, PANEL = 32, 16  # what inputs and outputs are multiples of, as linear.h has it
# The most that weights of one sign in one lane add up to; inputs are brought to 0..127: 258 * 127 < 2^15. With 181 for
# both, 1 - cosine of the logits behind six layers of XLSR-large was 0.0013 instead of 0.0008.
LANE = 258
# ONNX Runtime brings inputs to 0..255 and adds up two products before it widens them: 128 * 255 < 2^15.
PAIR = 128
# Depth in the front-end: 16 instead of 32 makes what it adds to the loss of XLSR-large's logits (1 - cosine) 0.0007
# instead of 0.0009, and it 10 % slower.
CONVOLVED = 16
MARGIN = 1.005  # by which a scale grows while its sums do not hold


@dataclass(frozen=True, slots=True)
class Bounded(Int8):
    """Signed weights with a scale per output, about the smallest (within 4 %) with which no sum of 16 bits runs over.

    `depth` inputs make two sums (see linear.h): the more, the faster, and the coarser the weights.
    """

    signed: bool = True
    per_channel: bool = True
    depth: int = 32

    def quantize(self, weight: Matrix) -> Quantized:
        """Return the weight in 8 bits, `(out, in)`, and its scale, `(out,)`; finite values are taken for granted."""
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


class Kept:
    """The weights of one checkpoint by the layer's name, each quantized once: finding scales takes time."""

    def __init__(self, form: Bounded) -> None:
        self.form = form
        self._layers: dict[str, Quantized] = {}

    def __call__(self, name: str, weight: Matrix) -> Quantized:
        """Return what `form.quantize` makes of the layer `name`."""
        if name not in self._layers:
            self._layers[name] = self.form.quantize(weight)
        return self._layers[name]


@dataclass(frozen=True, slots=True)
class Portable(Linear):
    """Kept weights by ONNX Runtime's operator."""

    kept: Kept

    def __call__(self, graph: Builder, x: str, name: str, weight: Matrix, bias: Matrix) -> str:
        """Add the operator."""
        return dynamic(graph, x, name, self.kept(name, weight), bias)


@dataclass(frozen=True, slots=True)
class Native(Linear):
    """The same weights, under the same names, by our own operator. It takes layers that `fits` is true of."""

    kept: Kept

    def __call__(self, graph: Builder, x: str, name: str, weight: Matrix, bias: Matrix) -> str:
        """Add the operator."""
        return _operator(graph, x, name, self.kept(name, weight), bias, depth=self.kept.form.depth)

    def with_gelu(
        self, graph: Builder, x: str, name: str, weight: Matrix, bias: Matrix, gelu: Callable[[Builder, str], str]
    ) -> str:
        """Add the operator, which does both."""
        return _operator(graph, x, name, self.kept(name, weight), bias, depth=self.kept.form.depth, gelu=True)


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
    quantized = Bounded(depth=CONVOLVED).quantize(weight)
    return _operator(graph, x, f"{name}.int8", quantized, bias, depth=CONVOLVED, kernel=kernel, stride=stride)


def _operator(
    graph: Builder,
    x: str,
    name: str,
    weight: Quantized,
    bias: Matrix,
    *,
    depth: int,
    gelu: bool = False,
    kernel: int = 1,
    stride: int = 1,
) -> str:
    """Add the operator; `weight` is `(out, kernel * channels)`, `x` `(batch, frames, channels)`, as operator.c says."""
    quantized, scale = weight
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
