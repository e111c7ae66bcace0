"""Arrays of samples as callers have them: what is accepted, and the float32 form of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import UnsupportedFormat
from .stream import Frames


def as_frames(array: NDArray[np.generic], name: str) -> NDArray[np.generic]:
    """Return a view `(frames, channels)` of int16 or float samples `(samples,)` or `(samples, channels)`.

    Raises `UnsupportedFormat`, with `name`, for any other shape or type.
    """
    if array.ndim not in (1, 2):
        raise UnsupportedFormat(name, "an array (samples,) or (samples, channels)", f"{array.ndim} dimensions")
    if array.dtype != np.int16 and array.dtype.kind != "f":
        raise UnsupportedFormat(name, "int16 or float samples", str(array.dtype))
    return array[:, np.newaxis] if array.ndim == 1 else array


def scaled(frames: NDArray[np.generic]) -> Frames:
    """Return a float32 copy in which int16's full scale is 1.0; what float32 cannot hold becomes infinite."""
    scale = np.float32(32_768 if frames.dtype == np.int16 else 1)
    with np.errstate(over="ignore"):  # the mixer counts and mends what is infinite
        result: Frames = frames.astype(np.float32) / scale
    return result
