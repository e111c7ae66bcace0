"""A finished graph in half precision: float16 inside, float32 where it meets the caller.

Layer norms keep their sums in float32 (`stash_type`, 1 by default), and so does ONNX Runtime in products, softmax and
attention on CUDA. An instance norm is computed in float32, because it sums over a whole clip. On a CPU, which has few
kernels for float16, ONNX Runtime computes in float32 between casts that it adds itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from export.common import ExportRefused
from export.graph.builder import Builder

WIDE = ("InstanceNormalization",)  # stay in float32


def half(graph: Builder) -> Builder:
    """Return the graph with float16 for float32 everywhere but in its inputs, outputs and `WIDE` operators.

    Raises `ExportRefused` for a weight that float16 cannot hold.
    """
    inside = {value.name: f"{value.name}:half" for value in graph.inputs if _is_float(value)}
    outside = {value.name for value in graph.outputs if _is_float(value)}
    nodes = [_cast(name, renamed, TensorProto.FLOAT16) for name, renamed in inside.items()]
    for node in graph.nodes:
        nodes += _node(node, inside, outside)
    arrays = {name: _array(name, array) for name, array in graph.arrays.items()}
    return Builder(graph.name, nodes, arrays, graph.inputs, graph.outputs)


def _node(node: onnx.NodeProto, inside: dict[str, str], outside: set[str]) -> list[onnx.NodeProto]:
    """Return what stands for a node; the graph itself is left as it is."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [inside.get(name, name) for name in node.input]
    if node.op_type == "Identity" and node.output[0] in outside:  # as `Builder.output` names its result
        return [_cast(copy.input[0], node.output[0], TensorProto.FLOAT)]
    if node.op_type in WIDE:
        return _widened(copy)
    for attribute in copy.attribute:
        if attribute.name == "to" and attribute.i == TensorProto.FLOAT:
            attribute.i = TensorProto.FLOAT16
        if attribute.type == onnx.AttributeProto.GRAPH:
            raise ExportRefused(f"{node.name}: a graph with branches is not written in half precision")
    return [copy]


def _widened(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Return a node that computes in float32, between casts."""
    before = [_cast(name, f"{node.name}:{index}:wide", TensorProto.FLOAT) for index, name in enumerate(node.input)]
    (result,) = node.output
    node.input[:] = [cast.output[0] for cast in before]
    node.output[:] = [f"{result}:wide"]
    return [*before, node, _cast(node.output[0], result, TensorProto.FLOAT16)]


def _cast(value: str, result: str, to: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [value], [result], name=f"cast:{result}", to=to)


def _array(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype != np.float32:
        return array
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float16)
    if not np.isfinite(narrow).all():
        raise ExportRefused(f"{name}: holds {np.abs(array).max():.3g}, and float16 ends at 65504; export it in float32")
    return narrow


def _is_float(value: onnx.ValueInfoProto) -> bool:
    return bool(value.type.tensor_type.elem_type == TensorProto.FLOAT)
