"""What fits on a line and in a cue, and how the words of one cue are best shared among its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from ..types import Word
from .scripts import cells

UNEVEN = 20.0  # points of a line that is a whole width longer or shorter than the mean


@dataclass(frozen=True, slots=True)
class CueLimits:
    """What a cue may hold: cells of a line, lines, words of a line, and seconds."""

    width: int
    lines: int
    words: int
    seconds: float


class Ruler:
    """Measures stretches `[first, stop)` of some words; `costs` are the points of a break behind each."""

    def __init__(self, words: Sequence[Word], costs: Sequence[float], limits: CueLimits) -> None:
        self._spaces = [int(word.spaced) for word in words]
        sizes = (cells(word.text) + space for word, space in zip(words, self._spaces, strict=True))
        self._reach = list(accumulate(sizes, initial=0))
        self._costs = costs
        self._limits = limits

    def cells(self, first: int, stop: int) -> int:
        """Return how wide the words are on one line."""
        return self._reach[stop] - self._reach[first] - self._spaces[first]

    def fits(self, first: int, stop: int) -> bool:
        """Whether the words are a line; a single one is, however wide."""
        one = stop - first == 1
        return one or (stop - first <= self._limits.words and self.cells(first, stop) <= self._limits.width)

    def line_count(self, first: int, stop: int) -> int:
        """Return the fewest lines that hold the words."""
        count, begin = 1, first
        for index in range(first, stop):
            if not self.fits(begin, index + 1):
                count, begin = count + 1, index
        return count

    def lines(self, first: int, stop: int) -> list[tuple[int, int]]:
        """Return the fewest lines, broken where it reads best and of much the same width."""
        count = self.line_count(first, stop)
        mean = self.cells(first, stop) / count
        found: dict[int, tuple[float, list[tuple[int, int]]]] = {first: (0.0, [])}
        for _ in range(count):
            longer: dict[int, tuple[float, list[tuple[int, int]]]] = {}
            for begin, (points, before) in found.items():
                for end in range(begin + 1, stop + 1):
                    if not self.fits(begin, end):
                        break
                    total = points + self._line_cost(begin, end, stop, mean)
                    if end not in longer or total < longer[end][0]:
                        longer[end] = total, [*before, (begin, end)]
            found = longer
        return found[stop][1]

    def _line_cost(self, first: int, end: int, stop: int, mean: float) -> float:
        uneven = (self.cells(first, end) - mean) / self._limits.width
        return UNEVEN * uneven * uneven + (self._costs[end - 1] if end < stop else 0.0)
