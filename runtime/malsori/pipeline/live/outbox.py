"""The events of one stream that wait to be fetched, and its warnings.

Finals are kept in order, of partials only the newest.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from ...audio.ring import RingBuffer
from ...events import Event, Final, Partial, StreamWarning
from ...types import SAMPLE_RATE


class StreamWarnings:
    """Puts the warnings of one stream into its outbox; `ring` has the stream's clock."""

    def __init__(self, outbox: Outbox, ring: RingBuffer) -> None:
        self._outbox = outbox
        self._ring = ring
        self._lost = 0  # samples dropped since, because the engine is too far behind
        self._late = False

    def tell(self, code: str, message: str, seconds: float = 0.0, seq: int | None = None) -> None:
        """Put a warning about the last `seconds` of the stream."""
        at = self._ring.stop / SAMPLE_RATE - seconds
        self._outbox.put(StreamWarning(code, message, at, seconds, seq))

    def late(self) -> None:
        """Warn that partials are dropped, once per stream."""
        if not self._late:
            self._late = True
            self.tell(
                "dropped_partials",
                "sound comes faster than the engine hears it, so partials come less often; finals are complete",
            )

    def lose(self, samples: int) -> None:
        """Count dropped samples."""
        self._lost += samples

    def tell_lost(self) -> None:
        """Warn of the samples dropped since the last call, if any."""
        if self._lost:
            seconds, self._lost = self._lost / SAMPLE_RATE, 0
            self.tell("dropped_audio", "the engine is too far behind; sound was dropped", seconds)


class Outbox:
    """Takes events from any thread, and gives them to the stream's thread.

    A final, or the warning in its place, is held back until those of earlier utterances are there. A partial replaces
    one of its utterance that was not fetched, so that the number of waiting events is bounded. `wake` is called for
    each event that waits, by the thread that put it.
    """

    def __init__(self) -> None:
        self.wake: Callable[[], None] | None = None
        self._events: deque[Event] = deque()
        self._finals: dict[int, Event] = {}  # by utterance, while an earlier one is still to come
        self._expected: deque[int] = deque()  # the utterances whose finals are to come, in order
        self._ended = 0  # the last utterance that is over; later partials of it are dropped
        self._changed = threading.Condition()

    def put(self, event: Event) -> None:
        """Take an event that need not wait for others."""
        with self._changed:
            put = self._append(event)
        self._call_wake(put)

    def expect(self, seq: int) -> None:
        """Keep a place for the final of an utterance that is over."""
        with self._changed:
            self._expected.append(seq)
            self._ended = seq

    def put_final(self, seq: int, event: Final | StreamWarning) -> None:
        """Take the final of an utterance, or the warning that there is none."""
        with self._changed:
            self._finals[seq] = event
            put = False
            while self._expected and self._expected[0] in self._finals:
                put = self._append(self._finals.pop(self._expected.popleft()))
        self._call_wake(put)

    def take(self, timeout: float = 0.0) -> list[Event]:
        """Return the waiting events, after waiting up to `timeout` seconds for one."""
        with self._changed:
            if timeout > 0:
                self._changed.wait_for(lambda: self._events, timeout)
            events = list(self._events)
            self._events.clear()
            return events

    @property
    def waiting(self) -> bool:
        """Whether finals are still to come."""
        return bool(self._expected)

    def wait(self) -> None:
        """Wait until all finals are there."""
        with self._changed:
            self._changed.wait_for(lambda: not self._expected)

    def _call_wake(self, put: bool) -> None:
        """Call `wake`, without the lock, so that it may do what it wants."""
        if put and (wake := self.wake) is not None:
            wake()

    def _append(self, event: Event) -> bool:
        """Add an event to those that wait; return False for a partial that comes too late."""
        if isinstance(event, Partial):
            if event.seq <= self._ended:
                return False
            last = self._events[-1] if self._events else None
            if isinstance(last, Partial) and last.seq == event.seq:
                self._events.pop()
        self._events.append(event)
        self._changed.notify_all()
        return True
