"""What may be asked of an engine: what every family takes, and the families' own. No numpy here."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from ..errors import Cancelled, OptionError
from ..kinds import Choice, Count, Function, Kind, Number, Switch, is_finite, number_in
from ..languages import alternatives_to, code_of, knows
from ..option import check, group, option, values_of
from .ctc.options import MOST_BEAM, CtcOptions
from .whisper.options import WhisperOptions

if TYPE_CHECKING:
    from ..bundles.manifest import Manifest

HOTWORD_WEIGHT = 8.0  # of a hot word without its own: it wins over a reading that is up to 3000 times likelier
HEAVIEST = 100.0

Task: TypeAlias = Literal["transcribe", "translate"]


@dataclass(frozen=True, slots=True)
class HotWord:
    """A word to listen for; a reading with it wins over one without that is up to e^`weight` times likelier."""

    text: str
    weight: float


class Language(Kind):
    """A language by its code or its English name, kept as the code; in a text `auto` is none."""

    expected, metavar = "a code or an English name, such as ko or Korean", "LANGUAGE"
    wrong = "{name} must be {expected}, found {value!r}"
    schema: Mapping[str, Any] = {"type": "string", "pattern": "\\S"}

    def read(self, text: str) -> str | None:
        code = code_of(text)
        return None if code == "auto" else code

    def plain(self, value: Any) -> Any:
        return self.read(value) if isinstance(value, str) else value

    def allows(self, value: Any) -> bool:
        return isinstance(value, str) and value.strip() != ""


class LanguagesKind(Kind):
    """Several languages, kept as their codes; in a text with commas between."""

    expected, metavar = "codes or English names, such as ko,en", "LANGUAGES"
    wrong = "{name} must be {expected}, found {value!r}"
    schema: Mapping[str, Any] = {"type": "array", "items": Language.schema}

    def read(self, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(code_of(part) for part in text.split(",") if part.strip()))

    def plain(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.read(value)
        # An iterator would be empty at the second batch.
        if not isinstance(value, Collection) or not all(isinstance(each, str) for each in value):
            return value
        return tuple(dict.fromkeys(map(code_of, value)))

    def allows(self, value: Any) -> bool:
        return isinstance(value, tuple) and all(isinstance(code, str) and code.strip() for code in value)


class Temperatures(Kind):
    """One temperature or several, kept as several; in a text with commas between."""

    expected, metavar = "0 or more", "T"
    wrong = "{name} must be {expected}, found {value!r}"
    schema: Mapping[str, Any] = {
        "anyOf": [Number(0).schema, {"type": "array", "items": Number(0).schema, "minItems": 1}]
    }

    def read(self, text: str) -> tuple[float, ...]:
        return tuple(number_in(part, "numbers such as 0 or 0,0.2,0.4") for part in text.split(","))

    def plain(self, value: Any) -> Any:
        return tuple(value) if isinstance(value, (list, tuple)) else (value,)

    def allows(self, value: Any) -> bool:
        return isinstance(value, tuple) and bool(value) and all(is_finite(heat) and heat >= 0 for heat in value)


class HotWordsKind(Kind):
    """Words, in a list, as a mapping to weights, or in a text with commas between and weights behind colons."""

    expected, metavar = "a list of words or a mapping from words to weights", "WORDS"
    _weights: Mapping[str, Any] = {"type": "object", "additionalProperties": Number(0, HEAVIEST, above=True).schema}
    schema: Mapping[str, Any] = {"anyOf": [Kind.schema, {"type": "array", "items": Kind.schema}, _weights]}

    def read(self, text: str) -> tuple[HotWord, ...]:
        return weighted(text.split(","))

    def plain(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.read(value)
        # An iterator would be empty at the second batch.
        if not isinstance(value, Collection) or not all(isinstance(word, str) for word in value):
            return value
        pairs = value.items() if isinstance(value, Mapping) else ((word, HOTWORD_WEIGHT) for word in value)
        return tuple(HotWord(composed(word), weight) for word, weight in pairs)

    def allows(self, value: Any) -> bool:
        return isinstance(value, tuple) and all(isinstance(word, HotWord) for word in value)

    def check(self, name: str, value: Any) -> None:
        super().check(name, value)
        for word in value:
            if not (is_finite(word.weight) and 0 < word.weight <= HEAVIEST):
                raise OptionError(
                    f"{name}: expected a weight above 0, at most {HEAVIEST:g}, for {word.text!r}, found {word.weight!r}"
                )


def weighted(parts: Iterable[str]) -> tuple[HotWord, ...]:
    """Return hot words of texts, each with a weight behind a colon or without one. Raises `OptionError`."""
    weights: dict[str, float] = {}
    for part in filter(None, map(str.strip, parts)):
        word, _, weight = part.partition(":")
        try:
            weights[word.strip()] = float(weight) if weight else HOTWORD_WEIGHT
        except ValueError:
            raise OptionError(f"expected WORD or WORD:WEIGHT, found {part!r}") from None
    return tuple(HotWord(composed(word), weight) for word, weight in weights.items())


def composed(text: str) -> str:
    """Return a text in Unicode's composed form: decomposed Hangul is 18 tokens of Whisper's where composed is 2."""
    return unicodedata.normalize("NFC", text)


class PromptKind(Kind):
    """A text for a model to read."""

    def plain(self, value: Any) -> Any:
        return composed(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How to turn clips into words; one that a family does not have is an `OptionError` unless it is at its default.

    language: the language that is spoken, such as ko or korean (detected). It is given as an ISO 639-1 code, a tag, or
        an English name. Without one it is detected, once per recording.
    languages: languages among which that of a recording is detected (all of the model). The probability of the detected
        one is then that among them.
    task: translate writes in English what was spoken, where the model can.
    word_timestamps: give each word its times and its probability, in json. A segment then begins with its first word
        and ends with its last. Without this option it does so too, but for Whisper where the decoder writes times
        (`time_tokens`), in steps of 0.02 s.
    initial_prompt: a text that counts as said before, for spelling and style (Whisper). It stands before each stretch
        of speech.
    beam_size: hypotheses that the search keeps (1; Whisper 5 where that is unsure or it reads 20 s and more at once,
        CTC 16 with hot words, a language model or alternatives).
    temperature: temperature of the decoder, or several to try (0,0.2,...,1; Whisper). They are tried in order until a
        reading passes the guards.
    batch_size: most stretches of speech that are read at a time. It changes memory and speed, never the words. Whisper
        is given up to twice as many, and reads several windows at a time on a CPU, each on a thread of its own; a CTC
        model reads them in one call, in int8 one after another.
    hotwords: words to listen for, such as 침실,거실:12,불*; CTC: a weight (8), at most 100; * takes any ending. With
        CTC models a reading with a hot word wins over one without that is up to e^weight times likelier, and `침실*`
        also takes 침실을. Whisper takes them for words said before, and so hears them in noise, too: a reading of
        little else than them (or of the initial prompt) is made again without, which counts where the model then hears
        nobody.
    cancelled: function that is asked before each engine call and while a recording is read; once it returns True,
        `Cancelled` is raised. What was held of the recording is given back.

    Of the engine alone: `live` tells that somebody waits for the words, so that each call is to be short, where
    otherwise much is to be heard in a time; `progress` gets the seconds of sound that were read, as they are.
    """

    language: str | None = option(None, Language(or_none=True), "--language", "-l")
    languages: tuple[str, ...] = option((), LanguagesKind())
    task: Task = option("transcribe", Choice(*get_args(Task)))
    word_timestamps: bool = option(False, Switch())
    initial_prompt: str | None = option(None, PromptKind(or_none=True), family="Whisper")
    beam_size: int | None = option(None, Count(MOST_BEAM, or_none=True), "--beam-size", "--beam-width")
    temperature: tuple[float, ...] = option((0.0, 0.2, 0.4, 0.6, 0.8, 1.0), Temperatures(), family="Whisper")
    batch_size: int = option(8, Count())
    hotwords: tuple[HotWord, ...] = option((), HotWordsKind())
    ctc: CtcOptions = group(CtcOptions(), "CTC")
    whisper: WhisperOptions = group(WhisperOptions(), "Whisper")
    live: bool = False
    cancelled: Callable[[], bool] | None = option(None, Function(or_none=True))
    progress: Callable[[float], None] | None = None

    def check_cancelled(self) -> None:
        """Raise `Cancelled` when the caller no longer wants the result."""
        if self.cancelled is not None and self.cancelled():
            raise Cancelled


def check_asked(manifest: Manifest, options: DecodeOptions, family: str | None = None) -> None:
    """Raise `OptionError` for a value that no model has, and for what the manifest or the family rules out."""
    check(options)
    name, languages = manifest.name, manifest.languages
    if options.task not in manifest.tasks:
        way_out = "; a multilingual Whisper can: malsori models pull base, then --model base"
        there = ", ".join(manifest.tasks) + (way_out if options.task == "translate" else "")
        raise OptionError(f"{name} cannot {options.task}, only {there}")
    for language in (*options.languages, *([] if options.language is None else [options.language])):
        if languages and not knows(languages, language):
            others = alternatives_to(language, languages, f"malsori models show {name}")
            raise OptionError(f"{name} does not know the language {language!r}{others}")
    for own, kept, value in values_of(options):
        if family is not None and kept.family not in ("", family) and kept.differs(value):
            raise OptionError(f"{name} has no {own}; that is an option of {kept.family} models")


def candidates(manifest: Manifest, options: DecodeOptions) -> tuple[str, ...]:
    """Return the languages of the model that may be heard where none is given: those asked for, or else all of them."""
    asked = tuple(code for code in manifest.languages if code_of(code) in options.languages)
    return asked or manifest.languages
