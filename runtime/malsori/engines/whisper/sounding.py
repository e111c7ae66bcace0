"""The spans of a clip that are not silent, by loudness alone, and word times moved out of the silences.

Whether the sound is speech is not decided here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...joining import Times
from ...types import SAMPLE_RATE, Audio

FRAME = SAMPLE_RATE // 100  # samples, 10 ms
SHORTEST_SILENCE_S = 0.05  # seconds; shorter silences are parts of words
DEEPEST_DB = 40.0  # dB below the loudest frames, the least level that counts; digital silence would be infinitely deep
SHARE = 0.35  # of the way from the quietest to the loudest, in dB
FLAT_DB = 12.0  # dB from the quietest to the loudest, below which nothing counts as silence
SNAP_S = 0.15  # seconds from a word's edge, by attention, to the pause that it is moved to


def sounding(audio: Audio) -> list[tuple[float, float]]:
    """Return the spans that are not silent, in seconds, ascending and apart; the whole clip where levels hardly differ.

    Silence at either end is left out, between two sounds only from `SHORTEST_SILENCE_S` on. Example, `.` for silence:

        ..aaa.aaa......bb..  ->  [aaa.aaa], [bb]
    """
    duration = len(audio) / SAMPLE_RATE
    loud = _loud(_levels(audio))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(np.int8))).reshape(-1, 2)
    spans: list[tuple[float, float]] = []
    for first, stop in (edges * FRAME / SAMPLE_RATE).tolist():
        if spans and first - spans[-1][1] < SHORTEST_SILENCE_S - FRAME / SAMPLE_RATE / 2:
            first = spans.pop()[0]
        spans.append((first, min(stop, duration)))
    return spans


def _levels(audio: Audio) -> NDArray[np.float64]:
    """Return the power of each frame in dB, the last one filled up with zeros."""
    frames = np.pad(audio, (0, -len(audio) % FRAME)).reshape(-1, FRAME)
    levels: NDArray[np.float64] = 10 * np.log10(np.square(frames, dtype=np.float64).mean(axis=1) + 1e-12)
    return levels


def _loud(levels: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each frame whether it is not silent."""
    if not len(levels):
        return np.zeros(0, np.bool_)
    quietest, loudest = np.percentile(levels, (5, 95))
    quietest = max(quietest, loudest - DEEPEST_DB)
    if loudest - quietest < FLAT_DB:
        return np.ones(len(levels), np.bool_)
    loud: NDArray[np.bool_] = levels >= quietest + SHARE * (loudest - quietest)
    return loud


def ascending(times: Sequence[Times], earliest: float, latest: float) -> list[Times]:
    """Return the times clipped between two bounds, none starting before the end of the one in front."""
    rising: list[Times] = []
    for start, end in times:
        start = max(earliest, min(start, latest))
        earliest = max(start, min(end, latest))
        rising.append((start, earliest))
    return rising


def parted(times: Sequence[Times], spans: Sequence[Times]) -> list[Times]:
    """Return the times with adjacent words at a pause moved to its two sides, unless that takes all of a word.

    Example, with `.` for silence, at a `SNAP_S` of three letters:

        sound  aaaaaa....bbbbbb        sound  aaaaaa....bbbbbb
        words  [   a   ][  b   ]  ->   words  [ a  ]    [ b  ]
    """
    moved = list(times)
    pauses = [(before[1], after[0]) for before, after in pairwise(spans)]
    for index, ((start, meeting), (behind, end)) in enumerate(pairwise(times)):
        near = [
            pause
            for pause in pauses
            if distance(meeting, pause) <= SNAP_S and start < pause[0] and pause[1] < end and meeting == behind
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
    """Return the times with starts in silence moved on, and ends in silence moved back, to the nearest sound.

    A word wholly in silence gets no length, at the end of the sound before it or else the start of the first sound.
    """
    begins, ends = [span[0] for span in spans], [span[1] for span in spans]
    heard: list[Times] = []
    for start, end in times:
        after, before = bisect_right(ends, start), bisect_left(begins, end) - 1
        sounds = max(start, begins[after]) if after < len(spans) else ends[-1]
        falls_silent = min(end, ends[before]) if before >= 0 else begins[0]
        heard.append((min(sounds, falls_silent), falls_silent))
    return ascending(heard, begins[0], ends[-1])
