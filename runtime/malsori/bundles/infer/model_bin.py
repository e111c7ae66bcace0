"""What stands in the headers of CTranslate2's `model.bin`: names, shapes and types of its arrays, none of the numbers.

The format is that of `ModelSpec._serialize` in ctranslate2's own Python package, binary version 6. Little endian:

    version u32, spec name, revision u32
    count u32, then for each variable: name, dimensions u8, u32 each, type u8, bytes u32, data
    count u32, then for each alias: its name, the variable's name

where a name is a u16 length that counts its closing zero byte.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO

from ...errors import ModelCorrupt, ModelIncompatible
from ..contents import foreign, head

VERSION = 6
TYPES = ("float32", "int8", "int16", "int32", "float16", "bfloat16")  # by number
LONGEST_NAME = 1000  # bytes of a name; those of Whisper have 50


@dataclass(frozen=True, slots=True)
class Variable:
    """Shape and type of one array, and the value of one that is a single number (0 for floats)."""

    shape: tuple[int, ...]
    type: str
    value: int = 0


@dataclass(frozen=True, slots=True)
class Header:
    """The kind of model and its variables by name; an alias stands for the variable that it names."""

    spec: str
    variables: dict[str, Variable]
    parameters: int

    @classmethod
    def read(cls, path: Path) -> Header:
        """Read the headers and seek over the rest.

        Raises `ModelCorrupt` for a file that ends too early or is something else, `ModelIncompatible` for another
        version of the format, `OSError` for one that cannot be read.
        """
        with path.open("rb") as file:
            try:
                version = _number(file, "I")
                if 0 < version < VERSION:
                    raise ModelIncompatible(
                        str(path), f"is in format {version} of CTranslate2, not {VERSION}; convert the model again"
                    )
                if version != VERSION:
                    raise ValueError("no version")
                return cls(*_read(file, os.fstat(file.fileno()).st_size))
            except (struct.error, ValueError, IndexError, KeyError) as error:
                found = foreign(head(path)) or "a file that is cut short or something else"
                raise ModelCorrupt(str(path), "a model of CTranslate2", found) from error


def _read(file: BinaryIO, size: int) -> tuple[str, dict[str, Variable], int]:
    spec, _ = _name(file), _number(file, "I")
    variables = dict(_variable(file, size) for _ in range(_number(file, "I")))
    weights = [variable for name, variable in variables.items() if variable.shape and not name.endswith("_scale")]
    for _ in range(_number(file, "I")):
        alias, name = _name(file), _name(file)
        variables[alias] = variables[name]
    return spec, variables, sum(prod(weight.shape) for weight in weights)


def _variable(file: BinaryIO, size: int) -> tuple[str, Variable]:
    name = _name(file)
    shape = tuple(_number(file, "I") for _ in range(_number(file, "B")))
    kind, length = TYPES[_number(file, "B")], _number(file, "I")
    value = 0
    if shape or not kind.startswith("int"):
        if file.seek(length, os.SEEK_CUR) > size:
            raise ValueError("ends too early")
    else:
        value = int.from_bytes(_exactly(file, length), "little", signed=True)
    return name, Variable(shape, kind, value)


def _name(file: BinaryIO) -> str:
    length = _number(file, "H")
    if not 0 < length <= LONGEST_NAME:
        raise ValueError("no name")
    return _exactly(file, length)[:-1].decode()


def _number(file: BinaryIO, kind: str) -> int:
    return int(struct.unpack(f"<{kind}", _exactly(file, struct.calcsize(f"<{kind}")))[0])


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise ValueError("ends too early")
    return data
