"""What a stream has to tell besides words: sound that was mended or lost, and partials that come late."""

from __future__ import annotations

from ...audio.ring import RingBuffer
from ...events import StreamWarning
from ...types import SAMPLE_RATE
from .outbox import Outbox


class Troubles:
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
