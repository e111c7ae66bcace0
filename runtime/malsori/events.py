"""The events of a stream. Times are seconds on the stream's clock, which counts samples and nothing else.

    SpeechStarted(1, at=0.42)
    Partial(1, "침실 온", stable="침실")
    Partial(1, "침실 온도를", stable="침실 온")
    SpeechEnded(1, at=3.9)
    Final(1, "침실 온도를 이십육 도로 맞춰 주세요")

`seq` numbers the utterances of a stream from 1. The JSON forms are those that `malsori live` prints and the services
send.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from .joining import mean_probability
from .types import Segment, Word


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Utterance `seq` has begun at `at`, which is a little before its speech."""

    seq: int
    at: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the event."""
        return {"type": "speech_start", "seq": self.seq, "at": round(self.at, 3)}


@dataclass(frozen=True, slots=True)
class Partial:
    """The text of the open utterance so far, between `start` and `end`.

    `text` begins with `stable`, which no later partial of the utterance changes; the rest of it may change with more
    sound. The final may differ from both.
    """

    seq: int
    text: str
    stable: str
    start: float
    end: float
    model: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the event."""
        return {
            "type": "partial",
            "seq": self.seq,
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "text": self.text,
            "stable": self.stable,
            "model": self.model,
        }


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """Utterance `seq` has ended at `at`; its final follows."""

    seq: int
    at: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the event."""
        return {"type": "speech_end", "seq": self.seq, "at": round(self.at, 3)}


@dataclass(frozen=True, slots=True)
class Final:
    """The text of a closed utterance, never changed afterwards; finals come in order and do not overlap.

    The text is that of the same stretch in a file, except that a language that is not given is detected for each
    utterance of a stream and once for a file. It is empty where no words were heard. `segments` are on the stream's
    clock.
    """

    seq: int
    text: str
    start: float
    end: float
    segments: tuple[Segment, ...]
    language: str
    language_probability: float
    model: str

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of all segments; none unless word times were asked for."""
        return tuple(word for segment in self.segments for word in segment.words)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; `confidence` only of words, `words` and `alternatives` only where they were asked for.

        `start` and `end` are those of the utterance, padding included; its words lie within.
        """
        fields: dict[str, Any] = {
            "type": "final",
            "seq": self.seq,
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "text": self.text,
            "language": self.language,
            "language_probability": round(self.language_probability, 4),
            "model": self.model,
        }
        if self.segments:
            fields["confidence"] = round(mean_probability([segment.confidence for segment in self.segments]), 4)
        if self.words:
            fields["words"] = [word.to_dict() for word in self.words]
        if alternatives := [each.to_dict() for segment in self.segments for each in segment.alternatives]:
            fields["alternatives"] = alternatives
        return fields


@dataclass(frozen=True, slots=True)
class StreamWarning:
    """Something was lost or mended: `code` for programs, `message` for people, `seconds` of sound concerned, at `at`.

    Codes: `dropped_audio` (sound that is not recognised), `mended_audio` (samples that were not numbers, or beyond full
    scale), `dropped_partials` (the engine was late or, with `seq`, failed while that utterance was open; finals are
    complete), `engine_error` (utterance `seq` could not be recognised and has no final), `lost_microphone` (it is tried
    until it is back), `ignored_option` (an option that has no effect), `demonstration` (no model was named, and the one
    taken knows synthetic speech only).
    """

    code: str
    message: str
    at: float
    seconds: float = 0.0
    seq: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the event; `seq` only where an utterance is concerned."""
        fields: dict[str, Any] = {
            "type": "warning",
            "code": self.code,
            "message": self.message,
            "at": round(self.at, 3),
            "seconds": round(self.seconds, 3),
        }
        return fields if self.seq is None else fields | {"seq": self.seq}


Event: TypeAlias = SpeechStarted | Partial | SpeechEnded | Final | StreamWarning
