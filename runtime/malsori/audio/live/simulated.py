"""A file played as if it were a microphone, in real time or faster."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import numpy as np

from ...errors import OptionError
from ...types import SAMPLE_RATE, Audio
from ..decode import decode_blocks
from ..opened import AudioSource
from .capture import Captured

BLOCK = SAMPLE_RATE // 50
LEAST_SPEED = 0.01  # at which a block takes 2 s; a much lower one would seem to wait for ever


class Simulated:
    """Gives a recording in blocks of 20 ms, each when it would have been spoken; `speed` may be infinite.

    Times count from the first read, so that waits that last too long do not add up; a late reader gets all that is due
    at once. The last block has what was mended in the file. Raises `AudioError` for a file that cannot be opened,
    `OptionError` for a speed below `LEAST_SPEED`.
    """

    rate = SAMPLE_RATE
    channels = 1
    patient = True

    def __init__(
        self,
        file: AudioSource,
        speed: float = 1.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not speed >= LEAST_SPEED:
            raise OptionError(f"speed: expected a number of {LEAST_SPEED:g} or more, or max, found {speed:g}")
        self._blocks = decode_blocks(file)
        self.name = self._blocks.name
        self._speed, self._clock, self._sleep = speed, clock, sleep
        self._pieces = _pieces(self._blocks)
        self._next: Audio | None = None
        self._given = 0  # samples
        self._begun: float | None = None
        self._ended = False

    def read(self, timeout: float) -> Captured | None:
        """Return the next block when it is due, an empty one if that is not within `timeout`, None at the end."""
        if self._begun is None:
            self._begun = self._clock()
        if self._next is None:
            self._next = next(self._pieces, None)
        if self._next is None:
            return self._end()
        wait = self._due(len(self._next)) - self._clock()
        if wait > 0:
            self._sleep(min(wait, timeout))
            if wait > timeout:
                return Captured()
        block, self._next = self._next, None
        self._given += len(block)
        return Captured(block)

    def close(self) -> None:
        """Close the file."""
        self._blocks.close()

    def _end(self) -> Captured | None:
        """Return what was mended, once, and then None."""
        mended = () if self._ended else self._blocks.warnings
        self._ended = True
        return Captured(mended=mended) if mended else None

    def _due(self, samples: int) -> float:
        """Return when the last of the next samples will have been spoken."""
        if math.isinf(self._speed) or self._begun is None:
            return -math.inf
        return self._begun + (self._given + samples) / (SAMPLE_RATE * self._speed)


def _pieces(blocks: Iterator[Audio]) -> Iterator[Audio]:
    for block in blocks:
        yield from np.split(block, range(BLOCK, len(block), BLOCK))
