"""What is counted of a live session: how late its words are, what was lost, how much of it was speech."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque

from ..events import Event, Final, Partial, SpeechStarted, StreamWarning
from ..sound_options import PADDING_MS
from .telemetry import Metrics

PUSHES = 512  # of which the times are kept: 10 s of frames of 20 ms
DROPPED = "dropped_audio"


class SessionFigures:
    """Counts one live session. A word is late from the moment when its sound was taken, not from when it was said."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._seconds: deque[float] = deque(maxlen=PUSHES)  # of the stream's clock, ascending
        self._times: deque[float] = deque(maxlen=PUSHES)  # when it had got so far
        self._begun: dict[int, float] = {}  # utterances without a partial, and where they begin
        self._speech = 0.0

    def pushed(self, seconds: float) -> None:
        """Note that the stream has taken sound up to `seconds`."""
        self._seconds.append(seconds)
        self._times.append(time.monotonic())

    def told(self, event: Event) -> None:
        """Count an event that is about to be told."""
        if isinstance(event, SpeechStarted):
            self._begun[event.seq] = event.at
        elif isinstance(event, Partial) and (at := self._begun.pop(event.seq, None)) is not None:
            self._metrics.first_partial(self._since(at))
        elif isinstance(event, Final):
            self._begun.pop(event.seq, None)
            self._speech += event.end - event.start
            self._metrics.final(self._since(event.end - PADDING_MS / 1_000))
        elif isinstance(event, StreamWarning) and event.code == DROPPED:
            self._metrics.dropped(event.code, event.seconds)

    def close(self, seconds: float) -> None:
        """Count the session, which has taken `seconds` of sound."""
        self._metrics.heard(seconds, min(seconds, self._speech))

    def _since(self, at: float) -> float:
        """Return the seconds since the stream had taken its sound up to `at`."""
        index = bisect_left(self._seconds, at)
        return time.monotonic() - self._times[index] if index < len(self._times) else 0.0
