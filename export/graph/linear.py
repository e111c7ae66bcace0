"""How a linear layer is stored and computed: in float32, in int8, or in 4 bits.

Each of these adds `x @ weight.T + bias` to a graph, `weight` being `(out, in)` as PyTorch has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from export.graph.builder import Builder

Matrix = NDArray[np.float32]
Quantized = tuple[NDArray[np.int8 | np.uint8], Matrix]  # values and their scales


class Linear(Protocol):
    """One way to compute a linear layer."""

    def __call__(self, graph: Builder, x: str, name: str, weight: Matrix, bias: Matrix) -> str:
        """Add the layer and return its result; `name` is that of the layer in its checkpoint."""
        ...

    def with_gelu(
        self, graph: Builder, x: str, name: str, weight: Matrix, bias: Matrix, gelu: Callable[[Builder, str], str]
    ) -> str:
        """Add the layer and the Gaussian error linear unit behind it, as `gelu` adds it."""
        return gelu(graph, self(graph, x, name, weight, bias))


@dataclass(frozen=True, slots=True)
class Float32(Linear):
    """As it was trained."""

    def __call__(self, graph: Builder, x: str, name: str, weight: Matrix, bias: Matrix) -> str:
        product = graph.node("MatMul", x, graph.weight(f"{name}.weight", weight.T))
        result: str = graph.node("Add", product, graph.weight(f"{name}.bias", bias))
        return result


@dataclass(frozen=True, slots=True)
class Int8(Linear):
    """Weights in 8 bits, symmetric; inputs quantized while it runs, with one scale for the whole tensor.

    `signed` weights go through the faster instructions, which on AVX2 without VNNI saturate their 16-bit sums now and
    then; `unsigned` ones never do. `per_channel` has one scale per output instead of one per matrix.
    """

    signed: bool = True
    per_channel: bool = False

    def __call__(self, graph: Builder, x: str, name: str, weight: Matrix, bias: Matrix) -> str:
        return dynamic(graph, x, name, self.quantize(weight), bias)

    def quantize(self, weight: Matrix) -> Quantized:
        """Return the weight in 8 bits, `(out, in)`, and its scale, a scalar or `(out,)`."""
        largest = np.abs(weight).max(axis=1 if self.per_channel else None)
        scale = np.asarray(np.maximum(largest, np.finfo(np.float32).tiny) / 127, np.float32)
        rounded = np.rint(weight / (scale[:, None] if self.per_channel else scale))
        return (rounded.astype(np.int8) if self.signed else (rounded + 128).astype(np.uint8)), scale


def dynamic(graph: Builder, x: str, name: str, quantized: Quantized, bias: Matrix) -> str:
    """Add ONNX Runtime's operator for a weight in 8 bits, signed or not."""
    values, scale = quantized
    zero = np.full(scale.shape, 0 if values.dtype == np.int8 else 128, values.dtype)
    result: str = graph.contrib(
        "DynamicQuantizeMatMul",
        x,
        graph.weight(f"{name}.weight", values.T),
        graph.weight(f"{name}.scale", scale),
        graph.weight(f"{name}.zero", zero),
        graph.weight(f"{name}.bias", bias),
    )
    return result


@dataclass(frozen=True, slots=True)
class Int4(Linear):
    """Weights in 4 bits with a scale for every `block` inputs of an output; sums of products in 8 bits.

    For small memory: 213 MB for XLSR-large where int8 has 355, and slower than int8 (2.8 s against 1.6 s for 10 s).
    """

    block: int = 32

    def __call__(self, graph: Builder, x: str, name: str, weight: Matrix, bias: Matrix) -> str:
        packed, scales = self.quantize(weight)
        result: str = graph.contrib(
            "MatMulNBits",
            x,
            graph.weight(f"{name}.weight", packed),
            graph.weight(f"{name}.scale", scales),
            "",
            "",
            graph.weight(f"{name}.bias", bias),
            K=weight.shape[1],
            N=weight.shape[0],
            bits=4,
            block_size=self.block,
            accuracy_level=4,  # inputs in 8 bits
        )
        return result

    def quantize(self, weight: Matrix) -> tuple[NDArray[np.uint8], Matrix]:
        """Return the weight as `(out, blocks, block / 2)`, two values to a byte, and its scales, `(out, blocks)`."""
        out, inputs = weight.shape
        blocks = np.pad(weight, ((0, 0), (0, -inputs % self.block))).reshape(out, -1, self.block)
        largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2)[..., None], axis=2)
        scales = np.where(largest == 0, 1, largest / -8).astype(np.float32)  # the largest value becomes -8 exactly
        values = np.clip(np.rint(blocks / scales) + 8, 0, 15).astype(np.uint8)
        return values[..., 0::2] | values[..., 1::2] << 4, scales[..., 0]
