"""Read `model.bin` as CTranslate2 writes it: named arrays, those in 8 bits beside the scale of each row.

The format is that of `ModelSpec._serialize` in ctranslate2's own Python package, binary version 6. Little endian:

    version u32, spec name, revision u32
    count u32, then for each variable: name, dimensions u8, u32 each, type u8, bytes u32, data
    count u32, then for each alias: its name, the variable's name

where a name is a u16 length that counts its closing zero byte.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from export.common import ExportRefused

VERSION = 6
TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16, None)  # by number; numpy has no bfloat16
BFLOAT16 = 5
SCALE = "_scale"
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ModelBin:
    """The kind of model and its variables as they are stored; an alias holds the array it stands for."""

    spec: str
    revision: int
    arrays: Arrays

    @classmethod
    def read(cls, path: Path) -> ModelBin:
        """Read a whole file. Raises `ExportRefused` for another version, and for a file that ends too early."""
        with path.open("rb") as file:
            try:
                return cls(*_read(path, file))
            except ExportRefused:
                raise
            except (struct.error, ValueError, IndexError, KeyError) as error:
                raise ExportRefused(
                    f"{path}: expected a model of CTranslate2, found a file that is cut short or damaged"
                ) from error

    def weights(self) -> Arrays:
        """Return all weights in float32, those in 8 bits as what they stand for: the value over its row's scale.

        Raises `ExportRefused` for 16-bit integers, which have one scale for all and which no export here makes.
        """
        scales = {name.removesuffix(SCALE): array for name, array in self.arrays.items() if name.endswith(SCALE)}
        found = {}
        for name, array in self.arrays.items():
            if array.ndim and not name.endswith(SCALE):
                if array.dtype == np.int16:
                    raise ExportRefused(f"{name}: expected weights in float or int8, found int16")
                scale = scales[name].reshape(-1, *[1] * (array.ndim - 1)) if name in scales else np.float32(1)
                found[name] = array.astype(np.float32) / scale
        return found


def _read(path: Path, file: BinaryIO) -> tuple[str, int, Arrays]:
    version = _number(file, "I")
    if version != VERSION:
        raise ExportRefused(f"{path}: expected binary version {VERSION} of CTranslate2, found {version}")
    spec, revision = _name(file), _number(file, "I")
    arrays = dict(_variable(file) for _ in range(_number(file, "I")))
    aliases = [(_name(file), _name(file)) for _ in range(_number(file, "I"))]
    for alias, name in aliases:  # the scale of an alias is nowhere written
        arrays |= {alias + part: arrays[name + part] for part in ("", SCALE) if name + part in arrays}
    return spec, revision, arrays


def _variable(file: BinaryIO) -> tuple[str, NDArray[Any]]:
    name = _name(file)
    shape = [_number(file, "I") for _ in range(_number(file, "B"))]
    kind, size = _number(file, "B"), _number(file, "I")
    data = file.read(size)
    if kind == BFLOAT16:  # the upper half of a float32
        return name, (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32).reshape(shape)
    return name, np.frombuffer(data, TYPES[kind]).reshape(shape)


def _name(file: BinaryIO) -> str:
    return file.read(_number(file, "H"))[:-1].decode()


def _number(file: BinaryIO, kind: str) -> int:
    return int(struct.unpack(f"<{kind}", file.read(struct.calcsize(f"<{kind}")))[0])
