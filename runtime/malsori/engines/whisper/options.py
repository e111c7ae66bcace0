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

    audio_context: seconds of a short clip that are encoded at least; auto: as the bundle says; full: 30. `auto` is the
        clip and a margin, at least the floor, both as the bundle's manifest says; 30 s where it says nothing. A number
        is such a floor.
    window_guards: read again in longer windows, at last of 30 s, what fails in a short one. False takes it as it is.
    best_of: readings drawn at a temperature above 0. The likeliest counts.
    patience: of beam search. See arXiv 2204.05424.
    length_penalty: of beam search. 1 is the mean log-probability.
    repetition_penalty: above 1 repeating is less likely.
    no_repeat_ngram_size: no N tokens are said twice (0: allowed).
    compression_ratio_threshold: above it a text is a loop; or none. It is how much zlib shrinks the text.
    log_prob_threshold: mean per token; below it a reading is poor; or none.
    no_speech_threshold: above it a poor reading is silence; or none. With a no-speech probability above this and a poor
        reading or a loop, or where none counts as poor, there are no words; nor with one above it and a reading of less
        than -0.7 per token, one that is at most 0.2 lower and a poor reading, one above 0.5 or 0.75 in less than 2.5 s,
        or an echo of hot words.
    condition_on_previous_text: lead each window by the text before it (in long stretches only; True: across pauses too;
        False: never). With True stretches of speech wait for each other.
    prompt_reset_on_temperature: text read hotter leads nothing.
    carry_initial_prompt: the initial prompt leads every window. Without, the first alone.
    cut_prompt: of an initial prompt that is too long, its end leads. Without, it is an error.
    prefix: what the text starts with. The first window's reading starts with it; it is part of the result.
    suppress_blank: no empty reading. And no space first.
    suppress_tokens: ids never read (=-1: symbols that nobody speaks).
    time_tokens: the decoder writes times between its words also where attention tells them. Without, it does only in a
        clip of several windows, in one of less than 2.5 s, in a translation, and with `max_new_tokens`; elsewhere it
        reads words alone, which are fewer tokens and are heard better, and a sentence has the time at which the decoder
        listened to it.
    without_timestamps: no times but the clip's, one segment per window. Neither those that the decoder writes nor those
        of where it listened.
    max_initial_timestamp: the latest first time of a window, where the decoder writes times. In seconds.
    max_new_tokens: per window (224).
    prepend_punctuations: that belong to the word behind (the usual marks). Others of these are words by themselves.
    append_punctuations: that belong to the word before (the usual marks). Others of these are words by themselves.
    multilingual: tell the language in each window anew, where none is given.
    language_detection_segments: windows listened to for the language. Of 30 s; fewer when one is surer than the
        threshold.
    language_detection_threshold: sure enough to listen to no more.
    hallucination_silence_threshold: drop text that nobody can have spoken amid a silence that long, by word times
        (none). In seconds.
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
