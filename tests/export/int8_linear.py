"""Graphs of one operator of our own, and its arithmetic in numpy, for the tests of it. No tests here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.graph.builder import Builder, Weights
from malsori.engines.onnx.graph import Graph
from malsori.engines.onnx.native import DOMAIN

LARGEST = 127  # level of x


def operator(
    folder: Path,
    weight: NDArray[np.int8],
    scale: NDArray[np.float32] | None = None,
    bias: NDArray[np.float32] | None = None,
    *,
    axes: int = 2,
    threads: int = 1,
    depth: int = 32,
    gelu: int = 0,
    kernel: int = 1,
    stride: int = 1,
) -> Graph:
    """Return a graph of `Int8Linear` alone, `x` to `y`, both of so many axes; `weight` is `(kernel * inputs, outputs)`.

    Without a scale it is 1, without a bias 0.
    """
    outputs = weight.shape[-1]
    scale = np.ones(outputs, np.float32) if scale is None else scale
    bias = np.zeros(outputs, np.float32) if bias is None else bias
    graph = Builder("operator")
    x = graph.input("x", [f"axis_{axis}" for axis in range(axes)])
    stored = [graph.weight(name, array) for name, array in (("weight", weight), ("scale", scale), ("bias", bias))]
    attributes = {"depth": depth, "gelu": gelu, "kernel": kernel, "stride": stride}
    y = graph.node("Int8Linear", x, *stored, domain=DOMAIN, **attributes)
    graph.output(y, "y", [f"result_{axis}" for axis in range(axes)])
    folder.mkdir(parents=True, exist_ok=True)
    graph.save(folder / "operator.native.onnx", Weights(folder / "weights.bin"))
    return Graph(folder / "operator.native.onnx", "cpu", threads)


def through(network: Graph, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `y`."""
    return network.run(["y"], {"x": x})[0]


def levels(x: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Return the levels of x, 0..127, and the step and the lowest value of each row, x = low + step * level."""
    low = x.min(axis=-1, keepdims=True)
    step = (x.max(axis=-1, keepdims=True) - low) / np.float32(LARGEST)
    inverse = np.divide(np.float32(1), step, out=np.zeros_like(step), where=step > 0)
    # A product and a sum that are rounded once, as the processor does it: float64 holds the product whole.
    exact = (x.astype(np.float64) * inverse + (-low * inverse).astype(np.float64)).astype(np.float32)
    return np.clip(np.rint(exact), 0, LARGEST).astype(np.int64), step, low


def linear(
    x: NDArray[np.float32], weight: NDArray[np.int8], scale: NDArray[np.float32], bias: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return y, from sums in whole numbers, and the sum of the magnitudes that it is made of."""
    whole, step, low = levels(x)
    wide = weight.astype(np.int64)
    products, shifts = (whole @ wide) * step.astype(np.float64), wide.sum(axis=0) * low.astype(np.float64)
    return (products + shifts) * scale + bias, (np.abs(products) + np.abs(shifts)) * scale + np.abs(bias)


def taps(x: NDArray[np.float32], kernel: int, stride: int) -> NDArray[np.float32]:
    """Return `kernel` frames side by side, every `stride` frames: `(clips, results, kernel * channels)`."""
    starts = range(0, x.shape[1] - kernel + 1, stride)
    rows = [x[:, start : start + kernel].reshape(len(x), -1) for start in starts]
    return np.stack(rows, axis=1) if rows else np.zeros((len(x), 0, kernel * x.shape[2]), np.float32)
