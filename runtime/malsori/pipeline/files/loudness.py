"""The loudness of a recording in steps of 0.1 s: whether the sound that was left out resembles speech."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...types import SAMPLE_RATE, Audio, Span

STEP = SAMPLE_RATE // 10  # 1600 samples: a tenth of a second, of which there are two in a syllable
AUDIBLE = -65  # dBFS; a quiet room, and speech that is far away, are louder
RISE = 6  # dB above the quietest tenth: steady noise stays below
AROUND = 10  # steps on either side, a second, that a step is compared with
LOW = 0.25  # of the mean power around it: a step with less is a dip, as between words and syllables
DIPS = 0.3  # of the steps around it, at least, in speech
SHARE = 0.25  # of the steps, audible in a recording from which on it `sounds`


@dataclass(frozen=True, slots=True)
class Missed:
    """Sound left out that resembles speech: seconds, their share of all audible sound, and where it begins."""

    seconds: float
    share: float
    first: float


class Loudness:
    """Blocks of any size in; keeps the level of each step, in whole dB of full scale."""

    def __init__(self) -> None:
        self._levels = array("b")
        self._rest: Audio = np.zeros(0, np.float32)

    def push(self, block: Audio) -> None:
        """Take a block."""
        sound = np.concatenate([self._rest, block]) if len(self._rest) else block
        steps = len(sound) // STEP
        self._rest = sound[steps * STEP :].copy()
        power = np.square(sound[: steps * STEP].reshape(steps, STEP), dtype=np.float64).mean(axis=1)
        self._levels.extend(np.round(10 * np.log10(np.maximum(power, 1e-12))).astype(int).tolist())

    @property
    def levels(self) -> NDArray[np.int8]:
        """The level of each step so far."""
        return np.array(self._levels, np.int8)

    @property
    def sounds(self) -> bool:
        """Whether a quarter of the steps are audible."""
        levels = self.levels
        return bool(len(levels)) and float((levels > AUDIBLE).mean()) > SHARE

    @property
    def silent(self) -> bool:
        """Whether no step is audible."""
        return not (self.levels > AUDIBLE).any()

    def missed(self, spans: Iterable[Span]) -> Missed:
        """Return how much of some ascending spans is louder than the background and has pauses, as speech does.

        Speech has pauses, so that many of its steps lie far below the mean around them; music and noise have few such
        dips (Scheirer & Slaney 1997, "percentage of low-energy frames"). Of a talk with music before and behind it 5 %
        of what is audible counts, at any level of the music; of speech that the gate missed all but its ends. Its level
        against other speech does not matter: a speaker far away is 30 dB quieter than a near one.
        """
        levels = self.levels
        heard = levels > max(AUDIBLE, self._quietest(levels) + RISE)
        speech = heard & (_dips(levels) >= DIPS)
        inside = np.zeros(len(levels), np.bool_)
        for span in spans:
            inside[-(-span.start // STEP) : span.stop // STEP] = True
        places = np.flatnonzero(speech & inside)
        first = float(places[0]) * STEP / SAMPLE_RATE if len(places) else 0.0
        return Missed(len(places) * STEP / SAMPLE_RATE, len(places) / max(1, int(heard.sum())), first)

    def _quietest(self, levels: NDArray[np.int8]) -> float:
        """Return the level that a tenth of the steps do not exceed."""
        return float(np.percentile(levels, 10)) if len(levels) else float(AUDIBLE)


def _dips(levels: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return for each step which share of the steps around it are dips, itself among them."""
    width = 2 * AROUND + 1
    power = np.pad(10.0 ** (levels / 10.0), AROUND, mode="edge") if len(levels) else np.zeros(2 * AROUND)
    means = np.convolve(power, np.full(width, 1 / width), "valid")
    counts = np.zeros(len(levels))
    for shift in range(width):
        counts += power[shift : shift + len(levels)] < LOW * means[: len(levels)]
    return counts / width
