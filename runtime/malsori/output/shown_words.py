"""A segment's text in the smallest parts that a line may hold, each at its time.

Where its words have no times, or are not those of the text, the text takes the segment's time letter by letter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from ..types import Segment, Word
from .scripts import may_part

LONGEST_WORD = 12  # letters; a longer one in a text without spaces is several, of which the model knew no borders


def shown_words(segment: Segment) -> list[Word]:
    """Return the parts of a segment's text in order: `written` makes the text of them, its white space made single.

    Example: "東京に行く。OK then" heard as 東京 に 行く。 OK then  ->  東京 に 行く。OK then
    """
    letters = "".join(segment.text.split())
    heard = [Word("".join(word.text.split()), word.start, word.end, word.probability) for word in segment.words]
    heard = [word for word in heard if word.text]
    if "".join(word.text for word in heard) != letters:
        heard = [Word(letters, segment.start, segment.end, segment.confidence)]
    clock = _LetterTimes(heard)
    return [clock.placed(first, stop, spaced) for first, stop, spaced in _parts(segment.text, clock)]


class _LetterTimes:
    """When each letter of some words is spoken: those of one word share its time evenly."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = words
        self._begins = list(accumulate((len(word.text) for word in words), initial=0))
        self.text = "".join(word.text for word in words)

    def known(self, position: int) -> bool:
        """Whether a word ends before the letter at `position`."""
        return self._begins[self._index(position)] == position

    def inside(self, position: int) -> bool:
        """Whether the letter at `position` is in a word too long to be one."""
        return len(self._words[self._index(position)].text) > LONGEST_WORD

    def placed(self, first: int, stop: int, spaced: bool) -> Word:
        """Return the letters `[first, stop)` with their times."""
        probability = self._words[self._index(first)].probability
        return Word(self.text[first:stop], self._at(first, first), self._at(stop - 1, stop), probability, spaced)

    def _index(self, letter: int) -> int:
        return bisect_right(self._begins, letter, hi=len(self._words)) - 1

    def _at(self, letter: int, position: int) -> float:
        """Return the time of a position, from 0, at one of the edges of a letter."""
        index = self._index(letter)
        word = self._words[index]
        return word.start + (word.end - word.start) * (position - self._begins[index]) / len(word.text)


def _parts(text: str, clock: _LetterTimes) -> Iterator[tuple[int, int, bool]]:
    """Yield each part's first letter, the one behind it, both counted without spaces, and whether a space precedes."""
    begin = 0
    for token in text.split():
        stop = begin + len(token)
        cuts = [
            position
            for position in range(begin + 1, stop)
            if _parted(clock.text[position - 1], clock.text[position], position, clock)
        ]
        edges = [begin, *cuts, stop]
        for first, last in pairwise(edges):
            yield first, last, first == begin
        begin = stop


def _parted(before: str, after: str, position: int, clock: _LetterTimes) -> bool:
    if before.isascii() and after.isascii():
        return False
    known = clock.known(position)
    return (known or clock.inside(position)) and may_part(before, after, known=known)
