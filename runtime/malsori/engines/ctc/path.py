"""The best alignment of known tokens (Viterbi): where in a clip's frames each one is said. Positions are frames."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from .beam import Floats, Ints
from .greedy import Token


def best_path(log_probs: Floats, tokens: Sequence[int], blank: int) -> list[Token]:
    """Return `tokens` with the frames of the likeliest alignment that collapses to them.

    `log_probs` is `(frames, vocabulary)` and long enough: a frame for each token and for a blank between equal ones.
    """
    if not tokens:
        return []
    chain = np.full(2 * len(tokens) + 1, blank)
    chain[1::2] = tokens
    return [
        Token(int(chain[state]), frames[0], frames[-1] + 1, float(np.exp(log_probs[frames, chain[state]].max())))
        for state, frames in _runs(_states(log_probs, chain))
        if state % 2
    ]


def _states(log_probs: Floats, chain: Ints) -> list[int]:
    """Return the position in the chain blank, token, blank, token, ..., blank of each frame."""
    frames, states = len(log_probs), len(chain)
    skips = np.zeros(states, bool)  # a blank may be left out between two tokens that differ
    skips[3::2] = chain[3::2] != chain[1:-2:2]
    scores = np.full((3, states), -np.inf)  # by staying, by one step, by two
    scores[0, :2] = log_probs[0, chain[:2]]
    steps = np.zeros((frames, states), np.int8)
    for frame in range(1, frames):
        scores[1, 1:] = scores[0, :-1]
        scores[2, 2:] = np.where(skips[2:], scores[0, :-2], -np.inf)
        steps[frame] = scores.argmax(axis=0)
        scores[0] = scores.max(axis=0) + log_probs[frame, chain]
    state = states - 1 if scores[0, -1] > scores[0, -2] else states - 2
    path = [state]
    for frame in range(frames - 1, 0, -1):
        state -= int(steps[frame, state])
        path.append(state)
    return path[::-1]


def _runs(path: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Return each state of a path with its frames."""
    grouped = groupby(range(len(path)), key=path.__getitem__)
    return [(state, list(frames)) for state, frames in grouped]
