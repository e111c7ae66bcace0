"""A microphone that comes back: one that is lost is told of once and tried again, and the time without it is a gap."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from ...errors import AudioError, MicrophoneLost
from .source import Captured, LiveSource

FIRST_S, LONGEST_S = 0.5, 10.0  # between two tries; each wait is twice the one before
AWAY = "the microphone was away"


class Recorder(LiveSource, Protocol):
    """A source that raises `MicrophoneLost`, and says when it last gave sound."""

    @property
    def heard(self) -> float: ...


class Reconnecting:
    """Reads from what `connect` opens, and opens it again when it is lost.

    The first try is `first`, so that a microphone that is not there to begin with is an error. `connect` must give a
    source of the same rate and channels.
    """

    patient = False

    def __init__(
        self,
        first: Recorder,
        connect: Callable[[], Recorder],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self.rate, self.channels = first.name, first.rate, first.channels
        self._connect, self._clock, self._sleep = connect, clock, sleep
        self._source: Recorder | None = first
        self._gone: Recorder | None = None  # lost, and not yet closed
        self._wait = FIRST_S
        self._retry = 0.0  # when the next try is due
        self._told = 0.0  # up to when sound has been given or told to be lost, while there is no source

    def read(self, timeout: float) -> Captured:
        """Return the next block, or what became of the microphone."""
        self._close_gone()
        if self._source is None:
            return self._tried(timeout)
        try:
            captured = self._source.read(timeout)
        except MicrophoneLost as error:
            return self._lost(self._source, error)
        if captured is not None and len(captured.samples):
            self._wait = FIRST_S
        return captured or Captured()

    def close(self) -> None:
        """Stop recording, and trying to."""
        self._close_gone()
        self._gone, self._source = self._source, None
        self._close_gone()

    def _close_gone(self) -> None:
        gone, self._gone = self._gone, None
        if gone is not None:
            gone.close()

    def _lost(self, source: Recorder, error: MicrophoneLost) -> Captured:
        """Tell the loss at once, within 2 s of the last sound; closing may hang, and waits for the next read."""
        self._gone, self._source = source, None
        self._told = self._clock()
        self._retry = self._told + self._wait
        return Captured(lost=self._frames(self._told - source.heard), reason=AWAY, trouble=error)

    def _tried(self, timeout: float) -> Captured:
        """Try to open it again when that is due; what was lost meanwhile is told when it is back."""
        left = self._retry - self._clock()
        if left > 0:
            self._sleep(min(timeout, left))
            return Captured()
        self._wait = min(2 * self._wait, LONGEST_S)
        try:
            self._source = self._connect()
        except AudioError:
            self._retry = self._clock() + self._wait
            return Captured()
        return Captured(lost=self._frames(self._source.heard - self._told), reason=AWAY)

    def _frames(self, seconds: float) -> int:
        return max(0, round(seconds * self.rate))
