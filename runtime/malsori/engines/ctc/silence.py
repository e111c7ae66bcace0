"""Where a recording is silent between its sounds: pauses, and the closures of stops such as ㄱ, p or t.

Silent is what lies nearer to the quietest than to the loudest of the two seconds around it, so that silence is found in
a room's noise too. Whether a sound is speech is no question for this file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...types import SAMPLE_RATE, Audio

HOP = SAMPLE_RATE // 200  # 5 ms
SHORTEST = 4  # hops; the dips between the pulses of a low voice are shorter
BLOCK = 100  # hops that share a threshold: 0.5 s
AROUND = 4  # blocks on either side that a threshold is taken from
DEEPEST = 40.0  # dB below the loudest that still count; digital silence is infinitely deep
SHARE = 0.35  # of the way from the quietest to the loudest, in dB
FLAT = 12.0  # dB from the quietest to the loudest, below which there is nothing to tell apart


@dataclass(frozen=True, slots=True)
class Silences:
    """Stretches without sound, in seconds, in order: float64 `(n,)` each."""

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
        """Return the longest one that ends in `[start, stop]`, None where there is none."""
        first, last = np.searchsorted(self.stops, (start, stop), side="right")
        if first >= last:
            return None
        longest = first + int((self.stops[first:last] - self.starts[first:last]).argmax())
        return float(self.starts[longest]), float(self.stops[longest])

    def next(self, time: float) -> tuple[float, float]:
        """Return the first one that is not over at `time`, infinitely far away where there is none."""
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
