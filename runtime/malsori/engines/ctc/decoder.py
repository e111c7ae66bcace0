"""The one way from a clip's logits to its segments: greedy, or by a beam where something speaks beside the sound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import OptionError
from ...types import SAMPLE_RATE, Alternative, Segment, Word, mean_probability, written
from ..base import DecodeOptions
from ..frames import Frames
from .beam import Prefix, Scorer, beam_search
from .greedy import greedy
from .hotwords import MOST as MOST_HOTWORDS
from .hotwords import hot_words
from .language_model import WordScorer, open_language_model
from .softmax import log_softmax
from .tokens import Token, place
from .vocabulary import Vocabulary
from .words import HeardWord, joined_text, words_of

BEAM = 16  # where hot words, a language model or alternatives ask for a beam and nobody said how wide
MOST = 256  # of a beam; on flat logits one of this width takes half a second for ten seconds of sound
DEFAULTS = DecodeOptions()


@dataclass(frozen=True, slots=True)
class Decoder:
    """Logits to words with times, for one vocabulary and one stack of convolutions."""

    vocabulary: Vocabulary
    frames: Frames

    def check(self, options: DecodeOptions) -> tuple[str, ...]:
        """Raise `OptionError` for what cannot be decoded with; return a warning for hot words that cannot be spelled.

        Raises `MissingDependency` for a language model without the package that reads it.
        """
        _check_beam(options)
        _check_language_model(options, self.vocabulary)
        return hot_words(options.hotwords, self.vocabulary)[1] if options.hotwords else ()

    def segments(self, logits: NDArray[np.float32], samples: int, options: DecodeOptions) -> tuple[Segment, ...]:
        """Return one segment, or none where no word was heard; `logits` is `(frames, vocabulary)` of one clip.

        Times and confidence are those of the likeliest alignment of the chosen text, in these logits alone.
        """
        tokens, alternatives = self._tokens(logits, options)
        words = [self._word(word, samples) for word in words_of(tokens, self.vocabulary)]
        if not words:
            return ()
        confidence = mean_probability([word.probability for word in words])
        times = tuple(words) if options.word_timestamps else ()
        return (Segment(written(words), words[0].start, words[-1].end, confidence, times, alternatives=alternatives),)

    def _tokens(
        self, logits: NDArray[np.float32], options: DecodeOptions
    ) -> tuple[list[Token], tuple[Alternative, ...]]:
        """Return the tokens chosen, and the alternatives that were asked for."""
        width, blank = beam_width(options), self.vocabulary.blank
        if width == 1 or not len(logits):
            return greedy(logits, blank), ()
        log_probs = log_softmax(logits)
        found = beam_search(log_probs, blank, width, self._scorers(options))
        ranked = self._by_text(found)
        told = tuple(alternative for alternative, _ in ranked[: options.alternatives])
        return place(log_probs, ranked[0][1], blank), told if options.alternatives > 1 else ()

    def _scorers(self, options: DecodeOptions) -> list[Scorer]:
        scorers: list[Scorer] = []
        if options.hotwords:
            scorers.append(hot_words(options.hotwords, self.vocabulary)[0])
        if options.language_model is not None:
            model = open_language_model(options.language_model)
            scorers.append(WordScorer(model, self.vocabulary, options.lm_alpha, options.lm_beta))
        return scorers

    def _by_text(self, prefixes: Sequence[Prefix]) -> list[tuple[Alternative, tuple[int, ...]]]:
        """Return the texts, the best first, each with its best tokens: a second delimiter makes no other text."""
        groups: dict[str, list[Prefix]] = {}
        for prefix in prefixes:
            groups.setdefault(self._text(prefix.tokens), []).append(prefix)
        ranked = [
            (
                Alternative(
                    text,
                    float(np.logaddexp.reduce([prefix.score for prefix in group])),
                    float(np.logaddexp.reduce([prefix.log_probability for prefix in group])),
                ),
                group[0].tokens,
            )
            for text, group in groups.items()
        ]
        return sorted(ranked, key=lambda each: -each[0].score)

    def _text(self, tokens: Sequence[int]) -> str:
        return joined_text(words_of([Token(token, 0, 0, 1.0) for token in tokens], self.vocabulary))

    def _word(self, word: HeardWord, samples: int) -> Word:
        end = min(self.frames.edge(word.stop), samples / SAMPLE_RATE)
        return Word(word.text, self.frames.edge(word.start), end, word.probability, word.spaced)


def beam_width(options: DecodeOptions) -> int:
    """Return the width asked for, or else 1, which is greedy, unless something needs a beam."""
    if options.beam_size is not None:
        return options.beam_size
    searched = options.hotwords or options.language_model is not None or options.alternatives > 1
    return max(BEAM, options.alternatives) if searched else 1


def _check_beam(options: DecodeOptions) -> None:
    width = beam_width(options)
    if not 1 <= options.alternatives <= MOST:
        raise OptionError(f"alternatives: expected 1 to {MOST}, found {options.alternatives}")
    if not 1 <= width <= MOST:
        raise OptionError(f"beam_size: expected 1 to {MOST} for a CTC model, found {width}")
    if options.alternatives > width:
        raise OptionError(f"alternatives: a beam_size of {width} gives at most as many, found {options.alternatives}")
    if len(options.hotwords) > MOST_HOTWORDS:
        raise OptionError(f"hotwords: expected at most {MOST_HOTWORDS}, found {len(options.hotwords)}")
    for name in ("hotwords", "language_model"):
        if width == 1 and getattr(options, name):
            raise OptionError(f"{name} needs a beam_size of 2 or more, found 1; left out, it is {BEAM}")


def _check_language_model(options: DecodeOptions, vocabulary: Vocabulary) -> None:
    if not (math.isfinite(options.lm_alpha) and options.lm_alpha >= 0):
        raise OptionError(f"lm_alpha: expected a number of 0 or more, found {options.lm_alpha}")
    if not math.isfinite(options.lm_beta):
        raise OptionError(f"lm_beta: expected a finite number, found {options.lm_beta}")
    if options.language_model is not None:
        if not vocabulary.delimiters:
            raise OptionError("language_model scores words, and the model's vocabulary has no word delimiter")
        open_language_model(options.language_model)
        return
    for name in ("lm_alpha", "lm_beta"):
        if getattr(options, name) != getattr(DEFAULTS, name):
            raise OptionError(f"{name} weighs a language model, and language_model names none")
