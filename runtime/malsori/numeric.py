"""Which values are the numbers that an option wants, Python's and numpy's alike; True and False are none."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import TypeGuard


def is_whole(value: object) -> TypeGuard[int]:
    """Return whether it is a whole number."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    """Return whether it is a number, which may be infinite."""
    return isinstance(value, Real) and not isinstance(value, bool) and not math.isnan(value)


def is_finite(value: object) -> TypeGuard[float]:
    """Return whether it is a number that is not infinite."""
    return is_number(value) and math.isfinite(value)
