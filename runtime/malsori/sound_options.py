"""What may be asked of a recording before a model hears it: how it is read, and where speech is. No numpy here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .errors import OptionError
from .kinds import LEAST_RATE, MOST_CHANNELS, MOST_RATE, Kind, Number, Seconds, Switch, Whole, is_number, not_read
from .option import check, nearest, option, schema

_HYSTERESIS = 0.15  # default distance between the two thresholds, as in Silero's own utilities
LONGEST_SPAN = 30.0  # seconds of a span where nobody says how long one may be
MIN_SILENCE_MS, PADDING_MS = 500, 200  # where nobody says anything
FASTER_WHISPERS = {  # keys of its `vad_parameters`
    "min_speech_duration_ms": "min_speech_ms",
    "max_speech_duration_s": "max_speech_s",
    "min_silence_duration_ms": "min_silence_ms",
    "speech_pad_ms": "padding_ms",
}


class TrackKind(Kind):
    """A number from 1 on, or a language as files tag it."""

    expected, metavar = "a number from 1 on or a language such as kor", "TRACK"
    wrong = "{name} must be {expected}, found {value!r}"
    schema: Mapping[str, Any] = {"anyOf": [Whole(1).schema, {"type": "string", "pattern": "^\\s*[^-\\s]"}]}

    def allows(self, value: Any) -> bool:
        number = isinstance(value, int) and not isinstance(value, bool)
        text = str(value).strip() if number or isinstance(value, str) else ""
        return bool(text) and not text.startswith("-") and text.strip("0") != ""


class ChannelsKind(Kind):
    """What is heard of several channels: their mix, each by itself, or one of them by its number from 1 on."""

    expected, metavar = "mix, split, or the number of a channel from 1 on", "CHANNELS"
    schema: Mapping[str, Any] = {"anyOf": [{"enum": ["mix", "split"]}, Whole(1, MOST_CHANNELS).schema]}

    def read(self, text: str) -> Any:
        value = self.plain(text)
        if not self.allows(value):
            raise not_read(text, self.expected)
        return value

    def plain(self, value: Any) -> Any:
        return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value

    def allows(self, value: Any) -> bool:
        return value in ("mix", "split") if isinstance(value, str) else Whole(1, MOST_CHANNELS).allows(value)


class SpeakerNames(Kind):
    """Names, no two of them the same; in a text with commas between."""

    expected, metavar = "different names of one line each, such as agent,customer", "NAMES"
    schema: Mapping[str, Any] = {"type": "array", "items": {"type": "string"}, "maxItems": MOST_CHANNELS}

    def read(self, text: str) -> Any:
        names = self.plain(text)
        if not names or not self.allows(names):
            raise not_read(text, self.expected)
        return names

    def plain(self, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(","))
        return tuple(value) if isinstance(value, list) else value

    def allows(self, value: Any) -> bool:
        named = isinstance(value, tuple) and all(isinstance(name, str) and name.strip() for name in value)
        return named and len(set(value)) == len(value) and all(name.isprintable() for name in value)


class Milliseconds(Number):
    """A number of milliseconds, of which flags take whole ones."""

    metavar = "MS"

    def __init__(self, *, or_none: bool = False) -> None:
        super().__init__(0, unit="milliseconds", finite=True, or_none=or_none)

    def read(self, text: str) -> float:
        return Whole().read(text)

    def check(self, name: str, value: Any) -> None:
        if value is not None and not is_number(value):
            raise OptionError(f"{name}: expected a number, found {value!r}")
        super().check(name, value)


@dataclass(frozen=True, slots=True)
class GateOptions:
    """What counts as a span of speech. Where a default is said to be that of a family, it is None.

    threshold: probability of speech from which on a frame is speech.
    neg_threshold: probability of speech below which speech ends (0.15 less than `threshold`).
    min_speech_ms: speech that is shorter than this is left out.
    min_silence_ms: a pause of this length ends a span of speech (500, Whisper 1000; of a stream as --endpointing). A
        pause that is shorter than `padding_ms` never does, because the padding would fill it. The 1000 are for files
        that Whisper reads, where several spans fill a window.
    padding_ms: sound that is added on both sides of speech (200, Whisper 400). It goes as far as the neighbours and the
        ends of the clip. The 400 are for files that Whisper reads.
    max_speech_s: speech that is longer than this is cut (Whisper 28, CTC 120). The padding is included; a gate alone
        cuts at 30. What is given is the longest stretch that any model gets, also without the gate.
    hesitation_ms: the least pause that ends what follows on a hesitation. Who goes on within a second of the end of a
        span hesitates: what he says then ends after a pause of this length, if that is longer than the usual one.
    """

    threshold: float = option(0.5, Number(0, 1, above=True), "--vad-threshold")
    neg_threshold: float | None = option(None, Number(0, 1, or_none=True))
    min_speech_ms: int = option(100, Milliseconds(), "--vad-min-speech-duration-ms")
    min_silence_ms: int | None = option(None, Milliseconds(or_none=True), "--vad-min-silence-duration-ms")
    padding_ms: int | None = option(None, Milliseconds(or_none=True), "--vad-speech-pad-ms")
    max_speech_s: float | None = option(None, Number(0, above=True, or_none=True), "--vad-max-speech-duration-s")
    hesitation_ms: int = option(0, Milliseconds(), "--vad-hesitation-ms")

    def __post_init__(self) -> None:
        check(self)
        if self.neg_threshold is not None and self.neg_threshold > self.threshold:
            raise OptionError(f"neg_threshold: expected 0 to {self.threshold}, found {self.neg_threshold}")
        least = (self.min_speech_ms + 2 * self.padding) / 1_000 + 0.5
        if not self.longest >= least:
            raise OptionError(f"max_speech_s: expected at least {least:g} with this padding, found {self.longest:g}")

    @property
    def release(self) -> float:
        """The threshold below which speech ends."""
        return max(self.threshold - _HYSTERESIS, 0.01) if self.neg_threshold is None else self.neg_threshold

    @property
    def silence(self) -> int:
        """The pause that ends a span in milliseconds, also where none was given."""
        return MIN_SILENCE_MS if self.min_silence_ms is None else self.min_silence_ms

    @property
    def padding(self) -> int:
        """What a span is widened by in milliseconds, also where nothing was given."""
        return PADDING_MS if self.padding_ms is None else self.padding_ms

    @property
    def longest(self) -> float:
        """The longest span in seconds, also where none was given."""
        return LONGEST_SPAN if self.max_speech_s is None else self.max_speech_s


DEFAULT_GATE = GateOptions()


class GateKind(Kind):
    """How speech is found: `GateOptions`, or a mapping of their names or of faster-whisper's to values."""

    expected = "GateOptions, such as malsori.endpointing('eager')"
    schema = schema(GateOptions)

    def plain(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        known = [spec.name for spec in fields(GateOptions)]
        for alias, name in FASTER_WHISPERS.items():
            if alias in value and name in value:
                raise OptionError(f"vad_parameters: {alias} and {name} are two names of one option; give one of them")
        named = {FASTER_WHISPERS.get(str(name), str(name)): each for name, each in value.items()}
        if unknown := [name for name in named if name not in known]:
            hint = nearest(unknown[0], [*known, *FASTER_WHISPERS]) or f"; there are {', '.join(known)}"
            raise OptionError(f"vad_parameters: there is no {unknown[0]!r}{hint}")
        return GateOptions(**named)

    def allows(self, value: Any) -> bool:
        return isinstance(value, GateOptions)


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How a recording is read.

    allow_truncated: take what is there of a file that was cut off or damaged. A warning then tells of it, and silence
        takes the place of what does not decode; without this option, such a file is an error.
    track: the sound track to read: 1, 2, ..., or a language such as kor (the default one). The default track is the one
        that the file marks so, else the first.
    channels: what is heard of a recording with several channels: their mix, each by itself (split), or one, by its
        number from 1 on. Of a split recording each segment says whose it is: left or right of two channels, others as
        the file names them. Where a channel only holds what leaks into it from another, it is silenced first, and
        channels that are all the same are heard once, as their mix.
    speakers: names for the channels of a split recording, in their order (left, right, ...).
    start_at_zero: count times from the first sound, not from the beginning of the file. The silence that stands for
        sound which begins later than the file is then left out.
    sample_rate: rate in Hz of a source that is an array of samples (16,000). Files say theirs.
    max_seconds: refuse a recording that is longer. What its header claims counts, and what is read.
    """

    allow_truncated: bool = option(False, Switch())
    track: int | str | None = option(None, TrackKind(or_none=True))
    channels: int | str = option("mix", ChannelsKind())
    speakers: tuple[str, ...] | list[str] = option((), SpeakerNames())
    start_at_zero: bool = option(False, Switch())
    sample_rate: float | None = option(
        None, Number(LEAST_RATE, MOST_RATE, "a whole number of Hz", step=1, or_none=True)
    )
    max_seconds: float | None = option(None, Number(0, unit="seconds", above=True, or_none=True))


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """Which stretches of a recording are heard.

    vad: recognise only where speech is found. False hands over the whole recording: to Whisper in one clip, to CTC
        models in stretches of up to 120 s, cut where it is quietest.
    gate: how speech is found.
    clip_timestamps: recognise only these stretches: from,to,from,to in seconds. They take the place of the gate.
        Without the last end the last stretch goes on to the end of the recording.
    """

    vad: bool = option(True, Switch(), "--vad", "--vad-filter")
    gate: GateOptions = option(DEFAULT_GATE, GateKind())
    clip_timestamps: tuple[float, ...] | list[float] = option((), Seconds())
