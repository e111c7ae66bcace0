"""CTC prefix beam search (Graves 2012; Hannun et al. 2014, arXiv:1408.2873): the likeliest token sequences of a clip.

Greedy decoding takes the best alignment; this sums over all alignments of a sequence, and lets scorers (hot words, a
language model) have their say while sequences are still compared. One step of time is a few numpy calls over the beam
and the tokens that are worth trying there; frames that are nearly certainly blank try none. Tokens are ids here, words
are none of its business.

beam     a, ab               the sequences kept, each with its alignments ending in blank or in its last token
frame    P(a) P(b) P(-)
stay     a, ab               by the blank, by their last token once more, and from a parent that is in the beam itself
extend   aa, ab, aba, abb    aa and abb only from alignments that end in blank; ab is there already and not made twice
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .viterbi import FLOOR

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST = 1e-4  # probability of a token in a frame below which it begins nothing there; see bench/wav2vec2/decoding.py


class Scorer(Protocol):
    """What speaks for or against a sequence besides its sound, in natural logarithms; a state is an integer, first 0.

    Made for one clip. `reach` holds for each token, `(vocabulary,)`, the most that it can gain.
    """

    reach: Floats

    def gains(self, states: Ints, tokens: Ints) -> Floats:
        """Return what each token adds behind each state, `(states, tokens)`."""
        ...

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """Return the states that pairs of a state and a token lead to."""
        ...

    def finish(self, states: Ints) -> Floats:
        """Return what the end of the clip adds to each state."""
        ...


@dataclass(frozen=True, slots=True)
class Prefix:
    """A sequence of tokens, repeats collapsed and blanks dropped.

    `log_probability` is that of the sum over its alignments; `score` is that and what the scorers added.
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float


def beam_search(
    log_probs: Floats, blank: int, width: int, scorers: Sequence[Scorer] = (), least: float = LEAST
) -> list[Prefix]:
    """Return at most `width` sequences, the best score first; `log_probs` is `(frames, vocabulary)`, normalised.

    Exact while no more than `width` sequences are possible and `least` is 0.
    """
    log_probs = np.maximum(log_probs, FLOOR)
    search = _Search(blank, width, scorers)
    for frame, tokens in zip(log_probs, worth_trying(log_probs, blank, width, scorers, least), strict=True):
        search.step(frame, tokens)
    return search.results()


def worth_trying(log_probs: Floats, blank: int, width: int, scorers: Sequence[Scorer], least: float) -> Sequence[Ints]:
    """Return the tokens to extend with in each frame: probable enough, and among the best as far as the beam reaches.

    Of what extends one sequence only the best `width` can stay, so a flat frame costs no more than that many tokens;
    one is kept for the repeated token, one for the blank, and all those that a scorer could lift.
    """
    reach = sum((scorer.reach for scorer in scorers), np.zeros(log_probs.shape[1]))
    kept = log_probs + reach >= (log(least) if least else -np.inf)
    kept[:, blank] = False
    most = width + 2 + np.count_nonzero(reach)
    crowded = np.flatnonzero(np.count_nonzero(kept, axis=1) > most)
    if len(crowded):
        best = np.argpartition(log_probs[crowded], -most, axis=1)[:, -most:]  # not a limit: all may be equal
        among = np.tile(reach > 0, (len(crowded), 1))
        np.put_along_axis(among, best, True, axis=1)
        kept[crowded] &= among
    frames, tokens = np.nonzero(kept)
    return np.split(tokens, np.searchsorted(frames, np.arange(1, len(log_probs))))[: len(log_probs)]


