"""Arrays of samples as callers have them: what is accepted, and how they are laid out; `samples.py` scales them.

What cannot be meant, or can be meant in two ways, is refused with what to type instead: sound that is taken at the
wrong scale or along the wrong axis is silence or noise to a model, which then makes up words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from numbers import Real
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import UnsupportedFormat
from .limits import DEFAULT_LIMITS

INTEGERS = ("i1", "u1", "i2", "i4")  # whose full scale is known; int64 is what arithmetic makes of any of them
SCALES = (2**15, 2**23, 2**31)  # that floats come in where nobody has divided them: 16, 24 and 32 bits
LOUD = 8.0  # times full scale, 18 dB above it: no mix is as loud as that
SHARE = 0.01  # of the samples that may be: a click is a fault of the recording, which the mixer tells of
FEW = 16  # samples that may be in any case
WIDTH = DEFAULT_LIMITS.max_channels  # an axis that is longer is one of samples
CHUNK = 1 << 20  # samples that are looked at at a time


class Arraylike(Protocol):
    """What numpy makes an array of by itself, such as a tensor in the CPU's memory."""

    def __array__(self, *args: Any, **settings: Any) -> NDArray[Any]:
        """Return the array."""
        ...


Samples: TypeAlias = "NDArray[np.generic] | Arraylike | list[float] | tuple[float, ...]"
"""Samples `(samples,)`, `(samples, channels)` or `(channels, samples)`: floats in [-1, 1], or int16, int32, int8, uint8
at their full scale."""


def as_array(samples: object, name: str) -> NDArray[np.generic] | None:
    """Return samples as an array, None for what is none. Raises `UnsupportedFormat` for one that cannot be read."""
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

    The shorter axis has the channels. Where both could, in a `whole` recording of a few samples, nobody can tell; in a
    block of a stream it is the second. Raises `UnsupportedFormat`, with `name`, for any other shape, type or scale.
    """
    if array.ndim not in (1, 2):
        raise UnsupportedFormat(name, "an array (samples,) or (samples, channels)", f"{array.ndim} dimensions")
    if array.dtype.kind != "f" and _code(array) not in INTEGERS:
        raise UnsupportedFormat(name, "float, int16, int32, int8 or uint8 samples", _told(array))
    _check_scale(array, name, whole=whole)
    return array[:, np.newaxis] if array.ndim == 1 else _upright(array, name, whole=whole)


def kind_of(array: NDArray[np.generic]) -> str:
    """Return what samples are called in a message: those of all floats are one kind."""
    return "float samples" if array.dtype.kind == "f" else f"{array.dtype.name} samples"


def whole_rate(rate: object, name: str) -> int:
    """Return a sample rate in Hz, which may be given as any number that is whole. Raises `UnsupportedFormat`."""
    number = math.nan
    if isinstance(rate, (int, float, np.integer, np.floating)) and rate is not True:
        with suppress(OverflowError):  # an integer that no float can be
            number = float(rate)
    if not number.is_integer():
        raise UnsupportedFormat(name, "a sample rate in whole Hz", repr(rate))
    return int(number)


def _code(array: NDArray[np.generic]) -> str:
    """Return kind and width of an array's numbers, whatever the order of their bytes."""
    return f"{array.dtype.kind}{array.dtype.itemsize}"


def _told(array: NDArray[np.generic]) -> str:
    """Return the type of numbers that are no samples, and what to type where that can be guessed."""
    name = array.dtype.name
    if array.dtype.kind in "iu":  # int64, which arithmetic makes of them, or without a sign
        return f"{name}, whose full scale nobody knows; for samples of 16 bits pass x.astype('int16')"
    if array.dtype.kind == "c":
        return f"{name}; pass x.real, or the sound that a spectrum is of"
    return name


def _upright(array: NDArray[np.generic], name: str, *, whole: bool) -> NDArray[np.generic]:
    """Return `(frames, channels)` of an array in two dimensions."""
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
    """Refuse floats that nobody has divided, and a recording in 32 bits that has no more than 16."""
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
    """Return the peak of floats of which too many lie far beyond full scale, else 0."""
    count, peak = 0, 0.0
    for part in _parts(array):
        loudness = np.abs(part)
        beyond = loudness[(loudness > LOUD) & np.isfinite(loudness) & (loudness < np.finfo(np.float32).max)]
        count, peak = count + beyond.size, max(peak, float(beyond.max(initial=0.0)))
    return peak if count > max(FEW, SHARE * array.size) else 0.0


def _parts(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield an array along its longer axis in parts, so that what is computed of it takes little memory."""
    tall = array if array.ndim == 1 or array.shape[0] >= array.shape[1] else array.T
    step = max(1, CHUNK * len(tall) // max(1, tall.size))
    return (tall[start : start + step] for start in range(0, len(tall), step))
