"""Samples of callers and files to float32 with a full scale of 1.0.

Arrays of any layout, stored samples of any type, byte order or companding, and 16-bit PCM of microphones, sockets and
WebRTC, whose pieces may end within a sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from numbers import Real
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import UnsupportedFormat
from ..types import Audio
from .limits import DEFAULT_LIMITS
from .pieces import Frames

INTEGERS = ("i1", "u1", "i2", "i4")  # types whose full scale is known; int64 is what arithmetic makes of any of them
SCALES = (2**15, 2**23, 2**31)  # full scales of floats that were not divided: 16, 24 and 32 bits
LOUD = 8.0  # times full scale, 18 dB above it: no mix is as loud as that
SHARE = 0.01  # of the samples may be louder: a click is a fault of the recording, of which the mixer warns
FEW = 16  # samples may be louder in any case
WIDTH = DEFAULT_LIMITS.max_channels  # a longer axis is one of samples
CHUNK = 1 << 20  # samples checked at a time
Samples: TypeAlias = "NDArray[np.generic] | Arraylike | list[float] | tuple[float, ...]"
"""Samples `(samples,)`, `(samples, channels)` or `(channels, samples)`: floats in [-1, 1], or int16, int32, int8, uint8
at their full scale."""
_FULL_SCALE = {"i1": 1 << 7, "u1": 1 << 7, "i2": 1 << 15, "i4": 1 << 31, "i8": 1 << 63}
_PCM16_SCALE = 32_768  # of int16: -32768 is -1.0, and 32767 the largest value below 1.0


class Arraylike(Protocol):
    """An object that numpy converts to an array, such as a tensor in the CPU's memory."""

    def __array__(self, *args: Any, **settings: Any) -> NDArray[Any]:
        """Return the array."""
        ...


def as_array(samples: object, name: str) -> NDArray[np.generic] | None:
    """Return samples as an array, None for anything else. Raises `UnsupportedFormat` for one that cannot be read."""
    if isinstance(samples, np.ndarray):
        return np.asarray(samples)  # without what a class of the caller adds
    numbers = isinstance(samples, (list, tuple)) and all(isinstance(each, (Real, list, tuple)) for each in samples)
    if not numbers and (isinstance(samples, type) or not hasattr(samples, "__array__")):
        return None
    kind = type(samples).__name__
    try:
        return np.asarray(samples)
    except (TypeError, ValueError, RuntimeError) as error:  # on a GPU, with a gradient, rows of unequal length
        reason = " ".join(str(error).split())[:200]
        raise UnsupportedFormat(
            name, "samples in the CPU's memory", f"a {kind} that is no array ({reason}); try .detach().cpu().numpy()"
        ) from error


def as_frames(array: NDArray[np.generic], name: str, *, whole: bool = True) -> NDArray[np.generic]:
    """Return a view `(frames, channels)` of samples in one or two dimensions, the channels on either axis.

    The shorter axis has the channels. Where both axes could, a block of a stream has them on the second, and a `whole`
    recording is refused. Raises `UnsupportedFormat`, with `name`, for any other shape, type or scale.
    """
    if array.ndim not in (1, 2):
        raise UnsupportedFormat(name, "an array (samples,) or (samples, channels)", f"{array.ndim} dimensions")
    if array.dtype.kind != "f" and _code(array) not in INTEGERS:
        raise UnsupportedFormat(name, "float, int16, int32, int8 or uint8 samples", _refused_type(array))
    _check_scale(array, name, whole=whole)
    return array[:, np.newaxis] if array.ndim == 1 else _upright(array, name, whole=whole)


def kind_of(array: NDArray[np.generic]) -> str:
    """Return the name of a sample type for messages; all floats have one name."""
    return "float samples" if array.dtype.kind == "f" else f"{array.dtype.name} samples"


def whole_rate(rate: object, name: str) -> int:
    """Return a sample rate in Hz as an int. Raises `UnsupportedFormat` for what is no whole number."""
    number = math.nan
    if isinstance(rate, (int, float, np.integer, np.floating)) and rate is not True:
        with suppress(OverflowError):  # an integer that no float can be
            number = float(rate)
    if not number.is_integer():
        raise UnsupportedFormat(name, "a sample rate in whole Hz", repr(rate))
    return int(number)


def _code(array: NDArray[np.generic]) -> str:
    """Return kind and bytes of an array's numbers, such as "i2", without their byte order."""
    return f"{array.dtype.kind}{array.dtype.itemsize}"


