"""What was heard in an utterance, as its final."""

from __future__ import annotations

from ...bundles.manifest import Manifest
from ...events import Final
from ...types import SAMPLE_RATE, UNKNOWN, Hypothesis, Span
from ..clip import Clock

NOTHING = Hypothesis((), UNKNOWN, 0.0)


class Author:
    """Writes the finals of one stream, with `words` or without; `language` is None where the model tells it."""

    def __init__(self, manifest: Manifest, language: str | None, *, words: bool) -> None:
        only = manifest.languages[0] if len(manifest.languages) == 1 else None
        self._certain = language or only
        self._words = words
        self._model = manifest.name

    def final(self, seq: int, span: Span, heard: Hypothesis) -> Final:
        """Return the final of the utterance in `span`, its segments on the stream's clock."""
        segments = tuple(Clock((span,)).placed(heard.segments, words=self._words))
        language, probability = (self._certain, 1.0) if self._certain else (heard.language, heard.language_probability)
        return Final(
            seq,
            " ".join(segment.text.strip() for segment in segments),
            span.start / SAMPLE_RATE,
            span.stop / SAMPLE_RATE,
            segments,
            language,
            probability,
            self._model,
        )
