"""Tokens at their frames, and tokens joined to words: at delimiters, and inside of scripts without spaces.

Positions are frames, not seconds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...joining import mean_probability
from ...types import SAMPLE_RATE, WORDLESS_S, LeftOut, Segment, Span
from ..word_breaks import is_unspaced, spelled_words
from .viterbi import FLOOR, Chain, best_path
from .vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its frames `[start, stop)`, and its highest posterior in them."""

    index: int
    start: int
    stop: int
    probability: float


def place(log_probs: NDArray[np.float64], tokens: Sequence[int], blank: int) -> list[Token]:
    """Return `tokens` at the frames of their likeliest alignment.

    `log_probs` is `(frames, vocabulary)`, with at least a frame for each token and for a blank between equal ones.
    """
    chain = Chain.between_blanks(tokens, blank)
    path = best_path(chain, len(log_probs), lambda start, stop: np.maximum(log_probs[start:stop], FLOOR))
    return on_path(chain, path, log_probs[np.arange(len(path)), chain.columns[path]])


def on_path(chain: Chain, path: NDArray[np.intp], log_probs: NDArray[np.float64]) -> list[Token]:
    """Return the tokens of a chain at the frames of `path`; `log_probs`, `(frames,)`, are those along the path."""
    states = np.arange(1, len(chain), 2)
    starts, stops = (np.searchsorted(path, states, side=side).tolist() for side in ("left", "right"))
    runs = zip(chain.columns[states].tolist(), starts, stops, strict=True)
    return [Token(index, start, stop, float(np.exp(log_probs[start:stop].max()))) for index, start, stop in runs]


@dataclass(frozen=True, slots=True)
class HeardWord:
    """One word: NFC text, frames `[start, stop)`, and the geometric mean of its tokens' posteriors.

    `spaced` where a delimiter stands before it, and for the first word.
    """

    text: str
    start: int
    stop: int
    probability: float
    spaced: bool = True


def words_of(tokens: Iterable[Token], vocabulary: Vocabulary) -> list[HeardWord]:
    """Return the tokens joined to words at the delimiters, without special tokens and words without text.

    The text is composed (NFC), so that conjoining jamo become syllables.
    """
    groups = (_words(group, vocabulary) for group in _groups(tokens, vocabulary))
    return [word for words in groups for word in words if word.text]


def silences(segments: Iterable[Segment]) -> Iterator[LeftOut]:
    """Yield the gaps between consecutive words, across segments, of at least `WORDLESS_S`."""
    words = [word for segment in segments for word in segment.words]
    for before, behind in pairwise(words):
        if behind.start - before.end >= WORDLESS_S:
            span = Span(round(before.end * SAMPLE_RATE), round(behind.start * SAMPLE_RATE))
            yield LeftOut("no_words", (span,))


def text_of(tokens: Iterable[int], vocabulary: Vocabulary) -> str:
    """Return the text of one word's tokens, composed (NFC)."""
    return unicodedata.normalize("NFC", "".join(vocabulary.tokens[token] for token in tokens)).strip()


def _groups(tokens: Iterable[Token], vocabulary: Vocabulary) -> Iterator[list[Token]]:
    group: list[Token] = []
    for token in tokens:
        if token.index in vocabulary.delimiters:
            if group:
                yield group
            group = []
        elif token.index not in vocabulary.silent:
            group.append(token)
    if group:
        yield group


def _words(tokens: Sequence[Token], vocabulary: Vocabulary) -> Iterator[HeardWord]:
    """Yield the words between two delimiters: several in scripts without spaces."""
    parts = [vocabulary.tokens[token.index] for token in tokens]
    begins = [word.first for word in spelled_words(parts)][1:] if is_unspaced("".join(parts)) else []
    for first, stop in pairwise([0, *begins, len(tokens)]):
        text = unicodedata.normalize("NFC", "".join(parts[first:stop]))
        text = text if first else text.lstrip()
        text = text if stop < len(parts) else text.rstrip()
        probability = mean_probability([token.probability for token in tokens[first:stop]])
        yield HeardWord(text, tokens[first].start, tokens[stop - 1].stop, probability, spaced=not first)
