"""Samples that come in pieces of any length: PCM of 16 bits, floats, and the two laws of telephones."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES = {"pcm_s16le": "<i2", "pcm_f32le": "<f4", "mulaw": "u1", "alaw": "u1"}
ENCODINGS = tuple(TYPES)
BIAS = 0x84  # of mu-law, ITU-T G.711


class PcmDecoder:
    """Turns bytes into blocks of samples, `(samples,)` or `(samples, channels)`; what is left of a sample is kept.

    encoding: one of `ENCODINGS`; the laws give int16, as G.711 defines them.
    """

    def __init__(self, encoding: str, channels: int = 1) -> None:
        self._encoding, self._channels = encoding, channels
        self._type = np.dtype(TYPES[encoding])
        self._frame = channels * self._type.itemsize  # bytes
        self._rest = b""

    def push(self, data: bytes) -> NDArray[Any]:
        """Return the samples that are whole with these bytes, which may be none."""
        data = self._rest + data if self._rest else data
        whole = len(data) - len(data) % self._frame
        self._rest = data[whole:]
        samples = np.frombuffer(data, self._type, whole // self._type.itemsize)
        samples = table(self._encoding)[samples] if self._encoding in ("mulaw", "alaw") else samples
        return samples if self._channels == 1 else samples.reshape(-1, self._channels)


@cache
def table(law: str) -> NDArray[np.int16]:
    """Return the 256 values of a law, as ITU-T G.711 defines them: mu-law in 14 bits, A-law in 13, here in 16."""
    code = np.arange(256)
    if law == "mulaw":
        code = ~code & 0xFF
        size = (((code & 0x0F) << 3) + BIAS << ((code & 0x70) >> 4)) - BIAS
        negative = code & 0x80 != 0
    else:
        code = code ^ 0x55
        exponent, size = (code & 0x70) >> 4, (code & 0x0F) << 4
        size = np.where(exponent == 0, size + 8, size + 0x108 << np.maximum(exponent - 1, 0))
        negative = code & 0x80 == 0
    return np.where(negative, -size, size).astype(np.int16)
