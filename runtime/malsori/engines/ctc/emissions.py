"""CTC logits as the scores that a path through a text is made of: the tokens, and two more columns.

The gap column is the better of blank and word delimiter, and stands between words: a text's spaces need not be the
model's. The wildcard column stands for what the model has no letters for. It is as good as the best token of the frame,
less a penalty, so that it takes what no other token explains. Blanks count too, because what is written with one
unknown sign, such as 26, may be said in several letters with blanks between them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .softmax import log_sum_exp
from .spelling import WILDCARD, WrittenWord
from .tokens import Token, on_path
from .viterbi import BLOCK, Chain
from .vocabulary import Vocabulary

PENALTY = 1.0  # nats a frame that the wildcard is worse than the best token
LEAST = -100.0  # log-probability of what the model thinks impossible; finite, so that every text has a path


class Emissions:
    """The scores of one recording; they are computed block by block, since long ones would be large."""

    def __init__(self, logits: NDArray[np.float32], vocabulary: Vocabulary) -> None:
        """Take `logits`, `(frames, vocabulary)`, as the model gives them."""
        self._logits = logits
        self._gap = [vocabulary.blank, *sorted(vocabulary.delimiters)]
        self._blank, self._wildcard = vocabulary.blank, len(vocabulary)
        blocks = (logits[start : start + BLOCK] for start in range(0, len(logits), BLOCK))
        self._totals = np.concatenate([np.zeros(0), *map(log_sum_exp, blocks)])

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

    def tokens(self, chain: Chain, path: NDArray[np.intp]) -> list[Token]:
        """Return the tokens of the chain where `path` is in each; the probability of a wildcard is 0."""
        columns = chain.columns[path]
        known = np.flatnonzero(columns < self._wildcard)
        log_probs = np.full(len(path), -np.inf)
        log_probs[known] = self._logits[known, columns[known]] - self._totals[known]
        return on_path(chain, path, log_probs)
