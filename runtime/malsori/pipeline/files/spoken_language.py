"""The language of a recording, detected once, so that it does not change from clip to clip."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...bundles.manifest import Manifest
from ...engines.base import Engine, TellsLanguages
from ...errors import OptionError
from ...types import SAMPLE_RATE
from ..clip import Clip
from ..options import TranscribeOptions
from .clip_rules import longest_clip
from .stretches import first_seconds

LANGUAGE_SECONDS = 30.0  # of speech in which the language is detected: one window of Whisper


@dataclass(frozen=True, slots=True)
class LanguageDetection:
    """Detects the language of a recording with its options in its first clips."""

    engine: Engine
    options: TranscribeOptions

    @property
    def several(self) -> bool:
        """Whether each window may have a language of its own."""
        return self.options.decoding.whisper.multilingual and self.options.decoding.language is None

    def head(self, clips: Iterator[Clip]) -> list[Clip]:
        """Take from `clips` those in which the language is detected."""
        return first_seconds(clips, self._seconds)

    def language(self, head: Sequence[Clip]) -> tuple[str, float] | None:
        """Return the recording's language and its probability, None where the engine is to detect one per clip."""
        if self.several:
            return None
        if self.options.decoding.language is not None:
            return self.options.decoding.language, 1.0
        tells = len(self.engine.manifest.languages) != 1 and isinstance(self.engine, TellsLanguages)
        return next(iter(self.languages(head).items())) if tells and not self._is_whole_speech(head) else None

    def languages(self, clips: Sequence[Clip]) -> dict[str, float]:
        """Return language codes with probabilities, detected in the first 30 s of the clips, or more by the options.

        Raises `OptionError` for a model that knows several and cannot tell them apart.
        """
        if not isinstance(self.engine, TellsLanguages):
            return _only_language(self.engine.manifest)
        speech = np.concatenate([clip.audio for clip in clips])
        return self.engine.detect_language(
            speech[: round(self._seconds * SAMPLE_RATE)], replace(self.options.decoding, language=None)
        )

    @property
    def _seconds(self) -> float:
        """Seconds of speech in which the language is detected at most."""
        return LANGUAGE_SECONDS * self.options.decoding.whisper.language_detection_segments

    def _is_whole_speech(self, head: Sequence[Clip]) -> bool:
        """Return whether `head` is all the speech, in one clip at most: the engine detects in the same sound then."""
        if not head:
            return True
        whole = math.isinf(longest_clip(self.engine, self.options.speech))
        return len(head) == 1 and (whole or head[0].seconds < self._seconds)


def _only_language(manifest: Manifest) -> dict[str, float]:
    """Return the model's only language with probability 1. Raises `OptionError` when it knows several."""
    if len(manifest.languages) != 1:
        raise OptionError(f"{manifest.name} knows {', '.join(manifest.languages)}, and cannot tell which was spoken")
    return {manifest.languages[0]: 1.0}
