"""Endless sound to utterances: the ring that pieces of speech are cut from, and an utterance while it is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...audio.ring import RingBuffer
from ...engines.session import Session, TextSoFar
from ...types import SAMPLE_RATE, Audio, Span
from ...vad import Detector, GateOptions, SpeechGate
from ..clip import Clip

SPARE = 6.0  # seconds that the ring holds beyond the longest span: the gate's delay, a late engine's, a pause before


class LiveCutter:
    """Blocks in, pieces of speech out; the gate is that of files. `ring` holds what may still become a piece.

    Blocks must be shorter than `SPARE`. The gate begins anew behind each gap, at `_origin` on the stream's clock.
    """

    def __init__(self, detector: Detector, options: GateOptions) -> None:
        self.ring = RingBuffer(round((options.longest + SPARE) * SAMPLE_RATE))
        self._gate = SpeechGate(detector, options)
        self._origin = 0

    @property
    def clock(self) -> int:
        """Samples taken, gaps included."""
        return self.ring.stop

    @property
    def start(self) -> int | None:
        """Where the speech that is still open begins; None where nobody speaks."""
        return None if self._gate.start is None else self._origin + self._gate.start

    @property
    def ending(self) -> Span | None:
        """The piece that the pause so far makes, if it lasts; None while somebody speaks."""
        span = self._gate.ending
        return None if span is None else Span(span.start + self._origin, span.stop + self._origin)

    def push(self, block: Audio) -> list[Clip]:
        """Take a block; return the pieces that it closes, their sound copied while it is there."""
        self.ring.write(block)
        return self._cut(self._gate.push(block))

    def flush(self) -> list[Clip]:
        """Return the piece that was open, and begin anew."""
        stretches = self._cut(self._gate.flush())
        self._origin = self.clock
        return stretches

    def gap(self, samples: int) -> None:
        """Let the clock go on by sound that is lost; nothing may be open."""
        self.ring.advance(samples)
        self._origin = self.clock

    def _cut(self, spans: list[Span]) -> list[Clip]:
        moved = [Span(span.start + self._origin, span.stop + self._origin) for span in spans]
        return [Clip.of(self.ring.read(span.start, span.stop), span) for span in moved]


@dataclass(frozen=True, slots=True)
class TextUntil:
    """What a session has heard up to the sample `stop`."""

    heard: TextSoFar
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
        self._last = TextSoFar("", "")
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

    def listen(self, ring: RingBuffer) -> TextUntil | None:
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

    def _hear(self, ring: RingBuffer) -> TextUntil | None:
        stop = ring.stop
        sound = ring.read(self._read, stop)
        if self._session is None:
            assert self._open_session is not None  # else it is over
            self._session = self._open_session()
        heard = self._session.push(sound)
        self._read = stop
        news, self._last = heard != self._last, heard
        return TextUntil(heard, stop) if news else None
