"""How loud a recording is over its length: whether what the gate left out may hold speech that it does not know."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ..types import SAMPLE_RATE, Audio

STEP = SAMPLE_RATE // 10  # 1600 samples: a tenth of a second, of which there are two in a syllable
AUDIBLE = -65  # dBFS; a quiet room, and speech that is far away, are louder
RISE = 6  # dB above the quietest tenth: steady noise stays below
SHARE = 0.25  # of the steps that rise, at least, where somebody may speak: 41 % and more in speech, 21 % in noise


class Loudness:
    """Blocks of any size in; kept is how many steps had which level, in whole dB below full scale."""

    def __init__(self) -> None:
        self._levels: Counter[int] = Counter()
        self._rest: Audio = np.zeros(0, np.float32)

    def push(self, block: Audio) -> None:
        """Take a block."""
        sound = np.concatenate([self._rest, block]) if len(self._rest) else block
        steps = len(sound) // STEP
        self._rest = sound[steps * STEP :].copy()
        power = np.square(sound[: steps * STEP].reshape(steps, STEP), dtype=np.float64).mean(axis=1)
        self._levels.update(np.round(10 * np.log10(np.maximum(power, 1e-12))).astype(int).tolist())

    @property
    def sounds(self) -> bool:
        """Whether a quarter of it is to be heard at all."""
        return self._share(AUDIBLE) > SHARE

    @property
    def varies(self) -> bool:
        """Whether it is to be heard and comes and goes, as speech does, and music, and a room in which things happen.

        Of recordings of at least ten seconds, all 80 of speech and none of noise that does not stop are like that.
        """
        return self._share(max(AUDIBLE, self._quietest + RISE)) > SHARE

    @property
    def _quietest(self) -> int:
        """The level that a tenth of the steps do not exceed."""
        seen, total = 0, self._levels.total()
        for level in sorted(self._levels):
            seen += self._levels[level]
            if 10 * seen >= total:
                return level
        return AUDIBLE

    def _share(self, level: int) -> float:
        """Return the share of the steps that are louder."""
        return sum(count for each, count in self._levels.items() if each > level) / max(1, self._levels.total())
