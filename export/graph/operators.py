"""The operators of the encoder that come in several forms, because each device is fast with another one.

| form | Gelu and attention | mask of attention | for |
|---|---|---|---|
| `Cpu` | ONNX Runtime's own | a value per frame, or none where nothing is padding | a CPU |
| `Cuda` | ONNX Runtime's own | the length of each row | ONNX Runtime's CUDA; runs on a CPU too |
| `Plain` | spelled out in ONNX | added to the scores | TensorRT, which lacks ONNX Runtime's own; runs anywhere |
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Protocol

import numpy as np
import onnx
from onnx import TensorProto, helper

from export.graph.builder import CONTRIB, Builder

NEVER = -1e4  # added to a score, it leaves nothing of it behind the softmax, and float16 holds it
Qkv = tuple[str, str, str]  # each (batch, frames, hidden)


@dataclass(frozen=True, slots=True)
class Mask:
    """The graph's input, `(batch, frames)` int32 with 1 for real frames, and what `masking` made of it."""

    value: str
    masking: str


class Operators(Protocol):
    """One form; each method adds nodes to a graph and returns their result."""

    def gelu(self, graph: Builder, x: str) -> str:
        """Add the Gaussian error linear unit."""
        ...

    def masking(self, graph: Builder, mask: str) -> str:
        """Add, once per graph, what attention wants to have instead of the mask."""
        ...

    def attend(self, graph: Builder, qkv: Qkv, heads: int, size: int, mask: Mask | None) -> str:
        """Add attention with `heads` heads of `size`."""
        ...


class Cpu:
    """Attention runs without a mask where no frame is padding: the form that never holds a square of all frames."""

    def gelu(self, graph: Builder, x: str) -> str:
        """Add the operator."""
        return str(graph.contrib("Gelu", x))

    def masking(self, graph: Builder, mask: str) -> str:
        """Return whether any frame is padding, a scalar."""
        least = graph.node("ReduceMin", mask, keepdims=0)
        return str(graph.node("Less", least, graph.weight("one", np.array(1, np.int32))))

    def attend(self, graph: Builder, qkv: Qkv, heads: int, size: int, mask: Mask | None) -> str:
        """Add both forms of the operator, and the choice between them."""
        if mask is None:
            return str(graph.contrib("MultiHeadAttention", *qkv, num_heads=heads))
        branches = {
            "then_branch": _branch("masked", qkv, heads, mask.value),
            "else_branch": _branch("plain", qkv, heads, ""),
        }
        return str(graph.node("If", mask.masking, **branches))


class Cuda(Cpu):
    """With a value per frame ONNX Runtime's CUDA takes the kernel that holds a square of all frames; with lengths not.

    onnxruntime, contrib_ops/cuda/bert/multihead_attention.cc: flash attention wants no mask at all, memory-efficient
    attention none or `MASK_1D_KEY_SEQ_LEN_START`. The `If` of `Cpu` would make the host wait for the device besides.
    """

    def masking(self, graph: Builder, mask: str) -> str:
        """Return the length of each row, then where rows start, and the last one ends, in queries and in keys; int32.

        For rows of 10, 7 and 4 frames, padded to 10: 10 7 4, 0 10 20 30, 0 10 20 30.
        """
        lengths = graph.node("ReduceSum", mask, graph.integers(1), keepdims=0)
        shape = graph.node("Shape", mask)
        rows, frames = (graph.node("Squeeze", graph.slice(shape, axis, axis + 1, 0)) for axis in (0, 1))
        zero, one = (graph.weight(f"scalar_{value}", np.array(value, np.int64)) for value in (0, 1))
        edges = graph.node("Range", zero, graph.node("Add", rows, one), one)
        starts = graph.node("Cast", graph.node("Mul", edges, frames), to=TensorProto.INT32)
        return str(graph.node("Concat", lengths, starts, starts, axis=0))

    def attend(self, graph: Builder, qkv: Qkv, heads: int, size: int, mask: Mask | None) -> str:
        """Add the operator."""
        masks = ["", mask.masking] if mask else []
        return str(graph.contrib("MultiHeadAttention", *qkv, *masks, num_heads=heads))


class Plain:
    """Gelu by the error function, attention by its products, in operators of ONNX alone."""

    def gelu(self, graph: Builder, x: str) -> str:
        """Add x * (1 + erf(x / sqrt 2)) / 2."""
        erf = graph.node("Erf", graph.node("Div", x, _number(graph, "sqrt_2", sqrt(2))))
        product = graph.node("Mul", x, graph.node("Add", erf, _number(graph, "1", 1)))
        return str(graph.node("Mul", product, _number(graph, "half", 0.5)))

    def masking(self, graph: Builder, mask: str) -> str:
        """Return what to add to the scores, `(batch, 1, 1, frames)`: 0 for real frames."""
        real = graph.node("Cast", graph.node("Unsqueeze", mask, graph.integers(1, 2)), to=TensorProto.FLOAT)
        padding = graph.node("Sub", _number(graph, "1", 1), real)
        return str(graph.node("Mul", padding, _number(graph, "never", NEVER)))

    def attend(self, graph: Builder, qkv: Qkv, heads: int, size: int, mask: Mask | None) -> str:
        """Add softmax(q k' / sqrt(size)) v, all heads side by side."""
        query, key, value = (graph.reshape(part, 0, 0, heads, size) for part in qkv)
        # Scaled before the product, which in float16 might run over.
        query = graph.node("Mul", query, _number(graph, f"scale_{size}", size**-0.5))
        scores = graph.node("MatMul", _swapped(graph, query), graph.node("Transpose", key, perm=[0, 2, 3, 1]))
        scores = graph.node("Add", scores, mask.masking) if mask else scores
        result = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), _swapped(graph, value))
        return graph.reshape(_swapped(graph, result), 0, 0, heads * size)


def _number(graph: Builder, name: str, value: float) -> str:
    return graph.weight(f"float_{name}", np.array(value, np.float32))


def _swapped(graph: Builder, x: str) -> str:
    """Swap frames and heads."""
    return str(graph.node("Transpose", x, perm=[0, 2, 1, 3]))


def _branch(name: str, qkv: Qkv, heads: int, mask: str) -> onnx.GraphProto:
    inputs = [*qkv, "", mask] if mask else [*qkv]
    attention = helper.make_node(
        "MultiHeadAttention",
        inputs,
        [name],
        domain=CONTRIB,
        num_heads=heads,
        mask_filter_value=float(np.finfo(np.float32).min),
    )
    return helper.make_graph([attention], name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)])
