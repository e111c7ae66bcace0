"""A session of a CTC model: sound in, text out, one utterance long."""

from __future__ import annotations

import numpy as np

from ...types import Audio
from ..base import DecodeOptions
from ..ctc.growing import GrowingText
from ..ctc.vocabulary import Vocabulary
from ..session import Heard
from .reading import Reader


class CtcSession:
    """One utterance while it is spoken: the best token of each frame; what weighs words waits for the final."""

    def __init__(self, reader: Reader, vocabulary: Vocabulary, step: int, options: DecodeOptions) -> None:
        """Take the way from sound to logits, and the samples between two readings."""
        self.step = step
        self._reader = reader
        self._options = options
        self._text = GrowingText(vocabulary)
        self._waiting: Audio = np.zeros(0, np.float32)
        self._heard = Heard("", "")

    def push(self, sound: Audio) -> Heard:
        """Take the sound that follows what was pushed before; return what has been heard of all of it.

        Less than a step waits for the next push. Raises `EngineError`, after which the session is of no use, and
        `Cancelled`.
        """
        self._options.check_cancelled()
        self._waiting = np.concatenate([self._waiting, sound])
        if len(self._waiting) >= self.step:
            self._read()
        return self._heard

    def _read(self) -> None:
        """Read all that waits, in parts where a step is more than the reader takes at once."""
        while len(self._waiting):
            part, self._waiting = self._waiting[: self._reader.most], self._waiting[self._reader.most :]
            reading = self._reader.read(part)
            self._heard = self._text.take(reading.committed, reading.ahead)
