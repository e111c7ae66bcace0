"""One open utterance of a stream: its session, and how far that has listened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...audio.ring import RingBuffer
from ...engines.session import Heard, Session

NOTHING = Heard("", "")


@dataclass(frozen=True, slots=True)
class Listened:
    """What a session has heard up to the sample `stop`."""

    heard: Heard
    stop: int


class Utterance:
    """Sound from the ring through a session. The stream asks `due`; `listen` is for the engine's one worker."""

    def __init__(self, seq: int, start: int, open_session: Callable[[], Session] | None, step: int) -> None:
        self.seq = seq
        self.start = start
        self._open_session = open_session
        self._session: Session | None = None
        self._step = step
        self._asked = self._read = start
        self._last = NOTHING
        self._over = open_session is None

    def due(self, newest: int) -> bool:
        """Whether enough is new at sample `newest` for another partial; asked once for each step."""
        if self._over or newest - self._asked < self._step:
            return False
        self._asked = newest
        return True

    def end(self) -> None:
        """Let no partial come any more; one that is being computed is not waited for."""
        self._over = True

    def listen(self, ring: RingBuffer) -> Listened | None:
        """Hear what is new in the ring; None where that is no news, and once the utterance is over.

        Raises once when the session fails or is so late that the sound is gone; then there are no more partials of this
        utterance.
        """
        if self._over:
            return None
        try:
            found = self._hear(ring)
        except Exception:
            if self._over:  # meanwhile; and a gap behind it has pushed its sound out of the ring
                return None
            self._over = True
            raise
        return None if self._over else found

    def _hear(self, ring: RingBuffer) -> Listened | None:
        stop = ring.stop
        sound = ring.read(self._read, stop)
        if self._session is None:
            assert self._open_session is not None  # else it is over
            self._session = self._open_session()
        heard = self._session.push(sound)
        self._read = stop
        news, self._last = heard != self._last, heard
        return Listened(heard, stop) if news else None