def _refused_type(array: NDArray[np.generic]) -> str:
    """Return, for an error, a type that samples cannot have, and what to type where that can be guessed."""
    name = array.dtype.name
    if array.dtype.kind in "iu":  # int64, which arithmetic makes of them, or without a sign
        return f"{name}, whose full scale nobody knows; for samples of 16 bits pass x.astype('int16')"
    if array.dtype.kind == "c":
        return f"{name}; pass x.real, or the sound that a spectrum is of"
    return name


def _upright(array: NDArray[np.generic], name: str, *, whole: bool) -> NDArray[np.generic]:
    """Return a two-dimensional array as `(frames, channels)`. Raises `UnsupportedFormat` where neither axis fits."""
    rows, columns = array.shape
    if not array.size:
        return array.reshape(0, 1)
    if rows > WIDTH >= columns or (rows <= WIDTH and not whole and columns <= WIDTH):
        return array
    if columns > WIDTH >= rows:
        return array.T
    if rows <= WIDTH and 1 in array.shape:  # a few samples of one channel
        return array.reshape(-1, 1)
    expected = f"one axis of 1 to {WIDTH} channels and a longer one of samples"
    way = "pass one channel, (samples,)" if rows <= WIDTH else "a spectrogram is no sound"
    raise UnsupportedFormat(name, expected, f"the shape {array.shape}; {way}")


def _check_scale(array: NDArray[np.generic], name: str, *, whole: bool) -> None:
    """Raise `UnsupportedFormat` for floats beyond full scale, and for a recording in int32 at the scale of int16."""
    if _code(array) == "i4" and whole:
        peak = max((int(np.abs(part.astype(np.int64)).max()) for part in _parts(array)), default=0)
        if 0 < peak <= SCALES[0]:
            found = f"int32 with a peak of {peak}, the scale of 16 bits; pass x.astype('int16')"
            raise UnsupportedFormat(name, "int32 samples at their full scale, 2147483648", found)
    elif array.dtype.kind == "f" and (peak_found := _beyond(array)):
        least = next((scale for scale in SCALES if peak_found <= scale), None)
        way = "abs(x).max()" if least is None else str(least)
        raise UnsupportedFormat(name, "float samples in [-1, 1]", f"a peak of {peak_found:g}; divide by {way}")


def _beyond(array: NDArray[Any]) -> float:
    """Return the peak of floats if too many of them are far beyond full scale, else 0."""
    count, peak = 0, 0.0
    for part in _parts(array):
        loudness = np.abs(part)
        beyond = loudness[(loudness > LOUD) & np.isfinite(loudness) & (loudness < np.finfo(np.float32).max)]
        count, peak = count + beyond.size, max(peak, float(beyond.max(initial=0.0)))
    return peak if count > max(FEW, SHARE * array.size) else 0.0


def _parts(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield an array in parts along its longer axis, so that computing on it takes little memory."""
    tall = array if array.ndim == 1 or array.shape[0] >= array.shape[1] else array.T
    step = max(1, CHUNK * len(tall) // max(1, tall.size))
    return (tall[start : start + step] for start in range(0, len(tall), step))


def to_float(samples: NDArray[np.generic]) -> Frames:
    """Return a float32 copy of 8-bit, signed 16, 32 or 64-bit, or float samples, of the same shape.

    Unsigned 8 bits are silent at 128. What float32 cannot hold becomes infinite, which the mixer counts and mends.
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
    """Return samples that are packed in three bytes each; `order` is "<" or ">"."""
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
    """Return all 256 values of A-law (ITU-T G.711, table 1): a sign, three bits of segment, four bits of step."""
    code = np.arange(256) ^ 0x55
    segment, step = code >> 4 & 7, code & 15
    magnitude = np.where(segment == 0, 2 * step + 1, (2 * step + 33) << np.maximum(segment - 1, 0)) << 3
    return (np.where(code & 0x80, magnitude, -magnitude) / 32_768).astype(np.float32)


@cache
def _u_law() -> Frames:
    """Return all 256 values of u-law (ITU-T G.711, table 2), which is stored with all bits inverted."""
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 15) * 2 + 33) << (code >> 4 & 7)) - 33 << 2
    return (np.where(code & 0x80, -magnitude, magnitude) / 32_768).astype(np.float32)


class Pcm16Decoder:
    """Decodes PCM16 bytes in pieces of any size; half a sample is kept for the next piece."""

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
    return stored.astype(np.float32) / np.float32(_PCM16_SCALE)


def to_pcm16(audio: Audio) -> bytes:
    """Return samples as PCM16: rounded to the nearest step, clipped at full scale. Exact for those of `from_pcm16`."""
    scaled = np.clip(np.rint(audio * np.float32(_PCM16_SCALE)), -_PCM16_SCALE, _PCM16_SCALE - 1)
    return bytes(scaled.astype("<i2").tobytes())
