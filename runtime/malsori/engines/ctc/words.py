"""From tokens to words, at the word delimiters. Positions are frames, never seconds.

tokens   a a | b      at frames 1, 4, 5..6, 7
words    "aa" frames 1..5, "b" frames 7..8
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ...types import SAMPLE_RATE, LeftOut, Segment, Span, mean_probability
from .tokens import Token
from .vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class HeardWord:
    """One word: NFC text, frames `[start, stop)`, and the geometric mean of its tokens' posteriors."""

    text: str
    start: int
    stop: int
    probability: float


def words_of(tokens: Iterable[Token], vocabulary: Vocabulary) -> list[HeardWord]:
    """Join tokens into words at the delimiters; special tokens are dropped, and so are words with no text.

    The text is composed (NFC), so that a model may emit conjoining jamo and the reader still gets syllables.
    """
    words = (_join(group, vocabulary) for group in _groups(tokens, vocabulary))
    return [word for word in words if word.text]


def wordless(segments: Iterable[Segment], least: float = 3.0) -> Iterator[LeftOut]:
    """Yield what lies between two words of a segment, or of two, where that has `least` seconds and more."""
    words = [word for segment in segments for word in segment.words]
    for before, behind in pairwise(words):
        if behind.start - before.end >= least:
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


def _join(tokens: Sequence[Token], vocabulary: Vocabulary) -> HeardWord:
    text = text_of((token.index for token in tokens), vocabulary)
    probability = mean_probability([token.probability for token in tokens])
    return HeardWord(text, tokens[0].start, tokens[-1].stop, probability)
