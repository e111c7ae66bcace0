"""Where an utterance that has become long is let go of: the sound before a committed word, and the words in it.

A sentence stays whole, if there is time: a window that begins in the middle of one is read worse. So the place is a
pause. Some committed words stay with their sound, and the next window is read behind them: a word near the cut is
neither heard twice nor lost, even where attention does not say quite right when it was spoken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..lasting import Times

KEPT = 2  # committed words that stay in front of what is read on
REACH = 0.25  # seconds from where a word ends, by attention, to a pause that is meant
PAUSE = 0.2  # seconds of silence that separate sentences; the closure of a stop is shorter
BEST_PAUSE = 0.5  # seconds from which on no pause is better than another
FRESH = 1.0  # seconds at the end of the sound that are too fresh to cut there
RECENT = 5.0  # seconds that stay where there is no pause


@dataclass(frozen=True, slots=True)
class Cut:
    """Let go of the first `words` and of the sound before `at`, in seconds from its start."""

    words: int
    at: float


def pauses(sounding: Sequence[Times]) -> bool:
    """Return whether there is any silence that may separate sentences."""
    return any(rises - falls >= PAUSE for (_, falls), (rises, _) in pairwise(sounding))


def at_pause(times: Sequence[Times], committed: int, sounding: Sequence[Times], least: float) -> Cut | None:
    """Return the longest pause between committed words, of equal ones the latest; None where there is none.

    `times` are the words', of which the first are `committed`; `sounding` is where something sounds. The pause lies at
    least `least` seconds into the sound, and `KEPT` committed words behind it.
    """
    found = [
        (min(rises - falls, BEST_PAUSE), Cut(index, (falls + rises) / 2))
        for index, end in _places(times, committed, least)
        for (_, falls), (rises, _) in pairwise(sounding)
        if rises - falls >= PAUSE and falls - REACH <= end <= rises + REACH
    ]
    return max(found, key=lambda place: (place[0], place[1].at))[1] if found else None


def anywhere(times: Sequence[Times], committed: int, least: float) -> Cut | None:
    """Return the latest place between committed words, `KEPT` of them behind it; None where there is none."""
    places = [Cut(index, end) for index, end in _places(times, committed, least)]
    return places[-1] if places else None


def _places(times: Sequence[Times], committed: int, least: float) -> Iterator[tuple[int, float]]:
    """Yield how many words might be let go of, and where the last of them ends."""
    for index in range(1, min(committed, len(times)) - KEPT + 1):  # no times where nothing was to be heard
        if times[index - 1][1] >= least:
            yield index, times[index - 1][1]


def by_force(times: Sequence[Times], sounding: Sequence[Times], seconds: float) -> Cut:
    """Return where to cut and how many words to commit where none has been for long: all before the last pause.

    The pause is in the second half of the sound's `seconds`, and not in the last `FRESH` of it. Without one, the place
    is behind the last word that ends before the last `RECENT` seconds, or where those begin.
    """
    pauses = [
        (falls + rises) / 2
        for (_, falls), (rises, _) in pairwise(sounding)
        if rises - falls >= PAUSE and seconds / 2 <= falls and rises <= seconds - FRESH
    ]
    limit = pauses[-1] + REACH if pauses else seconds - RECENT
    words = sum(end <= limit for _, end in times)
    if pauses:
        return Cut(words, pauses[-1])
    last = times[words - 1][1] if words else 0.0
    return Cut(words, last if last >= seconds / 2 else limit)
