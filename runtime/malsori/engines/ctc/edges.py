"""Where words begin and end in the sound: from the frames of their tokens, and the silences around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...types import SAMPLE_RATE, Audio
from .frames import Frames

HOP = SAMPLE_RATE // 200  # 5 ms
SHORTEST = 4  # hops; the dips between the pulses of a low voice are shorter
BLOCK = 100  # hops that share a threshold: 0.5 s
AROUND = 4  # blocks on either side that count for a threshold
DEEPEST = 40.0  # dB below the loudest hops, the least level that counts; digital silence would be infinitely deep
SHARE = 0.35  # of the way from the quietest to the loudest, in dB
FLAT = 12.0  # dB from the quietest to the loudest, below which nothing counts as silence
LATE = 0.03  # seconds by which a word's sound may begin behind the middle of its first frame
CLOSURE = 0.08  # seconds; the same where that frame is silent, as in the closure of a stop
LEAD = 1.0  # seconds by which it may begin before that middle at most: some models emit tokens late
TAIL = 0.3  # seconds by which it may end behind the middle of its last frame at most
SHORT_TAIL = 0.06  # seconds; the same for the last word where no silence follows


@dataclass(frozen=True, slots=True)
class Silences:
    """Silences, in seconds, ascending: float64 `(n,)` each."""

    starts: NDArray[np.float64]
    stops: NDArray[np.float64]

    @classmethod
    def of(cls, audio: Audio) -> Silences:
        """Find the silences of at least `SHORTEST` hops."""
        levels = _levels(audio)
        silent = np.concatenate([[False], levels < _thresholds(levels), [False]])
        edges = np.flatnonzero(silent[1:] != silent[:-1]).reshape(-1, 2)
        kept = edges[edges[:, 1] - edges[:, 0] >= SHORTEST].astype(np.float64) * HOP / SAMPLE_RATE
        return cls(kept[:, 0], kept[:, 1])

    def between(self, start: float, stop: float) -> tuple[float, float] | None:
        """Return start and stop of the longest silence that ends in `[start, stop]`, None where there is none."""
        first, last = np.searchsorted(self.stops, (start, stop), side="right")
        if first >= last:
            return None
        longest = first + int((self.stops[first:last] - self.starts[first:last]).argmax())
        return float(self.starts[longest]), float(self.stops[longest])

    def next(self, time: float) -> tuple[float, float]:
        """Return start and stop of the first silence that ends after `time`, both infinite where there is none."""
        index = int(np.searchsorted(self.stops, time, side="right"))
        if index == len(self.stops):
            return np.inf, np.inf
        return float(self.starts[index]), float(self.stops[index])


def _levels(audio: Audio) -> NDArray[np.float64]:
    """Return the power of each whole hop in dB."""
    hops = audio[: len(audio) // HOP * HOP].reshape(-1, HOP)
    levels: NDArray[np.float64] = 10 * np.log10(np.square(hops).mean(axis=1) + 1e-12)
    return levels


def _thresholds(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each hop the level below which it is silent."""
    thresholds = np.empty(len(levels))
    for start in range(0, len(levels), BLOCK):
        near = levels[max(0, start - AROUND * BLOCK) : start + (AROUND + 1) * BLOCK]
        quiet, loud = np.percentile(near, (5, 95))
        quiet = max(quiet, loud - DEEPEST)
        thresholds[start : start + BLOCK] = quiet + SHARE * (loud - quiet) if loud - quiet > FLAT else -np.inf
    return thresholds


def word_edges(
    first: NDArray[np.intp], last: NDArray[np.intp], frames: Frames, silences: Silences, duration: float
) -> NDArray[np.float64]:
    """Return starts and ends in seconds, float64 `(words, 2)`, ascending.

    `first` and `last` are the first and last frame of each word, `duration` is that of the whole sound in seconds.
    """
    half = frames.stride / SAMPLE_RATE / 2
    begins, ends = ([frames.edge(frame) + half for frame in side.tolist()] for side in (first, last))
    edges = np.empty((len(first), 2))
    for index, (left, right) in enumerate(zip([-np.inf, *ends], begins, strict=False)):
        before, after = _silence(max(left, right - LEAD), right, silences) or (right - half, right - half)
        edges[index - 1, 1] = min(before, left + TAIL)  # for index 0 this is the last word's, set below
        edges[index, 0] = max(after, right - LEAD)
    before, _ = silences.next(ends[-1])
    edges[-1, 1] = before if before <= ends[-1] + TAIL else ends[-1] + SHORT_TAIL
    edges = _rising(edges, duration)
    # A word whose frames are all silent lasts as long as they do.
    lost = edges[:, 0] == edges[:, 1]
    edges[lost, 1] = np.array([frames.edge(frame + 1) for frame in last[lost].tolist()])
    return _rising(edges, duration)


def _rising(edges: NDArray[np.float64], duration: float) -> NDArray[np.float64]:
    rising: NDArray[np.float64] = np.maximum.accumulate(edges.clip(0, duration).ravel()).reshape(-1, 2)
    return rising


def _silence(left: float, right: float, silences: Silences) -> tuple[float, float] | None:
    """Return the silence in front of a word whose frames begin at `right`, None where there is none."""
    found = silences.between(left, right + LATE)
    if found is not None:
        return found
    start, stop = silences.next(right)
    return (start, stop) if start <= right and stop <= right + CLOSURE else None
