"""16-bit PCM bytes (little-endian, mono) to and from float32 samples, for microphones, sockets and WebRTC."""

from __future__ import annotations

import numpy as np

from ..types import Audio

_FULL_SCALE = 32_768  # of int16: -32768 is -1.0, and 32767 the largest value below 1.0


class Pcm16Decoder:
    """Bytes in pieces of any size to samples; half a sample waits inside for its other half."""

    def __init__(self) -> None:
        self._half = b""

    def push(self, data: bytes) -> Audio:
        """Return the samples completed by `data`."""
        data = self._half + data
        whole = len(data) & ~1
        self._half = data[whole:]
        return from_pcm16(data[:whole])

    def flush(self) -> Audio:
        """Drop half a sample, if there is one, and return no samples."""
        self._half = b""
        return np.zeros(0, np.float32)


def from_pcm16(data: bytes) -> Audio:
    """Return samples in [-1, 1) from PCM16; a trailing odd byte is dropped."""
    stored = np.frombuffer(data, "<i2", count=len(data) // 2)
    return stored.astype(np.float32) / np.float32(_FULL_SCALE)


def to_pcm16(audio: Audio) -> bytes:
    """Return the PCM16 form: rounded to the nearest step, clipped at full scale. Exact for what `from_pcm16` made."""
    scaled = np.clip(np.rint(audio * np.float32(_FULL_SCALE)), -_FULL_SCALE, _FULL_SCALE - 1)
    return bytes(scaled.astype("<i2").tobytes())
