"""Quiet speech made as loud as a detector knows it; what is loud enough already stays as it is, to the bit.

Silero hears level: speech at -50 dBFS is missed by half. The loudest frame so far, forgotten slowly, says how loud the
recording is, so the gain is a function of the frames alone, however they are cut into blocks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

QUIET = 10 ** (-35 / 20)  # RMS of a frame, -35 dBFS; recordings with a louder one need no gain
MOST = 10 ** (40 / 20)  # 40 dB; what is quieter than -75 dBFS is no speech
FORGOTTEN = 10 ** (-0.5 / 20 * 0.032)  # per frame of 32 ms: half a dB in a second


class Levelled:
    """Gains for the frames of one clip or stream."""

    def __init__(self) -> None:
        self._loudest = 0.0

    def push(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return frames `(n, samples)` with the quiet ones made louder."""
        levels = np.sqrt(np.square(frames, dtype=np.float64).mean(axis=1))
        gains = np.empty(len(levels), np.float32)
        loudest = self._loudest
        for index, level in enumerate(levels.tolist()):
            loudest = max(level, loudest * FORGOTTEN)
            gains[index] = min(QUIET / loudest, MOST) if 0 < loudest < QUIET else 1.0
        self._loudest = loudest
        return frames if not len(frames) or gains.max() == 1 else frames * gains[:, np.newaxis]
