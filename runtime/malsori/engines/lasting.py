"""Times of words that last: a step of time at least for each, taken from its neighbours where it must be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

STEP = 0.02  # seconds, of Whisper's times as of wav2vec2's frames

Times: TypeAlias = tuple[float, float]  # start and end, seconds


def lasting(times: Sequence[Times], earliest: float, latest: float) -> list[Times]:
    """Return the times with a step at least for each word: from the end of the one before it, else from those behind.

    Words without length come of attention that reaches two at once, and of words in silence. Where the bounds have no
    room for a step each, all have as much as there is; where they have none, the words go beyond.
    """
    room, count = latest - earliest, max(len(times), 1)
    least = min(STEP, room / count) if room > 0 else STEP
    latest = max(latest, earliest + least * count)
    backward: list[Times] = []
    for start, end in reversed(times):
        latest = min(end, latest)
        backward.append((min(start, latest - least), latest))
        latest = backward[-1][0]
    forward: list[Times] = []
    for start, end in reversed(backward):
        start = max(start, earliest)
        earliest = max(end, start + least)
        forward.append((start, earliest))
    return forward
