"""Where the events of one stream wait to be fetched, and what a stream has to tell besides words.

Finals wait in order, partials only while they are news.
"""

from __future__ import annotations

import threading
from collections import deque

from ...audio.ring import RingBuffer
from ...events import Event, Final, Partial, StreamWarning
from ...types import SAMPLE_RATE


class StreamWarnings:
    """The warnings of one stream; `ring` has its clock."""

    def __init__(self, outbox: Outbox, ring: RingBuffer) -> None:
        self._outbox = outbox
        self._ring = ring
        self._lost = 0  # samples dropped since, because the engine is too far behind
        self._late = False

    def tell(self, code: str, message: str, seconds: float = 0.0, seq: int | None = None) -> None:
        """Tell of something that concerns the last `seconds` of the stream."""
        at = self._ring.stop / SAMPLE_RATE - seconds
        self._outbox.put(StreamWarning(code, message, at, seconds, seq))

    def late(self) -> None:
        """Tell that partials are dropped; once, because a slow machine would tell it all the time."""
        if not self._late:
            self._late = True
            self.tell(
                "dropped_partials",
                "sound comes faster than the engine hears it, so partials come less often; finals are complete",
            )

    def lose(self, samples: int) -> None:
        """Note that sound was dropped."""
        self._lost += samples

    def tell_lost(self) -> None:
        """Tell of a gap that is over, with its length; nothing where there was none."""
        if self._lost:
            seconds, self._lost = self._lost / SAMPLE_RATE, 0
            self.tell("dropped_audio", "the engine is too far behind; sound was dropped", seconds)


class Outbox:
    """Takes events from any thread, gives them to the stream's own.

    A final, or the warning that stands for it, is held back until those of the utterances before are there. A partial
    takes the place of one that nobody has fetched, so that what waits is bounded by what was said.
    """

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._finals: dict[int, Event] = {}  # by utterance, while an earlier one is still to come
        self._expected: deque[int] = deque()  # the utterances whose finals are to come, in order
        self._ended = 0  # the last utterance that is over: what an engine still hears of it is no news
        self._changed = threading.Condition()

    def put(self, event: Event) -> None:
        """Take an event that has its place now."""
        with self._changed:
            self._append(event)

    def expect(self, seq: int) -> None:
        """Keep a place for the final of an utterance that is over."""
        with self._changed:
            self._expected.append(seq)
            self._ended = seq

    def put_final(self, seq: int, event: Final | StreamWarning) -> None:
        """Take the final of an utterance, or the warning that there is none."""
        with self._changed:
            self._finals[seq] = event
            while self._expected and self._expected[0] in self._finals:
                self._append(self._finals.pop(self._expected.popleft()))

    def take(self, timeout: float = 0.0) -> list[Event]:
        """Return what is there; when nothing is, wait up to `timeout` seconds for something."""
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

    def _append(self, event: Event) -> None:
        if isinstance(event, Partial):
            if event.seq <= self._ended:
                return
            last = self._events[-1] if self._events else None
            if isinstance(last, Partial) and last.seq == event.seq:
                self._events.pop()
        self._events.append(event)
        self._changed.notify_all()
