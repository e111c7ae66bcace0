"""The convolutional front-end: audio `(batch, samples)` to features `(batch, frames, channels)`, channels last.

A convolution of kernel k and stride s over frames is one matrix product, of k frames side by side with the kernel
spread out. With channels last, s frames side by side are a mere reshape:

    frames      0 1 2 3 4 5 6            kernel 3, stride 2, three results
    pairs       (0 1) (2 3) (4 5)        the first s taps: reshaped, nothing is copied
    remainder       2     4     6        the taps that are left, sliced
    product     (0 1 2) (2 3 4) (4 5 6)  @ (3 * channels, out)

wav2vec2 convolves without padding, so a frame is a matter of the samples that it sees: audio may be cut anywhere and
its features are the same (not with a group norm, which takes its statistics over the whole clip).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from export.graph.builder import Builder
from export.graph.linear import Float32
from export.graph.native import convolution, fits

Arrays = Mapping[str, NDArray[np.float32]]
PREFIX = "wav2vec2.feature_extractor.conv_layers"


def frontend(
    weights: Arrays, kernels: Sequence[int], strides: Sequence[int], norm: str, *, native: bool = False
) -> Builder:
    """Build the graph; `norm` is `layer` (after each convolution) or `group` (after the first one only).

    With ONNX Runtime's operators it stays in float32: in int8 it gained no time where int8 products are as fast as
    float32 ones, and with a scale per call the features would depend on where the audio is cut. `native` has those
    convolutions in int8 that our own operator takes: there each row has its scale.
    """
    graph = Builder("frontend")
    x = graph.node("Unsqueeze", graph.input("audio", ("batch", "samples")), graph.integers(2))
    for index, (kernel, stride) in enumerate(zip(kernels, strides, strict=True)):
        x = _convolved(graph, x, f"{PREFIX}.{index}.conv", weights, kernel, stride, native)
        if norm == "layer" or index == 0:
            x = _normalized(graph, x, f"{PREFIX}.{index}.layer_norm", weights, norm)
        x = graph.contrib("Gelu", x)
    channels = weights[f"{PREFIX}.{len(kernels) - 1}.conv.weight"].shape[0]
    graph.output(x, "features", ("batch", "frames", channels))
    return graph


def _convolved(graph: Builder, x: str, name: str, weights: Arrays, kernel: int, stride: int, native: bool) -> str:
    weight = weights[f"{name}.weight"]
    out, channels, _ = weight.shape
    spread = weight.transpose(0, 2, 1).reshape(out, kernel * channels)
    bias = weights.get(f"{name}.bias", np.zeros(out, np.float32))
    if native and fits(spread):
        return convolution(graph, x, name, spread, bias, kernel, stride)
    return Float32()(graph, _taps(graph, x, kernel, stride, channels), name, spread, bias)


def _taps(graph: Builder, x: str, kernel: int, stride: int, channels: int) -> str:
    """Return the frames that each result sees, side by side: `(batch, results, kernel * channels)`."""
    length = graph.slice(graph.node("Shape", x), 1, 2, 0)
    steps = graph.node("Div", graph.node("Sub", length, graph.integers(kernel)), graph.integers(stride))
    reach = graph.node("Mul", graph.node("Add", steps, graph.integers(1)), graph.integers(stride))
    groups = []
    for first in range(0, kernel, stride):
        taps = min(stride, kernel - first)
        for tap in [first] if taps == stride else range(first, first + taps):
            stop = graph.node("Add", reach, graph.integers(tap))
            if taps == stride:
                groups.append(graph.reshape(graph.slice(x, tap, stop, 1), 0, -1, stride * channels))
            else:
                last = graph.node("Sub", stop, graph.integers(stride - 1))
                groups.append(graph.slice(x, tap, last, 1, step=stride))
    return groups[0] if len(groups) == 1 else str(graph.node("Concat", *groups, axis=2))


def _normalized(graph: Builder, x: str, name: str, weights: Arrays, norm: str) -> str:
    affine = [graph.weight(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias")]
    if norm == "layer":
        return str(graph.node("LayerNormalization", x, *affine, axis=-1, epsilon=1e-5))
    # One group per channel: the mean and the variance of each channel over time.
    swapped = graph.node("Transpose", x, perm=[0, 2, 1])
    normed = graph.node("InstanceNormalization", swapped, *affine, epsilon=1e-5)
    return str(graph.node("Transpose", normed, perm=[0, 2, 1]))
