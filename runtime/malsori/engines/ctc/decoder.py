"""The one way from a clip's logits to its segments, whatever finds the tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...types import SAMPLE_RATE, Segment, Word
from ..base import DecodeOptions
from ..frames import Frames
from .greedy import greedy
from .vocabulary import Vocabulary
from .words import SpelledWord, mean_probability, spell


@dataclass(frozen=True, slots=True)
class Decoder:
    """Logits to words with times, for one vocabulary and one stack of convolutions."""

    vocabulary: Vocabulary
    frames: Frames

    def segments(self, logits: NDArray[np.float32], samples: int, options: DecodeOptions) -> tuple[Segment, ...]:
        """Return one segment, or none where no word was heard; `logits` is `(frames, vocabulary)` of one clip."""
        tokens = greedy(logits, self.vocabulary.blank)
        words = [self._word(word, samples) for word in spell(tokens, self.vocabulary)]
        if not words:
            return ()
        confidence = mean_probability([word.probability for word in words])
        text = " ".join(word.text for word in words)
        times = tuple(words) if options.word_timestamps else ()
        return (Segment(text, words[0].start, words[-1].end, confidence, times),)

    def _word(self, word: SpelledWord, samples: int) -> Word:
        end = min(self.frames.edge(word.stop), samples / SAMPLE_RATE)
        return Word(word.text, self.frames.edge(word.start), end, word.probability)
