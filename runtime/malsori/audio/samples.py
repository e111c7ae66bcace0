"""Stored samples to float32 in which full scale is 1.0, whatever type, byte order or companding they are stored in."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .stream import Frames

_FULL_SCALE = {"i1": 1 << 7, "u1": 1 << 7, "i2": 1 << 15, "i4": 1 << 31, "i8": 1 << 63}


def to_float(samples: NDArray[np.generic]) -> Frames:
    """Return a float32 copy of 8-bit, signed 16, 32 or 64-bit, or float samples, of the same shape.

    Eight bits without a sign are silent at 128. What float32 cannot hold becomes infinite; the mixer counts and mends
    it.
    """
    kind = samples.dtype.str[1:]
    with np.errstate(over="ignore"):
        result: Frames = samples.astype(np.float32)
    if kind == "u1":
        result -= np.float32(128)
    if kind in _FULL_SCALE:
        result *= np.float32(1 / _FULL_SCALE[kind])
    return result


def from_24_bits(data: bytes, order: str) -> Frames:
    """Return the samples that are packed in three bytes each; `order` is "<" or ">"."""
    packed = np.frombuffer(data, np.uint8).reshape(-1, 3)
    wide = np.zeros((len(packed), 4), np.uint8)
    wide[:, 1:] = packed if order == "<" else packed[:, ::-1]
    return to_float(wide.view("<i4")[:, 0])


def from_a_law(data: bytes) -> Frames:
    """Return the samples of A-law bytes."""
    return _a_law()[np.frombuffer(data, np.uint8)]


def from_u_law(data: bytes) -> Frames:
    """Return the samples of u-law bytes."""
    return _u_law()[np.frombuffer(data, np.uint8)]


@cache
def _a_law() -> Frames:
    """All 256 values of A-law (ITU-T G.711, table 1): a sign, three bits of segment, four bits of step."""
    code = np.arange(256) ^ 0x55
    segment, step = code >> 4 & 7, code & 15
    magnitude = np.where(segment == 0, 2 * step + 1, (2 * step + 33) << np.maximum(segment - 1, 0)) << 3
    return (np.where(code & 0x80, magnitude, -magnitude) / 32_768).astype(np.float32)


@cache
def _u_law() -> Frames:
    """All 256 values of u-law (ITU-T G.711, table 2), which is stored with all bits turned over."""
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 15) * 2 + 33) << (code >> 4 & 7)) - 33 << 2
    return (np.where(code & 0x80, -magnitude, magnitude) / 32_768).astype(np.float32)
