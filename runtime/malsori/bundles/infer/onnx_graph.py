"""Reads from an ONNX file the names of inputs and outputs, the operators, the types of weights, and files beside it.

It reads those fields of `ModelProto` and `GraphProto` (onnx.proto3) in protobuf's wire format and seeks over the
weights, so that a file of a gigabyte takes milliseconds and needs no other package.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ...errors import ModelCorrupt
from ..verify import foreign, head

FLOAT16, BFLOAT16 = 10, 16  # of TensorProto.DataType
LARGEST = 1 << 16  # bytes of a field that is looked into: those of nodes and names have some hundred


@dataclass(slots=True)
class OnnxGraph:
    """The names of inputs, outputs and operators, the types of weights as numbers, and the data files `beside`."""

    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    operators: set[str] = field(default_factory=set)
    types: set[int] = field(default_factory=set)
    beside: set[str] = field(default_factory=set)
    _initializers: set[str] = field(default_factory=set, repr=False)

    @classmethod
    def read(cls, path: Path) -> OnnxGraph:
        """Read a file. Raises `ModelCorrupt` for one that is no ONNX graph or is cut short, `OSError`."""
        found = cls()
        with path.open("rb") as file:
            try:
                for number, end in _fields(file, os.fstat(file.fileno()).st_size):
                    if number == 7:  # ModelProto.graph
                        found._take_graph(file, end)
                if not found.outputs:
                    raise ValueError("no outputs")
            except (ValueError, UnicodeDecodeError) as error:
                what = foreign(head(path)) or "a file that is cut short or something else"
                raise ModelCorrupt(str(path), "an ONNX graph", what) from error
        weights = set(found.inputs) & found._initializers
        found.inputs = [name for name in found.inputs if name not in weights]  # IR 3 lists weights as inputs too
        return found

    def _take_graph(self, file: BinaryIO, end: int) -> None:
        for number, stop in _fields(file, end):
            if number == 1:
                self._take_node(file, stop)
            elif number == 5:
                self._take_weight(file, stop)
            elif number in (11, 12):
                names = self.inputs if number == 11 else self.outputs
                names += [_text(file, inner) for part, inner in _fields(file, stop) if part == 1]

    def _take_node(self, file: BinaryIO, end: int) -> None:
        for number, stop in _fields(file, end):
            if number == 4:  # NodeProto.op_type
                self.operators.add(_text(file, stop))

    def _take_weight(self, file: BinaryIO, end: int) -> None:
        for number, stop in _fields(file, end):
            if number == 2 and stop < 0:  # TensorProto.data_type, a number
                self.types.add(-stop - 1)
            elif number == 8:  # its name
                self._initializers.add(_text(file, stop))
            elif number == 13:  # external_data: pairs of key and value
                pair = {part: _text(file, inner) for part, inner in _fields(file, stop)}
                if pair.get(1) == "location":
                    self.beside.add(pair.get(2, ""))


def _fields(file: BinaryIO, end: int) -> Iterator[tuple[int, int]]:
    """Yield the number and the end of each field up to `end`; for a field that is a number, `-value - 1` as its end.

    The caller may read the field; the rest of it is skipped. Raises ValueError for broken wire format.
    """
    while file.tell() < end:
        tag = _varint(file)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            yield number, -_varint(file) - 1
            continue
        length = _varint(file) if wire == 2 else {1: 8, 5: 4}.get(wire, -1)
        stop = file.tell() + length
        if length < 0 or stop > end or not number:
            raise ValueError("not protobuf")
        yield number, stop
        file.seek(stop)


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise ValueError("ends too early")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("not protobuf")


def _text(file: BinaryIO, end: int) -> str:
    length = end - file.tell()
    if not 0 <= length <= LARGEST:
        raise ValueError("no name")
    return file.read(length).decode()
