"""An ONNX graph under construction: nodes, weights in one file beside the graph, and the model at the end.

graph = Builder("encoder")
x = graph.input("features", ("batch", "frames", 512))
y = graph.node("MatMul", x, graph.weight("projection.weight", w))
graph.output(y, "logits", ("batch", "frames", 32))
graph.save(folder / "encoder.onnx", Weights(folder / "weights.bin"))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from malsori.engines.onnx.native import DOMAIN

OPSET = 17  # the first with LayerNormalization
CONTRIB = "com.microsoft"  # ONNX Runtime's own operators
IR_VERSION = 8
INLINE = 1024  # bytes; smaller tensors stand in the graph itself, because shape inference wants to see them
ALIGNMENT = 4096  # bytes; a page, so that a tensor can be mapped into memory where it lies


class Weights:
    """The file that several graphs keep their weights in; a tensor that was written before is not written again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[str, tuple[int, int]] = {}
        path.write_bytes(b"")

    def place(self, name: str, array: NDArray[Any]) -> tuple[int, int]:
        """Return offset and length of the tensor in the file, after writing it there once."""
        if name not in self._places:
            with self.path.open("r+b") as file:
                offset = -(-file.seek(0, 2) // ALIGNMENT) * ALIGNMENT
                file.seek(offset)
                file.write(array.tobytes())
            self._places[name] = offset, array.nbytes
        return self._places[name]


@dataclass
class Builder:
    """Collects a graph. A value is the name of a tensor; the names of weights are those of their checkpoint."""

    name: str
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    outputs: list[onnx.ValueInfoProto] = field(default_factory=list)

    def input(self, name: str, shape: Sequence[int | str], dtype: int = TensorProto.FLOAT) -> str:
        """Declare an input; axes given as names are free."""
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, value: str, name: str, shape: Sequence[int | str], dtype: int = TensorProto.FLOAT) -> None:
        """Declare `value` as the output `name`."""
        self.nodes.append(helper.make_node("Identity", [value], [name], name=name))
        self.outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def weight(self, name: str, array: NDArray[Any]) -> str:
        """Add a tensor under a name; the same name always means the same tensor."""
        if name not in self.arrays:
            self.arrays[name] = np.ascontiguousarray(array)
        return name

    def integers(self, *values: int) -> str:
        """Return the tensor of these whole numbers, int64."""
        return self.weight("_".join(["int64", *map(str, values)]), np.array(values, np.int64))

    def node(self, operator: str, *inputs: str, domain: str = "", outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; return its output, or the tuple of its `outputs`. An input that is left out is ""."""
        name = f"{operator}_{len(self.nodes)}"
        results = [f"{name}:{index}" if outputs > 1 else name for index in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, results, name=name, domain=domain, **attributes))
        return tuple(results) if outputs > 1 else results[0]

    def contrib(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node of ONNX Runtime's own operators."""
        return self.node(operator, *inputs, domain=CONTRIB, outputs=outputs, **attributes)

    def reshape(self, value: str, *shape: int) -> str:
        """Reshape; 0 keeps an axis, -1 takes what is left."""
        result: str = self.node("Reshape", value, self.integers(*shape))
        return result

    def slice(self, value: str, start: int | str, stop: int | str, axis: int, step: int = 1) -> str:
        """Return `value[start:stop:step]` along one axis; bounds are numbers or tensors of one int64."""
        bounds = [self.integers(bound) if isinstance(bound, int) else bound for bound in (start, stop)]
        result: str = self.node("Slice", value, *bounds, self.integers(axis), self.integers(step))
        return result

    def save(self, path: Path, weights: Weights) -> None:
        """Write the graph to `path` and its weights into the shared file."""
        initializers = [_tensor(name, array, weights) for name, array in self.arrays.items()]
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, initializers)
        versions = {"": OPSET, CONTRIB: 1}
        if any(node.domain == DOMAIN for node in self.nodes):
            versions[DOMAIN] = 1
        opsets = [helper.make_opsetid(domain, version) for domain, version in versions.items()]
        onnx.save_model(helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION), path)


def _tensor(name: str, array: NDArray[Any], weights: Weights) -> TensorProto:
    if array.nbytes <= INLINE:
        return numpy_helper.from_array(array, name)
    offset, length = weights.place(name, array)
    tensor = TensorProto(name=name, dims=array.shape, data_type=helper.np_dtype_to_tensor_dtype(array.dtype))
    tensor.data_location = TensorProto.EXTERNAL
    entries: Mapping[str, object] = {"location": weights.path.name, "offset": offset, "length": length}
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor
