"""CTC logits as the scores that a path through a text is made of: the tokens, and two more columns.

The gap column is the better of blank and word delimiter, and stands between words: a text's spaces need not be the
model's. The wildcard column stands for what the model has no letters for. It is as good as the best token of the frame,
less a penalty, so that it takes what no other token explains. Blanks count too, because what is written with one
unknown sign, such as 26, may be said in several letters with blanks between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .spelling import WILDCARD, WrittenWord
from .viterbi import BLOCK, Chain
from .vocabulary import Vocabulary

PENALTY = 1.0  # nats a frame that the wildcard is worse than the best token
LEAST = -100.0  # log-probability of what the model thinks impossible; finite, so that every text has a path


@dataclass(frozen=True, slots=True)
class Runs:
    """Where a path is in each token: frames `first` to `last`, both included, and the token's highest probability.

    Integers, integers and float64 `(tokens,)`; the probability of a wildcard is 0.
    """

    first: NDArray[np.intp]
    last: NDArray[np.intp]
    probability: NDArray[np.float64]


class Emissions:
    """The scores of one recording; they are computed block by block, since long ones would be large."""

    def __init__(self, logits: NDArray[np.float32], vocabulary: Vocabulary) -> None:
        """Take `logits`, `(frames, vocabulary)`, as the model gives them."""
        self._logits = logits
        self._gap = [vocabulary.blank, *sorted(vocabulary.delimiters)]
        self._blank, self._wildcard = vocabulary.blank, len(vocabulary)
        blocks = (logits[start : start + BLOCK] for start in range(0, len(logits), BLOCK))
        self._totals = np.concatenate([np.zeros(0), *map(_log_sum_exp, blocks)])

    def scores(self, start: int, stop: int) -> NDArray[np.float64]:
        """Return the log scores of frames `[start, stop)`: every token, then the wildcard and the gap."""
        scores = np.empty((stop - start, self._wildcard + 2))
        tokens = scores[:, : self._wildcard]
        np.subtract(self._logits[start:stop], self._totals[start:stop, np.newaxis], out=tokens)
        np.maximum(tokens, LEAST, out=tokens)
        scores[:, -2] = tokens.max(axis=1) - PENALTY
        scores[:, -1] = tokens[:, self._gap].max(axis=1)
        return scores

    def chain(self, words: Sequence[WrittenWord]) -> Chain:
        """Return the states of a text: its tokens, gaps between its words and around them, blanks elsewhere."""
        sizes = [sum(len(piece.tokens) for piece in word.pieces) for word in words]
        tokens = np.array([token for word in words for piece in word.pieces for token in piece.tokens], np.intp)
        tokens[tokens == WILDCARD] = self._wildcard
        gaps = np.full(len(tokens) + 1, self._blank, np.intp)
        gaps[np.cumsum([0, *sizes])] = self._wildcard + 1
        return Chain.of(tokens, gaps)

    def runs(self, chain: Chain, path: NDArray[np.intp]) -> Runs:
        """Return where `path` is in each token of the chain."""
        tokens = np.arange(1, len(chain), 2)
        probability = np.zeros(len(tokens))
        frames = np.flatnonzero((path % 2 == 1) & (chain.columns[path] < self._wildcard))
        logs = self._logits[frames, chain.columns[path[frames]]] - self._totals[frames]
        np.maximum.at(probability, path[frames] // 2, np.exp(logs))
        return Runs(np.searchsorted(path, tokens), np.searchsorted(path, tokens, side="right") - 1, probability)


def _log_sum_exp(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what turns logits into log-probabilities, one number for each frame."""
    best = logits.max(axis=1, keepdims=True).astype(np.float64)
    totals: NDArray[np.float64] = best[:, 0] + np.log(np.exp(logits - best).sum(axis=1))
    return totals
