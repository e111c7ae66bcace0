"""What counts as a number: Python's and numpy's alike, and neither True nor a text."""

from __future__ import annotations

import math

import numpy as np
import pytest

from malsori.kinds import is_finite, is_number, is_whole


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        (1, "whole finite number"),
        (np.int8(1), "whole finite number"),
        (1.0, "finite number"),
        (np.float32(0.5), "finite number"),
        (math.inf, "number"),
        (math.nan, ""),
        (True, ""),
        (np.bool_(True), ""),
        ("1", ""),
        (None, ""),
        (1j, ""),
    ],
)
def test_a_value_is_a_number_of_some_kind_or_none(value: object, kinds: str) -> None:
    found = {"whole": is_whole(value), "finite": is_finite(value), "number": is_number(value)}
    assert [kind for kind, holds in found.items() if holds] == kinds.split()
