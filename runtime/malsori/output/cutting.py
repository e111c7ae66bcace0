"""Words to cues: of all the ways to cut them, the one that reads best, by dynamic programming over the words.

Each cue has points against it: for being one more, for where it ends, for a pause or the end of a sentence inside it,
for time that its reader lacks. The time taken grows with the words, as no cue holds more than its lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf

from ..types import Word
from .breaking import break_costs, cells, closings

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


LEAST_S = 1.0  # seconds that a cue is shown, where there is room
SPEED = 20  # cells a second that are read with ease
GAP_S = 0.08  # seconds between two cues, so that the eye sees the change: two frames of a film
CLOSED_S = 0.5  # seconds without speech before the next cue in which the last one stays: a flicker would be worse
SILENCE_S = 1.2  # of a pause that no cue holds
BREATH_S = 0.2  # of a pause that nobody minds

# Points
CUE = 3.0  # of one cue more
JOINED = 4.0  # of the end of a sentence inside a cue: more than a cue, so that sentences are joined in need only
PAUSED = 6.0  # of a second of pause inside a cue, beyond `BREATH_S`
FULL = 4.0  # of a full cue; by the square, so that long sentences fall into even parts
ORPHAN = 5.0  # of a word alone that is no sentence
LACKING = 20.0  # of a second that the reader of a cue lacks


class CueCutter:
    """Cuts the words of one transcript; `ends` are the indices of the segments' last words, `room_s` where all ends."""

    def __init__(
        self, words: Sequence[Word], ends: Collection[int], language: str, limits: CueLimits, room_s: float
    ) -> None:
        self._words, self._limits = words, limits
        self._costs = break_costs(words, ends, language)
        self.ruler = Ruler(words, self._costs, limits)
        self._full = closings(words)
        self._inside = list(accumulate(map(self._kept, range(len(words))), initial=0.0))
        self._room_s = room_s

    def cues(self) -> list[tuple[int, int]]:
        """Return the cues as stretches `[first, stop)` of the words, all of them in order."""
        count = len(self._words)
        best, begins = [0.0, *[inf] * count], [0] * (count + 1)
        for first in range(count):
            for stop in self._stops(first):
                total = best[first] + self._cue_cost(first, stop)
                if total < best[stop]:
                    best[stop], begins[stop] = total, first
        found: list[tuple[int, int]] = []
        stop = count
        while stop:
            found.append((begins[stop], stop))
            stop = begins[stop]
        return found[::-1]

    def shown(self, first: int, stop: int) -> tuple[float, float]:
        """Return the seconds from which to which a cue is shown: longer than it is spoken, where there is room."""
        start, end = self._words[first].start, self._words[stop - 1].end
        room = self._words[stop].start - GAP_S if stop < len(self._words) else self._room_s
        wanted = start + self._needed(first, stop)
        if stop < len(self._words) and room - end < CLOSED_S:
            wanted = room
        return start, min(max(end, min(wanted, room)), start + self._limits.seconds)

    def _needed(self, first: int, stop: int) -> float:
        return max(LEAST_S, self.ruler.cells(first, stop) / SPEED)

    def _stops(self, first: int) -> Iterator[int]:
        """Yield where a cue that begins with a word may end: behind that word at least."""
        lines, begin = 1, first
        for index in range(first, len(self._words)):
            if not self.ruler.fits(begin, index + 1):
                lines, begin = lines + 1, index
            if index > first and (lines > self._limits.lines or self._parted(first, index)):
                return
            yield index + 1

    def _parted(self, first: int, index: int) -> bool:
        """Whether a word cannot be in the cue of an earlier one: it ends too late, or follows a silence."""
        word = self._words[index]
        silent = self._pause(index - 1) >= SILENCE_S
        return silent or word.end - self._words[first].start > self._limits.seconds

    def _kept(self, index: int) -> float:
        """Return the points of having what is behind a word in the same cue."""
        if index + 1 == len(self._words):
            return 0.0
        return JOINED * self._full[index] + PAUSED * max(0.0, self._pause(index) - BREATH_S)

    def _pause(self, index: int) -> float:
        """Return the seconds of silence behind a word that is not the last."""
        return self._words[index + 1].start - self._words[index].end

    def _cue_cost(self, first: int, stop: int) -> float:
        start, end = self.shown(first, stop)
        lacking = self._needed(first, stop) - (end - start)
        full = self.ruler.cells(first, stop) / (self._limits.width * self._limits.lines)
        points = CUE + FULL * full * full + self._costs[stop - 1] + self._inside[stop - 1] - self._inside[first]
        orphan = stop - first == 1 and not self._full[first]
        return points + LACKING * max(0.0, lacking) + ORPHAN * orphan
