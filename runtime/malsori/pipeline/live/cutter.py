"""Endless sound to its pieces of speech, in the fixed memory of a ring, on a clock that goes on through gaps."""

from __future__ import annotations

from ...audio.ring import RingBuffer
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
        return self._pieces(self._gate.push(block))

    def flush(self) -> list[Clip]:
        """Return the piece that was open, and begin anew."""
        pieces = self._pieces(self._gate.flush())
        self._origin = self.clock
        return pieces

    def gap(self, samples: int) -> None:
        """Let the clock go on by sound that is lost; nothing may be open."""
        self.ring.advance(samples)
        self._origin = self.clock

    def _pieces(self, spans: list[Span]) -> list[Clip]:
        moved = [Span(span.start + self._origin, span.stop + self._origin) for span in spans]
        return [Clip.of(self.ring.read(span.start, span.stop), span) for span in moved]
