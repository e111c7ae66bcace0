"""The last samples of a stream in fixed memory, read by their numbers: one writer, any number of readers.

    capacity 8, 11 samples written     memory   8  9 10  3  4  5  6  7      start 3, stop 11

Samples are numbered from 0, the first of the stream, and a number never changes its meaning. It knows no clock and no
sample rate.
"""

from __future__ import annotations

from threading import Condition, Lock

import numpy as np

from ..errors import OptionError, SoundGone
from ..types import Audio


class RingBuffer:
    """Holds the last `capacity` samples written. One thread may write while others read and wait.

    The lock is held for copies and sums of integers only, so neither side waits for the other's work.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise OptionError(f"a ring buffer holds at least 1 sample, not {capacity}")
        self.capacity = capacity
        # Not zeros: the allocator clears those where it takes them from memory that was used, 136 kB of a fresh ring of
        # 34 s and all 2 MB of a later one. Nothing is read here that was not written.
        self._memory = np.empty(capacity, np.float32)
        self._readable = self._memory.view()
        self._readable.flags.writeable = False
        self._stop = 0
        self._closed = False
        self._lock = Lock()
        self._arrived = Condition(self._lock)

    @property
    def start(self) -> int:
        """The number of the oldest sample held; equal to `stop` before anything was written."""
        with self._lock:
            return self._oldest()

    @property
    def stop(self) -> int:
        """The number that the next sample written will have."""
        with self._lock:
            return self._stop

    def write(self, block: Audio) -> None:
        """Append samples, which replace the oldest; of more than `capacity` the last ones stay."""
        tail = block[-self.capacity :]
        with self._lock:
            assert not self._closed, "a closed ring buffer takes no more sound"
            at = (self._stop + len(block) - len(tail)) % self.capacity
            first = min(len(tail), self.capacity - at)
            self._memory[at : at + first] = tail[:first]
            self._memory[: len(tail) - first] = tail[first:]
            self._advance(len(block))

    def advance(self, samples: int) -> None:
        """Append so many samples of silence; their number may exceed the capacity."""
        silent = min(samples, self.capacity)
        with self._lock:
            assert not self._closed, "a closed ring buffer takes no more sound"
            at = self._stop % self.capacity  # where does not matter when all of it becomes silent
            first = min(silent, self.capacity - at)
            self._memory[at : at + first] = 0
            self._memory[: silent - first] = 0
            self._advance(samples)

    def read(self, start: int, stop: int) -> Audio:
        """Return a copy of the samples `[start, stop)`. Raises `SoundGone` unless all of them are held."""
        with self._lock:
            at, first = self._place(start, stop)
            copy = np.empty(stop - start, np.float32)
            copy[:first] = self._memory[at : at + first]
            copy[first:] = self._memory[: len(copy) - first]
        return copy

    def parts(self, start: int, stop: int) -> tuple[Audio, ...]:
        """Return the samples `[start, stop)` without a copy, as one read-only view, or two where the memory wraps.

        The writer may overwrite them at any time: use what was computed from them only if `holds(start, stop)` is true
        afterwards. Raises `SoundGone` unless all of them are held.
        """
        with self._lock:
            at, first = self._place(start, stop)
        rest = stop - start - first
        head = self._readable[at : at + first]
        return (head, self._readable[:rest]) if rest else (head,)

    def holds(self, start: int, stop: int) -> bool:
        """Return whether all samples of `[start, stop)` are held and not overwritten."""
        with self._lock:
            return self._oldest() <= start <= stop <= self._stop

    def wait(self, stop: int, timeout: float | None = None) -> bool:
        """Wait until all samples before `stop` were written, for at most `timeout` seconds (None: for ever).

        Return False when the time is over, or when the ring was closed before.
        """
        with self._arrived:
            self._arrived.wait_for(lambda: self._stop >= stop or self._closed, timeout)
            return self._stop >= stop

    def close(self) -> None:
        """End the writing and wake all who wait. Samples held can still be read."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()

    def _oldest(self) -> int:
        return max(0, self._stop - self.capacity)

    def _advance(self, samples: int) -> None:
        self._stop += samples
        self._arrived.notify_all()

    def _place(self, start: int, stop: int) -> tuple[int, int]:
        """Return the place of `start` in the memory, and how many of the samples lie there before it wraps."""
        oldest = self._oldest()
        if not oldest <= start <= stop <= self._stop:
            raise SoundGone(start, stop, oldest, self._stop)
        at = start % self.capacity
        return at, min(stop - start, self.capacity - at)
