"""Where something sounds in a clip, by its loudness alone. Whether that is speech is no question for this file.

`engines/ctc/silence.py` looks for the closures of stops, with a threshold from the two seconds around. Here one serves
the whole clip, so that a long stretch of nothing is silence too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...types import SAMPLE_RATE, Audio

FRAME = SAMPLE_RATE // 100  # samples, 10 ms
SHORTEST = 0.05  # seconds of silence from which on it counts; shorter ones are parts of words
DEEPEST = 40.0  # dB below the loudest; what is quieter counts as this, digital silence is infinitely deep
SHARE = 0.35  # of the way from the quietest to the loudest, in dB
FLAT = 12.0  # dB from the quietest to the loudest, below which there is nothing to tell apart


def sounding(audio: Audio) -> list[tuple[float, float]]:
    """Return where something sounds, seconds, ascending and apart; the whole clip where nothing stands out of it.

    What is silent at either end is left out, a silence between two sounds only from `SHORTEST` on. Example, with `.`
    for silence:

        ..aaa.aaa......bb..  ->  [aaa.aaa], [bb]
    """
    duration = len(audio) / SAMPLE_RATE
    loud = _loud(_levels(audio))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(np.int8))).reshape(-1, 2)
    spans: list[tuple[float, float]] = []
    for first, stop in (edges * FRAME / SAMPLE_RATE).tolist():
        if spans and first - spans[-1][1] < SHORTEST - FRAME / SAMPLE_RATE / 2:
            first = spans.pop()[0]
        spans.append((first, min(stop, duration)))
    return spans


def _levels(audio: Audio) -> NDArray[np.float64]:
    """Return the power of each frame in dB, the last one filled up with zeros."""
    frames = np.pad(audio, (0, -len(audio) % FRAME)).reshape(-1, FRAME)
    levels: NDArray[np.float64] = 10 * np.log10(np.square(frames, dtype=np.float64).mean(axis=1) + 1e-12)
    return levels


def _loud(levels: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each frame whether something sounds in it."""
    if not len(levels):
        return np.zeros(0, np.bool_)
    quietest, loudest = np.percentile(levels, (5, 95))
    quietest = max(quietest, loudest - DEEPEST)
    if loudest - quietest < FLAT:
        return np.ones(len(levels), np.bool_)
    loud: NDArray[np.bool_] = levels >= quietest + SHARE * (loudest - quietest)
    return loud
