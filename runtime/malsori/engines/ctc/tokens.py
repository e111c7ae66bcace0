"""Tokens at the frames in which they are said. Positions are frames, never seconds.

frames   0 1 2 3 4 5 6 7 8 9
said     - a a - a | | b - -      (- is blank, | the word delimiter)
tokens     a     a |   b
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .softmax import FLOOR
from .viterbi import Chain, best_path


@dataclass(frozen=True, slots=True)
class Token:
    """One token: frames `[start, stop)` and its posterior, the highest in that run."""

    index: int
    start: int
    stop: int
    probability: float


def place(log_probs: NDArray[np.float64], tokens: Sequence[int], blank: int) -> list[Token]:
    """Return `tokens` at the frames of the likeliest alignment that collapses to them.

    `log_probs` is `(frames, vocabulary)` and long enough: a frame for each token and for a blank between equal ones.
    """
    chain = Chain.between_blanks(tokens, blank)
    path = best_path(chain, len(log_probs), lambda start, stop: np.maximum(log_probs[start:stop], FLOOR))
    return on_path(chain, path, log_probs[np.arange(len(path)), chain.columns[path]])


def on_path(chain: Chain, path: NDArray[np.intp], log_probs: NDArray[np.float64]) -> list[Token]:
    """Return the tokens of a chain where `path` is in each; `log_probs`, `(frames,)`, are those along the path."""
    states = np.arange(1, len(chain), 2)
    starts, stops = (np.searchsorted(path, states, side=side).tolist() for side in ("left", "right"))
    runs = zip(chain.columns[states].tolist(), starts, stops, strict=True)
    return [Token(index, start, stop, float(np.exp(log_probs[start:stop].max()))) for index, start, stop in runs]
