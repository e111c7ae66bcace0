"""A clip's logits to its segments: greedy, or by a beam with hot words, a language model or alternatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...bundles.manifest import Manifest
from ...errors import OptionError
from ...joining import mean_probability, written
from ...option import check, non_defaults
from ...types import SAMPLE_RATE, Alternative, Segment, Word
from ..options import DecodeOptions, check_asked
from .beam import Prefix, Scorer, beam_search
from .frames import Frames
from .hotwords import MOST_HOTWORDS, hot_words
from .language_model import WordScorer, open_language_model
from .options import MOST_BEAM
from .viterbi import log_softmax
from .vocabulary import Vocabulary
from .words import HeardWord, Token, place, words_of

BEAM = 16  # width where hot words, a language model or alternatives need a beam and `beam_size` is None


def check_options(manifest: Manifest, options: DecodeOptions) -> None:
    """Raise `OptionError` for what the model does not have."""
    check_beam(options)
    check_asked(manifest, options, "CTC")


def beam_width(options: DecodeOptions) -> int:
    """Return `beam_size`, or else `BEAM` where an option needs a beam, and 1, which is greedy, where none does."""
    if options.beam_size is not None:
        return options.beam_size
    searched = options.hotwords or options.ctc.language_model is not None or options.ctc.alternatives > 1
    return max(BEAM, options.ctc.alternatives) if searched else 1


def check_beam(options: DecodeOptions) -> None:
    """Raise `OptionError` for a beam too narrow for the other options, and for weights without a language model."""
    width, alternatives = beam_width(options), options.ctc.alternatives
    if not 1 <= width <= MOST_BEAM:
        raise OptionError(f"beam_size: expected 1 to {MOST_BEAM} for a CTC model, found {width}")
    if alternatives > width:
        raise OptionError(f"alternatives: a beam_size of {width} gives at most as many, found {alternatives}")
    if len(options.hotwords) > MOST_HOTWORDS:
        raise OptionError(f"hotwords: expected at most {MOST_HOTWORDS}, found {len(options.hotwords)}")
    for name, value in (("hotwords", options.hotwords), ("language_model", options.ctc.language_model)):
        if width == 1 and value:
            raise OptionError(f"{name} needs a beam_size of 2 or more, found 1; left out, it is {BEAM}")
    for name in non_defaults(options.ctc):
        if options.ctc.language_model is None and name.startswith("lm_"):
            raise OptionError(f"{name} weighs a language model, and language_model names none")


def greedy(logits: NDArray[np.float32], blank: int) -> list[Token]:
    """Return the best token of each frame, repeats collapsed and blanks dropped; `logits` is `(frames, vocabulary)`."""
    if not len(logits):
        return []
    best = logits.argmax(axis=1)
    # the softmax of the largest entry, without the softmax of the others
    posterior = 1 / np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(best)) + 1])
    stops = np.append(starts[1:], len(best))
    peaks = np.maximum.reduceat(posterior, starts)
    runs = zip(best[starts].tolist(), starts.tolist(), stops.tolist(), peaks.tolist(), strict=True)
    return [Token(*run) for run in runs if run[0] != blank]


@dataclass(frozen=True, slots=True)
class CtcDecoder:
    """Logits to words with times, for one vocabulary and one stack of convolutions."""

    vocabulary: Vocabulary
    frames: Frames

    def check(self, options: DecodeOptions) -> tuple[str, ...]:
        """Raise `OptionError` for options that the vocabulary rules out; return a warning for hot words that it does.

        Raises `MissingDependency` for a language model without the package that reads it.
        """
        check(options.ctc)
        check_beam(options)
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
        start, end, ids = words[0].start, words[-1].end, self._ids(tokens)
        return (Segment(written(words), start, end, confidence, times, alternatives=alternatives, tokens=ids),)

    def _ids(self, tokens: Sequence[Token]) -> tuple[int, ...]:
        """Return the ids of the tokens that are text, and of the delimiters between them."""
        ids = [token.index for token in tokens if token.index not in self.vocabulary.silent]
        said = [place for place, index in enumerate(ids) if index not in self.vocabulary.delimiters]
        return tuple(ids[said[0] : said[-1] + 1])

    def _tokens(
        self, logits: NDArray[np.float32], options: DecodeOptions
    ) -> tuple[list[Token], tuple[Alternative, ...]]:
        """Return the tokens of the best text, and the alternatives where they are asked for."""
        width, blank = beam_width(options), self.vocabulary.blank
        if width == 1 or not len(logits):
            return greedy(logits, blank), ()
        log_probs = log_softmax(logits)
        found = beam_search(log_probs, blank, width, self._scorers(options))
        ranked = self._by_text(found)
        told = tuple(alternative for alternative, _ in ranked[: options.ctc.alternatives])
        return place(log_probs, ranked[0][1], blank), told if options.ctc.alternatives > 1 else ()

    def _scorers(self, options: DecodeOptions) -> list[Scorer]:
        scorers: list[Scorer] = []
        if options.hotwords:
            scorers.append(hot_words(options.hotwords, self.vocabulary)[0])
        if options.ctc.language_model is not None:
            model = open_language_model(options.ctc.language_model)
            scorers.append(WordScorer(model, self.vocabulary, options.ctc.lm_alpha, options.ctc.lm_beta))
        return scorers

    def _by_text(self, prefixes: Sequence[Prefix]) -> list[tuple[Alternative, tuple[int, ...]]]:
        """Return the texts, the best first, each with its best tokens; sequences with the same text are summed."""
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
        return written(words_of([Token(token, 0, 0, 1.0) for token in tokens], self.vocabulary))

    def _word(self, word: HeardWord, samples: int) -> Word:
        end = min(self.frames.edge(word.stop), samples / SAMPLE_RATE)
        return Word(word.text, self.frames.edge(word.start), end, word.probability, word.spaced)


def _check_language_model(options: DecodeOptions, vocabulary: Vocabulary) -> None:
    if options.ctc.language_model is not None:
        if not vocabulary.delimiters:
            raise OptionError("language_model scores words, and the model's vocabulary has no word delimiter")
        open_language_model(options.ctc.language_model)
