"""Reads the headers of CTranslate2's `model.bin`: names, shapes, types and offsets of its arrays, but not their data.

The format is that of `ModelSpec._serialize` in ctranslate2's own Python package, binary version 6. Little endian:

    version u32, spec name, revision u32
    count u32, then for each variable: name, dimensions u8, u32 each, type u8, bytes u32, data
    count u32, then for each alias: its name, the variable's name

A name is a u16 length, then as many bytes, the last of which is zero.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO

from ...errors import ModelCorrupt, ModelIncompatible
from ..verify import foreign, head

VERSION = 6
TYPES = ("float32", "int8", "int16", "int32", "float16", "bfloat16")  # by number
WIDTHS = {"float32": 4, "int8": 1, "int16": 2, "int32": 4, "float16": 2, "bfloat16": 2}  # bytes of a number
SCALE = "_scale"  # behind the name of what is in 8 bits: an array of its rows' scales
LONGEST_NAME = 1000  # bytes of a name; those of Whisper have 50


@dataclass(frozen=True, slots=True)
class Variable:
    """One array: its shape and type, and its offset and length in the file in bytes.

    `value` is the number of a whole scalar, and 0 for any other array.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    offset: int
    length: int
    value: int = 0


@dataclass(frozen=True, slots=True)
class Header:
    """The kind of model (`spec`), its variables in the order of the file, and by alias the name that it stands for."""

    spec: str
    revision: int
    stored: tuple[Variable, ...]
    aliases: dict[str, str]

    @property
    def variables(self) -> dict[str, Variable]:
        """The variables by name and by alias."""
        by_name = {variable.name: variable for variable in self.stored}
        return by_name | {alias: by_name[name] for alias, name in self.aliases.items()}

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return sum(prod(each.shape) for each in self.stored if each.shape and not each.name.endswith(SCALE))

    @classmethod
    def read(cls, path: Path) -> Header:
        """Read the headers of a file; the data are skipped.

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
                return _read(file, os.fstat(file.fileno()).st_size)
            except (struct.error, ValueError, IndexError, KeyError) as error:
                found = foreign(head(path)) or "a file that is cut short or something else"
                raise ModelCorrupt(str(path), "a model of CTranslate2", found) from error


def _read(file: BinaryIO, size: int) -> Header:
    spec, revision = _name(file), _number(file, "I")
    stored = tuple(_variable(file, size) for _ in range(_number(file, "I")))
    aliases = {_name(file): _name(file) for _ in range(_number(file, "I"))}
    if missing := set(aliases.values()) - {variable.name for variable in stored}:
        raise ValueError(f"nothing is called {missing}")
    return Header(spec, revision, stored, aliases)


def _variable(file: BinaryIO, size: int) -> Variable:
    name = _name(file)
    shape = tuple(_number(file, "I") for _ in range(_number(file, "B")))
    kind, length, offset = TYPES[_number(file, "B")], _number(file, "I"), file.tell()
    if length != prod(shape) * WIDTHS[kind]:
        raise ValueError("a length that is not the shape's")
    value = 0
    if shape or not kind.startswith("int"):
        if file.seek(length, os.SEEK_CUR) > size:
            raise ValueError("ends too early")
    else:
        value = int.from_bytes(_exactly(file, length), "little", signed=True)
    return Variable(name, shape, kind, offset, length, value)


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
