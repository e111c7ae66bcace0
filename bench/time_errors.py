"""How far the times of words are off, as rows: for the benches of alignment and of Whisper's word times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.results import Row

NOISE = 20.0  # dB below the speech
PERCENTILES = {50: (25, 75), 95: (90, 100)}  # and those between which the spread of each lies
Errors = Sequence[float] | NDArray[np.float64]
"""Milliseconds, absolute."""


def error_row(case: str, figures: Mapping[str, Errors], percent: int, target: str = "") -> Row:
    """Return a percentile of everybody's errors; the key `ours` is ours."""
    at = {name: float(np.percentile(values, percent).round(1)) for name, values in figures.items()}
    ours, mine = at.pop("ours"), figures["ours"]
    low, high = (float(np.percentile(mine, each).round(1)) for each in PERCENTILES[percent])
    return Row(
        case,
        "median error" if percent == 50 else f"{percent}th percentile of the error",
        "ms",
        ours,
        at,
        {name: round(theirs / ours, 2) for name, theirs in at.items()},
        target,
        np.size(mine),
        (low, high),
    )
