"""Words to cues: of all ways to cut them the one with the fewest points, by dynamic programming over the words.

A cue has points for being one more, for where it ends, for a pause or the end of a sentence inside it, and for being
shown too short to be read. The time taken is linear in the words, since a cue holds only so many.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf

from ..types import Word
from .breaking import break_costs, cells, closings

UNEVEN = 20.0  # points of a line that is longer or shorter than the mean by a whole width
LEAST_S = 1.0  # seconds that a cue is shown at least, where there is room
SPEED = 20  # cells a second that people read with ease
GAP_S = 0.08  # seconds between two cues, so that the eye sees the change: two frames of a film
CLOSED_S = 0.5  # seconds: a cue stays until the next one across a shorter gap, which would flicker
SILENCE_S = 1.2  # seconds of a pause that ends a cue
BREATH_S = 0.2  # seconds of a pause inside a cue that have no points

# Points
CUE = 3.0  # for one cue more
JOINED = 4.0  # for the end of a sentence inside a cue: more than `CUE`, so that sentences are joined in need only
PAUSED = 6.0  # for a second of pause inside a cue, beyond `BREATH_S`
FULL = 4.0  # for a full cue; by the square, so that long sentences fall into even parts
ORPHAN = 5.0  # for a single word that is no sentence
LACKING = 20.0  # for each second that a cue is shown too short to be read


@dataclass(frozen=True, slots=True)
class CueLimits:
    """The most that a cue may hold: cells of a line, lines, words of a line, and seconds."""

    width: int
    lines: int
    words: int
    seconds: float


class Ruler:
    """Measures runs `[first, stop)` of words and breaks them into lines; `costs` are the points behind each."""

    def __init__(self, words: Sequence[Word], costs: Sequence[float], limits: CueLimits) -> None:
        self._spaces = [int(word.spaced) for word in words]
        sizes = (cells(word.text) + space for word, space in zip(words, self._spaces, strict=True))
        self._reach = list(accumulate(sizes, initial=0))
        self._costs = costs
        self._limits = limits

    def cells(self, first: int, stop: int) -> int:
        """Return the width in cells of the words on one line."""
        return self._reach[stop] - self._reach[first] - self._spaces[first]

    def fits(self, first: int, stop: int) -> bool:
        """Return whether the words fit on one line; a single word always does."""
        one = stop - first == 1
        return one or (stop - first <= self._limits.words and self.cells(first, stop) <= self._limits.width)

    def line_count(self, first: int, stop: int) -> int:
        """Return how many lines the words need at least."""
        count, begin = 1, first
        for index in range(first, stop):
            if not self.fits(begin, index + 1):
                count, begin = count + 1, index
        return count

    def lines(self, first: int, stop: int) -> list[tuple[int, int]]:
        """Return as few lines as possible, with the fewest points for breaks and for uneven widths."""
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


class CueCutter:
    """Cuts the words of a transcript; `ends` are the indices of segments' last words, `room_s` the recording's end."""

    def __init__(
        self, words: Sequence[Word], ends: Collection[int], language: str, limits: CueLimits, room_s: float
    ) -> None:
        self._words, self._limits = words, limits
        self._costs = break_costs(words, ends, language)
        self.ruler = Ruler(words, self._costs, limits)
        self._full = closings(words)
        self._inside = list(accumulate(map(self._joining_cost, range(len(words))), initial=0.0))
        self._room_s = room_s

    def cues(self) -> list[tuple[int, int]]:
        """Return the cues in order as runs `[first, stop)` of the words."""
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
        """Return the start and end of a cue in seconds: it stays longer than it is spoken, where there is room."""
        start, end = self._words[first].start, self._words[stop - 1].end
        room = self._words[stop].start - GAP_S if stop < len(self._words) else self._room_s
        wanted = start + self._reading_s(first, stop)
        if stop < len(self._words) and room - end < CLOSED_S:
            wanted = room
        return start, min(max(end, min(wanted, room)), start + self._limits.seconds)

    def _reading_s(self, first: int, stop: int) -> float:
        return max(LEAST_S, self.ruler.cells(first, stop) / SPEED)

    def _stops(self, first: int) -> Iterator[int]:
        """Yield each `stop` that a cue beginning with the word `first` may have."""
        lines, begin = 1, first
        for index in range(first, len(self._words)):
            if not self.ruler.fits(begin, index + 1):
                lines, begin = lines + 1, index
            if index > first and (lines > self._limits.lines or self._parted(first, index)):
                return
            yield index + 1

    def _parted(self, first: int, index: int) -> bool:
        """Return whether a word cannot be in the cue that begins with `first`: it ends late or after a silence."""
        word = self._words[index]
        silent = self._pause(index - 1) >= SILENCE_S
        return silent or word.end - self._words[first].start > self._limits.seconds

    def _joining_cost(self, index: int) -> float:
        """Return the points for having a word and the next one in the same cue."""
        if index + 1 == len(self._words):
            return 0.0
        return JOINED * self._full[index] + PAUSED * max(0.0, self._pause(index) - BREATH_S)

    def _pause(self, index: int) -> float:
        """Return the seconds of silence behind a word that is not the last."""
        return self._words[index + 1].start - self._words[index].end

    def _cue_cost(self, first: int, stop: int) -> float:
        start, end = self.shown(first, stop)
        lacking = self._reading_s(first, stop) - (end - start)
        full = self.ruler.cells(first, stop) / (self._limits.width * self._limits.lines)
        points = CUE + FULL * full * full + self._costs[stop - 1] + self._inside[stop - 1] - self._inside[first]
        orphan = stop - first == 1 and not self._full[first]
        return points + LACKING * max(0.0, lacking) + ORPHAN * orphan
