"""What may be asked of Whisper's decoding: faster-whisper's names and openai/whisper's values where both have them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ...errors import OptionError
from ...numeric import is_number, is_whole
from ..word_breaks import CLOSING, OPENING

AudioContext: TypeAlias = Literal["auto", "full"] | float
SHORTEST_WINDOW, LONGEST_WINDOW = 1.0, 30.0  # seconds that a window may have
TEXT_POSITIONS = 448  # of the decoder; half of them at most are new text
MOST_TOKENS = TEXT_POSITIONS // 2  # 224


@dataclass(frozen=True, slots=True)
class WhisperOptions:
    """How Whisper decodes.

    audio_context: seconds of sound that the encoder sees of a clip. "auto": the clip and a margin, at least the floor,
        both as the bundle's manifest says; 30 s where it says nothing. A number is such a floor. "full" is 30 s.
    window_guards: decode again in longer windows what a shorter one has led astray; False takes it as it is.
    best_of: readings drawn at a temperature above 0, of which the likeliest counts.
    patience, length_penalty: of beam search (arXiv 2204.05424; 1 is the mean log-probability).
    repetition_penalty, no_repeat_ngram_size: above 1 and above 0 they make repeating less likely, or impossible.
    compression_ratio_threshold: text that zlib shrinks more than this is a loop. None: never.
    log_prob_threshold: mean log-probability per token below which a reading is poor. None: never.
    no_speech_threshold: with a no-speech probability above this and a poor reading or a loop, or where none counts as
        poor, there are no words; nor with one above it and a reading of less than -0.7 per token, one that is at most
        0.2 lower and a poor reading, one above 0.5 or 0.75 in less than 2.5 s, or an echo of hot words. None: never.
    condition_on_previous_text: what was read leads the reading of what follows. None: within a clip that has several
        windows. True: from one stretch of speech to the next too, which then wait for each other. False: never.
    prompt_reset_on_temperature: text read hotter than this leads nothing.
    carry_initial_prompt: the initial prompt leads every window, not the first alone.
    prefix: text that the first window's reading starts with; it is part of the result.
    suppress_blank: no empty reading and no space first.
    suppress_tokens: ids that are never read; -1 stands for the symbols that nobody speaks.
    time_tokens: the decoder always writes times between its words. Without, it does only in a clip of several windows,
        in one of less than 2.5 s, in a translation, and with `max_new_tokens`; elsewhere it reads words alone, which
        are fewer tokens and are heard better, and a sentence has the time at which the decoder listened to it.
    without_timestamps: no times but the clip's, neither written by the decoder nor by where it listened; one segment
        per window.
    max_initial_timestamp: seconds; the latest that a window's first segment may start, where the decoder writes times.
    max_new_tokens: at most so many per window, up to 224.
    prepend_punctuations, append_punctuations: marks that belong to the word behind them, and before them. Usual marks
        that are not named are words by themselves.
    multilingual: tell the language in each window anew, unless it is given.
    language_detection_segments, language_detection_threshold: windows of 30 s that are listened to for the language,
        fewer when one is surer than the threshold.
    hallucination_silence_threshold: seconds; a silence that long around a reading nobody could have spoken is passed
        over (needs word times).
    """

    audio_context: AudioContext = "auto"
    window_guards: bool = True
    best_of: int = 5
    patience: float = 1.0
    length_penalty: float = 1.0
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    compression_ratio_threshold: float | None = 2.4
    log_prob_threshold: float | None = -1.0
    no_speech_threshold: float | None = 0.6
    condition_on_previous_text: bool | None = None
    prompt_reset_on_temperature: float = 0.5
    carry_initial_prompt: bool = False
    prefix: str | None = None
    suppress_blank: bool = True
    suppress_tokens: tuple[int, ...] = (-1,)
    time_tokens: bool = False
    without_timestamps: bool = False
    max_initial_timestamp: float = 1.0
    max_new_tokens: int | None = None
    prepend_punctuations: str = OPENING
    append_punctuations: str = CLOSING
    multilingual: bool = False
    language_detection_segments: int = 1
    language_detection_threshold: float = 0.5
    hallucination_silence_threshold: float | None = None

    def check(self) -> None:
        """Raise `OptionError` for the first value that is out of its range, naming both."""
        if self.audio_context not in ("auto", "full"):
            _number(
                "audio_context", self.audio_context, SHORTEST_WINDOW, LONGEST_WINDOW, kinds="'auto', 'full' or seconds "
            )
        for name, bounds in NUMBERS.items():
            _number(name, getattr(self, name), *bounds)
        for name, bounds in NUMBERS_OR_NONE.items():
            if getattr(self, name) is not None:
                _number(name, getattr(self, name), *bounds, kinds="None or a number ")
        for name, counts in COUNTS.items():
            if not (name == "max_new_tokens" and self.max_new_tokens is None):
                _count(name, getattr(self, name), *counts)
        for name, (kind, expected) in KINDS.items():
            if not isinstance(getattr(self, name), kind):
                raise OptionError(f"{name}: expected {expected}, found {getattr(self, name)!r}")
        if any(not isinstance(token, int) or token < -1 for token in self.suppress_tokens):
            raise OptionError(f"suppress_tokens: expected token ids, and -1, found {self.suppress_tokens!r}")


NUMBERS = {
    "patience": (0.01, 100.0),
    "length_penalty": (0.0, 100.0),
    "repetition_penalty": (0.01, 100.0),
    "prompt_reset_on_temperature": (0.0, math.inf),
    "max_initial_timestamp": (0.0, LONGEST_WINDOW),
    "language_detection_threshold": (0.0, 1.0),
}
NUMBERS_OR_NONE = {
    "compression_ratio_threshold": (0.0, math.inf),
    "log_prob_threshold": (-math.inf, 0.0),
    "no_speech_threshold": (0.0, 1.0),
    "hallucination_silence_threshold": (0.0, math.inf),
}
COUNTS = {
    "best_of": (1, 100),
    "no_repeat_ngram_size": (0, MOST_TOKENS),
    "language_detection_segments": (1, 1000),
    "max_new_tokens": (1, MOST_TOKENS),
}
FLAG = (bool, "True or False")
KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "window_guards": FLAG,
    "carry_initial_prompt": FLAG,
    "suppress_blank": FLAG,
    "without_timestamps": FLAG,
    "time_tokens": FLAG,
    "multilingual": FLAG,
    "condition_on_previous_text": ((bool, type(None)), "True, False or None"),
    "prefix": ((str, type(None)), "a text"),
    "prepend_punctuations": (str, "a text"),
    "append_punctuations": (str, "a text"),
    "suppress_tokens": (tuple, "token ids"),
}


def _number(name: str, value: object, least: float, most: float, kinds: str = "a number ") -> None:
    """Refuse what is not a number from `least` to `most`."""
    if is_number(value) and least <= value <= most:
        return
    bounds = f"from {least:g} to {most:g}"
    if most == math.inf:
        bounds = f"of {least:g} or more"
    elif least == -math.inf:
        bounds = f"of {most:g} or less"
    raise OptionError(f"{name}: expected {kinds}{bounds}, found {value!r}")


def _count(name: str, value: object, least: int, most: int) -> None:
    """Refuse what is not a whole number from `least` to `most`."""
    if not is_whole(value) or not least <= value <= most:
        raise OptionError(f"{name}: expected a whole number from {least} to {most}, found {value!r}")
