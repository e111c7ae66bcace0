"""One partial reading of an open utterance: encode it, detect the language, decode behind the committed words, check.

Features are computed anew each time: 0.24 ms a second of sound, where the encoder takes 2 (nano-whisper) to 100
(small).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain

import numpy as np

from ...joining import Times
from ...types import SAMPLE_RATE, Audio
from ..base import DecodeOptions
from .features import HOP, LogMel, padded
from .guards import SPARE_TOKENS, Reading, compression_ratio, is_silence, token_budget, why_rejected
from .network import Encoded, Network, room
from .prompt import Prompts
from .reader import languages_of
from .tokens import Tokens, TokenWord
from .track import INAUDIBLE
from .window import Context
from .word_times import AlignRow, align_rows

# Seconds of sound from which on a language above `language_detection_threshold` is kept, and from which on any is. With
# nano-whisper it is right after 1, 1.5, 2 and 3 s, silence included, in 82, 88, 96 and 98 % of sentences.
SURE_LANGUAGE_S, ANY_LANGUAGE_S = 2.0, 4.0


@dataclass(frozen=True, slots=True)
class UtteranceReading:
    """The encoder's output for some sound, and the words decoded behind the given ones; None where rejected."""

    encoded: Encoded
    language: str
    frames: int  # mel frames that hold sound
    words: tuple[TokenWord, ...] | None


class UtteranceReader:
    """Reads one utterance; `language` is None until it is given, or detected in enough sound."""

    def __init__(
        self,
        network: Network,
        tokens: Tokens,
        mel: LogMel,
        context: Context,
        known: Sequence[str],
        options: DecodeOptions,
    ) -> None:
        """Raise `OptionError` for a text of the options that has more tokens than there is room for.

        Time tokens are never decoded: behind forced words, CTranslate2's rules for them continue sentences that have
        ended (nano-whisper: 2 to 3 times as many words wrong in utterances of 10 s).
        """
        self.prompts = Prompts(tokens, options)
        self.tokens = tokens
        self.language = options.language or (known[0] if len(known) == 1 else None)
        self._network = network
        self._mel = mel
        self._context = context
        self._known = known
        self._options = options
        self._suppressed = tokens.suppressed(options.whisper.suppress_tokens)

    def read(self, sound: Audio, given: Sequence[int], said: Sequence[int]) -> UtteranceReading | None:
        """Return the reading of the sound behind the forced tokens `given`, None where the sound is inaudible.

        `said` are the tokens of what was spoken before the sound.
        """
        if not len(sound) or float(np.abs(sound).max()) <= INAUDIBLE:
            return None
        self._options.check_cancelled()
        window = self._context.window(len(sound))
        encoded = self._network.encode(self._mel(padded(sound, window))[np.newaxis])
        language = self.language or self._detect_language(encoded, len(sound) / SAMPLE_RATE)
        frames = -(-len(sound) // HOP)
        reading = self._generate(encoded, language, frames, given, said)
        return UtteranceReading(encoded, language, frames, self._accepted_words(reading, frames) if reading else None)

    def given(self) -> tuple[TokenWord, ...]:
        """Return the words of the option `prefix`, with which the utterance begins."""
        return self._words(self.prompts.prefix(timed=False))

    def times(self, reading: UtteranceReading, words: Sequence[TokenWord]) -> list[Times]:
        """Return start and end of each word by attention, in seconds from the start of the sound."""
        assert self.language is not None  # before that no words are committed
        row = AlignRow(tuple(chain.from_iterable(word.tokens for word in words)), reading.frames)
        (found,) = align_rows(self._network, self.tokens, reading.encoded, self.language, self._options.task, [row])
        # The alignment joins a word to the one before it where together they spell one word.
        stops = list(accumulate(len(word.tokens) for word in found))
        ends = [found[bisect_left(stops, stop)].end for stop in accumulate(len(word.tokens) for word in words)]
        return list(zip([found[0].start, *ends], ends, strict=False)) if found else []

    def _detect_language(self, encoded: Encoded, seconds: float) -> str:
        """Return the likeliest language, and keep it where there is enough sound."""
        language, probability = next(iter(languages_of(self._network, encoded, self._known)[0].items()))
        sure = probability > self._options.whisper.language_detection_threshold
        if seconds >= (SURE_LANGUAGE_S if sure else ANY_LANGUAGE_S):
            self.language = language
        return language

    def _generate(
        self, encoded: Encoded, language: str, frames: int, given: Sequence[int], said: Sequence[int]
    ) -> Reading | None:
        """Return a greedy reading, since a partial is soon replaced; None where the decoder has no room left."""
        self._options.check_cancelled()
        led = [*self.prompts.first, *(said if self._options.whisper.condition_on_previous_text else ())]
        prompt = [*self.prompts.leading(led), *self.prompts.start(language, timed=False), *given]
        budget = max(SPARE_TOKENS, token_budget(frames, self._options.whisper, full=False) - len(given))
        budget = min(budget, room(len(prompt), len(given)), self._options.whisper.max_new_tokens or budget)
        if budget < 1:
            return None
        # CTranslate2 suppresses blanks and end tokens behind forced tokens too, where an end is often right.
        whisper = replace(self._options.whisper, suppress_blank=self._options.whisper.suppress_blank and not given)
        (found,) = self._network.generate(
            encoded,
            [prompt],
            whisper,
            beam_size=1,
            temperature=0.0,
            given=len(given),
            budget=budget,
            suppressed=self._suppressed,
        )
        text = self.tokens.decode(found.tokens).strip()
        ratio = compression_ratio(text)
        return Reading(found.tokens, text, found.log_probability, found.no_speech_prob, 0.0, ratio, budget, len(given))

    def _accepted_words(self, reading: Reading, frames: int) -> tuple[TokenWord, ...] | None:
        """Return the words behind the given ones, or None for a rejected reading."""
        whisper = self._options.whisper
        if is_silence(reading, whisper):
            return None if reading.given else ()
        if whisper.window_guards and why_rejected(reading, frames, self.tokens.timestamp_begin, whisper):
            return None
        return self._words(reading.tokens[reading.given :])

    def _words(self, tokens: Sequence[int]) -> tuple[TokenWord, ...]:
        words = self.tokens.words(tokens, self.language or "")
        return tuple(word for word in words if word.tokens[0] < self.tokens.eot)
