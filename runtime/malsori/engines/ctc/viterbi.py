"""The likeliest alignment of given tokens with frames of CTC scores (Viterbi; Graves et al. 2006). Arrays only.

Between the tokens, before the first and behind the last there is a gap, of any number of frames:

states    0    1    2    3    4         frames   0 1 2 3 4 5 6
          gap  a    gap  b    gap       path     0 1 1 2 3 3 4      a in frames 1 and 2, b in 4 and 5

From one frame to the next a path stays, advances by one state, or skips the gap between two different tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FLOOR = -1e4  # least log-probability, so that no sum is infinite
Scores: TypeAlias = Callable[[int, int], NDArray[np.float64]]
"""`scores(start, stop)` gives the finite log scores of frames `[start, stop)`, float64 `(stop - start, columns)`."""

BLOCK = 512  # frames whose backpointers are held at a time, one byte for each state
NARROWEST = 4096  # states of a band; with 12 tokens a second nearly three minutes of speech
CELLS = 1 << 29  # frames times states up to which the search is exact; some 5 s on one core


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return normalised log-probabilities, of the same shape `(frames, vocabulary)`."""
    normalised: NDArray[np.float64] = logits - log_sum_exp(logits)[:, np.newaxis]
    return normalised


def log_sum_exp(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the logarithm of the sum of exponentials of each frame, `(frames,)`."""
    best = logits.max(axis=1, keepdims=True).astype(np.float64)
    shifted = logits - best
    totals: NDArray[np.float64] = best[:, 0] + np.log(np.exp(shifted, out=shifted).sum(axis=1))
    return totals


@dataclass(frozen=True, slots=True)
class Chain:
    """The states of a text: for each its column in the scores, gaps at even indices and tokens at odd ones."""

    columns: NDArray[np.intp]

    @classmethod
    def of(cls, tokens: NDArray[np.intp], gaps: NDArray[np.intp]) -> Chain:
        """Return the chain of N tokens and the N + 1 gaps around them, each given as its column."""
        columns = np.empty(2 * len(tokens) + 1, np.intp)
        columns[::2], columns[1::2] = gaps, tokens
        return cls(columns)

    @classmethod
    def between_blanks(cls, tokens: Sequence[int], blank: int) -> Chain:
        """Return the chain of tokens with the blank as every gap, as in CTC."""
        return cls.of(np.array(tokens, np.intp), np.full(len(tokens) + 1, blank, np.intp))

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def repeats(self) -> NDArray[np.bool_]:
        """Whether each token but the first equals the one before it, so that the gap cannot be skipped."""
        tokens = self.columns[1::2]
        same: NDArray[np.bool_] = tokens[1:] == tokens[:-1]
        return same

    @property
    def least_frames(self) -> int:
        """Frames that the text needs: one for each token, and one more for the gap between equal ones."""
        return len(self) // 2 + int(self.repeats.sum())

    def skips(self) -> NDArray[np.float64]:
        """Return the score of skipping to each state from two states before: 0 where allowed, else -inf."""
        costs = np.full(len(self), -np.inf)
        costs[3::2][~self.repeats] = 0.0
        return costs

    def farthest_behind(self, frames_left: int) -> int:
        """Return the first state from which the end can still be reached in `frames_left` frames."""
        needed = np.cumsum((1 + self.repeats)[::-1])[::-1]  # behind each token but the last
        return 2 * int(np.searchsorted(-needed, -frames_left)) + 1


def best_path(chain: Chain, frames: int, scores: Scores, *, cells: int = CELLS) -> NDArray[np.intp]:
    """Return the best path as the state of each frame, `(frames,)`; `frames` is at least `chain.least_frames`.

    It begins in the first gap or token and ends in the last. Time is O(frames x width), memory (BLOCK + 8 frames /
    BLOCK) x width bytes: only the scores before each block are kept, and its backpointers are recomputed from those.
    `width` is all states while frames x states is at most `cells`, and the search is exact. Beyond that it is `cells /
    frames`, at least `NARROWEST`, in a band that moves with the best state.
    """
    band = Band.over(chain, frames, scores, max(NARROWEST, cells // frames))
    fronts = [band.opening()]
    for start in range(0, frames - BLOCK, BLOCK):
        fronts.append(band.advance(fronts[-1], start))
    path = np.empty(frames, np.intp)
    state = -1
    for start, front in zip(reversed(range(0, frames, BLOCK)), reversed(fronts), strict=True):
        ways = np.zeros((min(BLOCK, frames - start), band.width), np.int8)
        after = band.advance(front, start, ways)
        state = after.better_end(len(chain)) if state < 0 else state
        for frame in reversed(range(len(ways))):
            path[start + frame] = state
            state -= int(ways[frame, state - after.low])
    return path


@dataclass(frozen=True, slots=True)
class Front:
    """The scores of the best paths that end, after some frames, in the states from `low` on."""

    low: int
    scores: NDArray[np.float64]

    def better_end(self, states: int) -> int:
        """Return the better one of the last two states, in which a path may end."""
        last = states - 1 - self.low
        return states - 1 - int(self.scores[last - 1] > self.scores[last])


@dataclass(frozen=True, slots=True)
class Band:
    """Advances a front through the frames, in a band of `width` states that moves from block to block."""

    chain: Chain
    frames: int
    scores: Scores
    width: int
    skips: NDArray[np.float64]

    @classmethod
    def over(cls, chain: Chain, frames: int, scores: Scores, width: int) -> Band:
        """Return a band of `width` states, or of all when there are fewer."""
        return cls(chain, frames, scores, min(width, len(chain)), chain.skips())

    def opening(self) -> Front:
        """Return the front before the first frame, in the first gap."""
        scores = np.full(self.width, -np.inf)
        scores[0] = 0.0
        return Front(0, scores)

    def low(self, front: Front, start: int) -> int:
        """Return the first state of the band in the block at `start`: around the best one, the end still reachable."""
        middle = front.low + int(front.scores.argmax()) - self.width // 2
        behind = self.chain.farthest_behind(max(0, self.frames - start - BLOCK)) - self.width + 3
        return min(max(front.low, middle, behind), len(self.chain) - self.width)

    def advance(self, front: Front, start: int, ways: NDArray[np.int8] | None = None) -> Front:
        """Return the front after the block at `start`; write into `ways` by how many states each path advanced."""
        low = self.low(front, start)
        columns, skips = self.chain.columns[low : low + self.width], self.skips[low : low + self.width]
        best = np.full(self.width + 2, -np.inf)  # two states before the band, so that each has three to come from
        best[2 : self.width + 2 - (low - front.low)] = front.scores[low - front.low :]
        here, one, two = best[2:], best[1:-1], best[:-2]
        for frame, row in enumerate(self.scores(start, min(start + BLOCK, self.frames))):
            jumped = two + skips
            stepped = np.maximum(here, one)
            if ways is not None:
                np.greater(one, here, out=ways[frame], casting="unsafe")
                ways[frame][jumped > stepped] = 2
            np.maximum(jumped, stepped, out=stepped)
            here[:] = stepped + row[columns]
        return Front(low, here.copy())
