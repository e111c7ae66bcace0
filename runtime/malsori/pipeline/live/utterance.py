"""A stream's sound to utterances: the ring that stretches of speech are cut from, and an utterance while it is open."""

from __future__ import annotations

from collections.abc import Callable

from ...audio.ring import RingBuffer
from ...engines.session import Session, TextSoFar
from ...events import Partial
from ...types import SAMPLE_RATE, Audio, Span
from ...vad import Detector, GateOptions, SpeechGate
from ..clip import Clip

SPARE = 6.0  # seconds that the ring holds beyond the longest stretch: delays of gate and engine, a pause before it


class LiveCutter:
    """Blocks in, stretches of speech out, by the gate of files; `ring` holds samples that may still be in a stretch.

    Blocks must be shorter than `SPARE`. Behind each gap the gate starts at 0, which is `_origin` on the stream's clock.
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
        """The stretch that ends here if the pause lasts; None while somebody speaks."""
        span = self._gate.ending
        return None if span is None else Span(span.start + self._origin, span.stop + self._origin)

    def push(self, block: Audio) -> list[Clip]:
        """Take a block; return the stretches that it closes, with copies of their sound."""
        self.ring.write(block)
        return self._cut(self._gate.push(block))

    def end(self) -> list[Clip]:
        """End the open stretch here and return it; the sound that follows may be a stretch from there on."""
        return self._cut(self._gate.end())

    def flush(self) -> list[Clip]:
        """End the open stretch and return it, and restart the gate."""
        stretches = self._cut(self._gate.flush())
        self._origin = self.clock
        return stretches

    def gap(self, samples: int) -> None:
        """Advance the clock by lost samples; no stretch may be open."""
        self.ring.advance(samples)
        self._origin = self.clock

    def _cut(self, spans: list[Span]) -> list[Clip]:
        moved = [Span(span.start + self._origin, span.stop + self._origin) for span in spans]
        return [Clip.of(self.ring.read(span.start, span.stop), span) for span in moved]


class Utterance:
    """An open utterance, from the ring through a session of `model`, the one that hears partials.

    `due` is for the stream, `listen` for the engine's lane.
    """

    def __init__(self, seq: int, start: int, open_session: Callable[[], Session] | None, step: int, model: str) -> None:
        self.seq = seq
        self._model = model
        self.start = start
        self._open_session = open_session
        self._session: Session | None = None
        self._step = step
        self._asked = self._read = start
        self._last = TextSoFar("", "")
        self._over = open_session is None

    def due(self, newest: int) -> bool:
        """Return whether sample `newest` is a step beyond the last call that returned True: time for a partial."""
        if self._over or newest - self._asked < self._step:
            return False
        self._asked = newest
        return True

    def end(self) -> None:
        """Stop partials; one that is being computed is dropped."""
        self._over = True

    def listen(self, ring: RingBuffer) -> Partial | None:
        """Return a partial with the new sound in the ring, None where no text is new or the utterance is over.

        Raises once when the session fails or is so late that the ring has dropped its sound; then the utterance has no
        more partials.
        """
        if self._over:
            return None
        try:
            found = self._hear(ring)
        except Exception:
            if self._over:  # ended meanwhile, and a gap behind it has pushed its sound out of the ring
                return None
            self._over = True
            raise
        return None if self._over else found

    def _hear(self, ring: RingBuffer) -> Partial | None:
        stop = ring.stop
        sound = ring.read(self._read, stop)
        if self._session is None:
            assert self._open_session is not None  # else it is over
            self._session = self._open_session()
        heard = self._session.push(sound)
        self._read = stop
        news, self._last = heard != self._last, heard
        start, end = self.start / SAMPLE_RATE, stop / SAMPLE_RATE
        return Partial(self.seq, heard.text, heard.stable, start, end, self._model) if news else None
