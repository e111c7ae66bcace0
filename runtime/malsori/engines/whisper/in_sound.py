"""Times of words moved to where something sounds: they ascend, and part at pauses."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from ..lasting import Times

REACH = 0.15  # seconds from the end of a word, by attention, to the pause that it may end at instead


def ascending(times: Sequence[Times], earliest: float, latest: float) -> list[Times]:
    """Return the times within bounds, none before what precedes it."""
    rising: list[Times] = []
    for start, end in times:
        start = max(earliest, min(start, latest))
        earliest = max(start, min(end, latest))
        rising.append((start, earliest))
    return rising


def parted(times: Sequence[Times], spans: Sequence[Times]) -> list[Times]:
    """Return the times with words that meet near a pause moved to its two sides, unless that takes all of a word.

    Example, with `.` for silence, at a `REACH` of three letters:

        sound  aaaaaa....bbbbbb        sound  aaaaaa....bbbbbb
        words  [   a   ][  b   ]  ->   words  [ a  ]    [ b  ]
    """
    moved = list(times)
    pauses = [(before[1], after[0]) for before, after in pairwise(spans)]
    for index, ((start, meeting), (behind, end)) in enumerate(pairwise(times)):
        near = [
            pause
            for pause in pauses
            if distance(meeting, pause) <= REACH and start < pause[0] and pause[1] < end and meeting == behind
        ]
        if near:
            before, after = min(near, key=lambda pause: distance(meeting, pause))
            moved[index] = (moved[index][0], before)
            moved[index + 1] = (after, end)
    return moved


def distance(time: float, span: Times) -> float:
    """Return how many seconds a time is away from a span."""
    return max(span[0] - time, time - span[1], 0.0)


def in_sound(times: Sequence[Times], spans: Sequence[Times]) -> list[Times]:
    """Return the times with starts moved on and ends moved back to the nearest sound.

    A word that lies in silence has no length: it is where the sound before it ended, or else the next one begins.
    """
    begins, ends = [span[0] for span in spans], [span[1] for span in spans]
    heard: list[Times] = []
    for start, end in times:
        after, before = bisect_right(ends, start), bisect_left(begins, end) - 1
        sounds = max(start, begins[after]) if after < len(spans) else ends[-1]
        falls_silent = min(end, ends[before]) if before >= 0 else begins[0]
        heard.append((min(sounds, falls_silent), falls_silent))
    return ascending(heard, begins[0], ends[-1])
