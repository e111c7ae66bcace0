"""Blocks on their way from a thread that must not wait to one that may be late; what is lost is counted."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .source import Captured

HELD_S = 30.0  # seconds of sound that wait for a reader who is late
UNREAD = "nobody read it in time"


class Inbox:
    """Holds up to `limit` frames. When there are more, the oldest give way and are told of as a gap in their place.

    `heard` is when the last block came (monotonic seconds), `overruns` how often blocks had to give way.
    """

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._blocks: deque[Captured] = deque()
        self._frames = 0
        self._gone = 0  # frames that stood before the block in front
        self._closed = False
        self._changed = threading.Condition()
        self.heard = clock()
        self.overruns = 0

    def put(self, samples: NDArray[np.generic], lost: int = 0, reason: str = "") -> None:
        """Take a block, which nobody else may write to, and never wait."""
        with self._changed:
            self._blocks.append(Captured(samples, lost, reason))
            self._frames += len(samples)
            self.heard = self._clock()
            while self._frames > self._limit and len(self._blocks) > 1:
                self._drop()
            self._changed.notify()

    def take(self, timeout: float) -> Captured | None:
        """Return the oldest block, an empty one when none comes in time, None when none will come any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._blocks or self._closed, timeout)
            if not self._blocks:
                return None if self._closed else Captured()
            block = self._blocks.popleft()
            self._frames -= len(block.samples)
            if self._gone:
                block = Captured(block.samples, block.lost + self._gone, UNREAD)
                self._gone = 0
            return block

    def close(self) -> None:
        """Take no more blocks; those that are here can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _drop(self) -> None:
        oldest = self._blocks.popleft()
        self._frames -= len(oldest.samples)
        self._gone += oldest.lost + len(oldest.samples)
        self.overruns += 1