class _Search:
    """The beam between two frames: arrays with one entry per sequence, which is a node of the tree."""

    def __init__(self, blank: int, width: int, scorers: Sequence[Scorer]) -> None:
        self._blank, self._width, self._scorers = blank, width, scorers
        self._tree = _Tree()
        self._bonus = np.zeros(1)
        self._states = [np.zeros(1, np.int64) for _ in scorers]
        self._ends_blank, self._ends_token = np.zeros(1), np.full(1, -np.inf)
        self._place([0], np.array([blank]))

    def step(self, frame: Floats, tokens: Ints) -> None:
        """Take one frame, `(vocabulary,)`, in which `tokens` may begin."""
        total = np.logaddexp(self._ends_blank, self._ends_token)
        ends_blank = total + frame[self._blank]
        ends_token = np.logaddexp(self._ends_token, self._from_parents(total)) + frame[self._last]
        if len(tokens):
            begun, gains = self._begun(total, frame, tokens), self._gains(tokens)
            staying = np.logaddexp(ends_blank, ends_token) + self._bonus
            kept = self._best(np.concatenate([staying, (begun + gains).ravel()]))
            stay, new = kept[kept < len(total)], kept[kept >= len(total)] - len(total)
            if len(new) or len(stay) < len(total):
                self._move(stay, new, tokens, gains)
                ends_blank = np.concatenate([ends_blank[stay], np.full(len(new), -np.inf)])
                ends_token = np.concatenate([ends_token[stay], begun.ravel()[new]])
        self._ends_blank, self._ends_token = ends_blank, ends_token

    def results(self) -> list[Prefix]:
        """Return the sequences of the beam, the best first."""
        sound = np.logaddexp(self._ends_blank, self._ends_token)
        scores = sound + self._bonus
        for scorer, states in zip(self._scorers, self._states, strict=True):
            scores = scores + scorer.finish(states)
        found = zip(map(self._tree.tokens, self._nodes), sound.tolist(), scores.tolist(), strict=True)
        return sorted((Prefix(*each) for each in found), key=lambda prefix: (-prefix.score, prefix.tokens))

    def _from_parents(self, total: Floats) -> Floats:
        """Return what flows into each sequence from the one that lacks its last token, where that is in the beam."""
        if not self._parented.any():
            return np.full(len(total), -np.inf)
        flow = np.where(self._doubled, self._ends_blank[self._parents], total[self._parents])
        return np.where(self._parented, flow, -np.inf)

    def _begun(self, total: Floats, frame: Floats, tokens: Ints) -> Floats:
        """Return the log-probability of each sequence with each token behind it, -inf where it is in the beam."""
        repeated = self._last[:, None] == tokens
        begun = np.where(repeated, self._ends_blank[:, None], total[:, None]) + frame[tokens]
        children = np.flatnonzero(self._parented)
        if len(children):
            columns = np.searchsorted(tokens, self._last[children])  # ascending, as nonzero gives them
            there = tokens[np.minimum(columns, len(tokens) - 1)] == self._last[children]
            begun[self._parents[children[there]], columns[there]] = -np.inf
        return begun

    def _gains(self, tokens: Ints) -> Floats:
        """Return all that is not sound in each sequence with each token behind it."""
        gains = np.repeat(self._bonus[:, None], len(tokens), axis=1)
        for scorer, states in zip(self._scorers, self._states, strict=True):
            gains += scorer.gains(states, tokens)
        return gains

    def _best(self, scores: Floats) -> Ints:
        """Return the positions of the best scores, as many as the beam holds."""
        if len(scores) <= self._width:
            return np.flatnonzero(scores > -np.inf)
        kept = np.argpartition(scores, -self._width)[-self._width :]
        return kept[scores[kept] > -np.inf]

    def _move(self, stay: Ints, new: Ints, tokens: Ints, gains: Floats) -> None:
        """Replace the beam by those of it that stay and the new ones, positions in `gains`, `(sequences, tokens)`."""
        source, column = np.divmod(new, len(tokens))
        added = tokens[column]
        self._bonus = np.concatenate([self._bonus[stay], gains[source, column]])
        for index, (scorer, states) in enumerate(zip(self._scorers, self._states, strict=True)):
            self._states[index] = np.concatenate([states[stay], scorer.advance(states[source], added)])
        kept = [self._nodes[index] for index in stay.tolist()]
        pairs = zip(source.tolist(), added.tolist(), strict=True)
        made = [self._tree.child(self._nodes[index], token) for index, token in pairs]
        self._place(kept + made, np.concatenate([self._last[stay], added]))

    def _place(self, nodes: list[int], last: Ints) -> None:
        """Set the sequences of the beam, and find whose parent is in it too."""
        self._nodes, self._last = nodes, last
        slots = {node: slot for slot, node in enumerate(nodes)}
        self._parents = np.array([slots.get(self._tree.parent[node], -1) for node in nodes])
        self._parented = self._parents >= 0
        self._doubled = last[self._parents] == last  # of no meaning where there is no parent


class _Tree:
    """All sequences that were ever in the beam; node 0 is the empty one.

    A sequence that comes back gets its old node: its children may be in the beam still.
    """

    def __init__(self) -> None:
        self.parent = [-1]
        self._token = [-1]
        self._children: dict[tuple[int, int], int] = {}

    def child(self, node: int, token: int) -> int:
        """Return the node of a sequence with one token more."""
        found = self._children.setdefault((node, token), len(self.parent))
        if found == len(self.parent):
            self.parent.append(node)
            self._token.append(token)
        return found

    def tokens(self, node: int) -> tuple[int, ...]:
        """Return the sequence of a node."""
        tokens = []
        while node:
            tokens.append(self._token[node])
            node = self.parent[node]
        return tuple(reversed(tokens))
