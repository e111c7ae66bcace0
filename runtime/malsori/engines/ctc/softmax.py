"""Logits as log-probabilities, in float64 whatever they came in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLOOR = -1e4  # of a log-probability, where no sum of them may be infinite


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return normalised log-probabilities, of the same shape `(frames, vocabulary)`."""
    normalised: NDArray[np.float64] = logits - log_sum_exp(logits)[:, np.newaxis]
    return normalised


def log_sum_exp(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what is to be taken off logits to normalise them, one number for each frame, `(frames,)`."""
    best = logits.max(axis=1, keepdims=True).astype(np.float64)
    shifted = logits - best
    totals: NDArray[np.float64] = best[:, 0] + np.log(np.exp(shifted, out=shifted).sum(axis=1))
    return totals
