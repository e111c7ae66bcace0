"""Greedy CTC decoding (Graves et al. 2006): the best token of each frame, repeats collapsed and blanks dropped."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .tokens import Token


def greedy(logits: NDArray[np.float32], blank: int) -> list[Token]:
    """Return the tokens that the frames emit; `logits` is `(frames, vocabulary)`."""
    if not len(logits):
        return []
    best = logits.argmax(axis=1)
    # the softmax of the largest entry, without the softmax of the others
    posterior = 1 / np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(best)) + 1])
    stops = np.append(starts[1:], len(best))
    peaks = np.maximum.reduceat(posterior, starts)
    runs = zip(best[starts].tolist(), starts.tolist(), stops.tolist(), peaks.tolist(), strict=True)
    return [Token(*run) for run in runs if run[0] != blank]
