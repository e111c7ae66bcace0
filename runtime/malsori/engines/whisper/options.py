"""What may be asked of Whisper's decoding: faster-whisper's names and openai/whisper's values where both have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ...kinds import Kind, Number, Switch, Threshold, Whole, is_whole, not_read, number_in
from ...option import option
from ..word_breaks import CLOSING, OPENING

AudioContext: TypeAlias = Literal["auto", "full"] | float
SHORTEST_WINDOW, LONGEST_WINDOW = 1.0, 30.0  # seconds that a window may have
TEXT_POSITIONS = 448  # of the decoder; half of them at most are new text
MOST_TOKENS = TEXT_POSITIONS // 2  # 224


class WindowKind(Number):
    """Seconds of sound, or a word for them."""

    def __init__(self) -> None:
        super().__init__(SHORTEST_WINDOW, LONGEST_WINDOW, "'auto', 'full' or seconds")
        self.schema = {"anyOf": [{"enum": ["auto", "full"]}, self.schema]}

    def read(self, text: str) -> Any:
        word = text.lower()
        return word if word in ("auto", "full") else number_in(text, "auto, full or seconds such as 10")

    def allows(self, value: Any) -> bool:
        return value in ("auto", "full") if isinstance(value, str) else super().allows(value)


class TokenIds(Kind):
    """Ids of tokens, and -1; in a text with commas between."""

    expected, metavar = "token ids, and -1", "IDS"
    schema: Mapping[str, Any] = {"type": "array", "items": Whole(-1).schema}

    def read(self, text: str) -> tuple[int, ...]:
        try:
            return tuple(int(part) for part in text.split(",") if part.strip())
        except ValueError:
            raise not_read(text, "ids such as --suppress-tokens=-1,220") from None

    def plain(self, value: Any) -> Any:
        return () if value is None else tuple(value) if isinstance(value, list) else value

    def allows(self, value: Any) -> bool:
        return isinstance(value, tuple) and all(is_whole(token) and token >= -1 for token in value)


@dataclass(frozen=True, slots=True)
class WhisperOptions:
    """How Whisper decodes.

    audio_context: seconds of a short clip that are encoded at least; auto: as the bundle says; full: 30. With `auto`
        the window is the clip and a margin, and at least the floor, both as the bundle's manifest says; it is 30 s
        where the manifest says nothing. A number is such a floor.
    window_guards: read again in longer windows, at last of 30 s, what fails in a short one. False keeps the reading of
        the short one.
    best_of: readings that are drawn at a temperature above 0, of which the likeliest counts.
    patience: factor by which beam search goes on longer. See arXiv 2204.05424.
    length_penalty: power of the length by which beam search divides a score. With 1 the score is the mean
        log-probability.
    repetition_penalty: factor above 1 that makes tokens less likely which were read before.
    no_repeat_ngram_size: no sequence of this many tokens is read twice (0: allowed).
    compression_ratio_threshold: compression ratio above which a text is a loop; or none. The ratio is how much zlib
        shrinks the text.
    log_prob_threshold: mean log-probability per token below which a reading is poor; or none.
    no_speech_threshold: no-speech probability above which a poor reading is silence; or none. There are no words where
        the probability is above this and the reading is poor, or a loop, or less than -0.7 per token, or where no
        reading counts as poor; where it is at most 0.2 lower and the reading is poor; in less than 2.5 s, where it is
        above 0.75, or above 0.5 and the reading less than -0.7 per token; and where the reading is an echo of hot
        words.
    condition_on_previous_text: lead each window by the text before it (in long stretches only; True: across pauses too;
        False: never). With True each stretch of speech waits for the one before.
    prompt_reset_on_temperature: a text that was read at a higher temperature than this leads no window.
    carry_initial_prompt: the initial prompt leads every window. Without this option it leads the first alone.
    cut_prompt: an initial prompt that is too long leads with its end. Without this option it is an error.
    prefix: what the text starts with. The reading of the first window starts with it, and it is part of the result.
    suppress_blank: no reading is empty or begins with a space.
    suppress_tokens: ids of tokens that are never read (=-1: symbols that nobody speaks).
    time_tokens: the decoder writes times between its words also where attention tells them. Without this option it does
        so only in a clip of several windows, in one of less than 2.5 s, in a translation, and with `max_new_tokens`.
        Elsewhere it reads words alone, which are fewer tokens and are heard better, and a sentence has the time at
        which the decoder listened to it.
    without_timestamps: one segment per window, with no times but the clip's. Neither the times that the decoder writes
        count nor those at which it listened.
    max_initial_timestamp: latest time in seconds that a window may begin with, where the decoder writes times.
    max_new_tokens: most tokens that are read in a window (224).
    prepend_punctuations: marks that belong to the word behind them (the usual marks). A usual mark that is left out is
        a word by itself.
    append_punctuations: marks that belong to the word before them (the usual marks). A usual mark that is left out is a
        word by itself.
    multilingual: tell the language in each window anew, where none is given.
    language_detection_segments: windows of 30 s that are listened to for the language. There are fewer when one is
        surer than the threshold.
    language_detection_threshold: probability of a language above which no further window is listened to.
    hallucination_silence_threshold: drop text that nobody can have spoken amid so many seconds of silence, by word
        times (none).
    """

    audio_context: AudioContext = option("auto", WindowKind())
    window_guards: bool = option(True, Switch())
    best_of: int = option(5, Whole(1, 100))
    patience: float = option(1.0, Number(0.01, 100))
    length_penalty: float = option(1.0, Number(0, 100))
    repetition_penalty: float = option(1.0, Number(0.01, 100))
    no_repeat_ngram_size: int = option(0, Whole(0, MOST_TOKENS))
    compression_ratio_threshold: float | None = option(2.4, Threshold(0))
    log_prob_threshold: float | None = option(-1.0, Threshold(most=0), "--log-prob-threshold", "--logprob-threshold")
    no_speech_threshold: float | None = option(0.6, Threshold(0, 1))
    condition_on_previous_text: bool | None = option(None, Switch(or_none=True, expected="True, False or None"))
    prompt_reset_on_temperature: float = option(0.5, Number(0))
    carry_initial_prompt: bool = option(False, Switch())
    cut_prompt: bool = option(False, Switch())
    prefix: str | None = option(None, Kind(or_none=True))
    suppress_blank: bool = option(True, Switch())
    suppress_tokens: tuple[int, ...] = option((-1,), TokenIds())
    time_tokens: bool = option(False, Switch())
    without_timestamps: bool = option(False, Switch())
    max_initial_timestamp: float = option(1.0, Number(0, LONGEST_WINDOW))
    max_new_tokens: int | None = option(None, Whole(1, MOST_TOKENS, or_none=True))
    prepend_punctuations: str = option(OPENING, Kind())
    append_punctuations: str = option(CLOSING, Kind())
    multilingual: bool = option(False, Switch())
    language_detection_segments: int = option(1, Whole(1, 1000))
    language_detection_threshold: float = option(0.5, Number(0, 1))
    hallucination_silence_threshold: float | None = option(None, Threshold(0))
