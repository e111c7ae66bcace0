"""The types that all layers share: sound, spans of it, and the words in it.

Positions are integer samples (`Span`); only results have seconds (`Word`, `Segment`, `Transcript`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

SAMPLE_RATE = 16_000  # Hz, of every `Audio`
UNKNOWN = "und"  # ISO 639's code for a language that could not be determined

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A text at run time, so that help, options and bundles load no numpy; `malsori.Audio` is the type itself.
Audio: TypeAlias = "NDArray[np.float32]"
"""Sound inside malsori: float32, shape `(samples,)`, mono, 16 kHz, in [-1, 1]."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Samples `[start, stop)` on the clock of a clip, recording or stream."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self) / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Word:
    """One word, punctuation included. `start` and `end` are seconds; `probability` is in [0, 1].

    `spaced`: a space stands before it in the text, as before a segment's first word. `written` joins words to a text.
    """

    text: str
    start: float
    end: float
    probability: float
    spaced: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the word, with `spaced` only where it is false."""
        fields: dict[str, Any] = {
            "word": self.text,
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "probability": round(self.probability, 4),
        }
        return fields if self.spaced else fields | {"spaced": False}

    def shifted(self, seconds: float) -> Word:
        """Return the word with times that are `seconds` later."""
        return replace(self, start=self.start + seconds, end=self.end + seconds)


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another text of a segment.

    `log_probability` (natural logarithm) is that of the text by the sound alone, summed over the alignments searched;
    `score` is that plus what hot words and a language model added, and ranks the texts.
    """

    text: str
    score: float
    log_probability: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the alternative."""
        return {"text": self.text, "score": round(self.score, 4), "log_probability": round(self.log_probability, 4)}


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence or so, with its text. `start` and `end` are seconds; `confidence` is in [0, 1].

    `words` is empty in a transcript unless word times were asked for, `alternatives` unless several were; the first is
    the text itself. From Whisper only: `no_speech_prob`, `compression_ratio`, `window_s` (seconds of sound that
    the encoder saw), `retried`: a shorter window had looped or not ended, and the `temperature` of its reading.
    `language` is set where each window, or channel, may have its own, `speaker` in a split recording. `tokens` are
    those of the text, without special ones and times, or none where it was put together.
    """

    text: str
    start: float
    end: float
    confidence: float
    words: tuple[Word, ...] = ()
    no_speech_prob: float | None = None
    compression_ratio: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    window_s: float | None = None
    retried: bool = False
    language: str | None = None
    tokens: tuple[int, ...] = ()
    temperature: float | None = None
    speaker: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the segment, without fields that its engine does not set, tokens and temperature."""
        fields: dict[str, Any] = {
            "text": self.text,
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "confidence": round(self.confidence, 4),
        }
        if self.speaker is not None:
            fields["speaker"] = self.speaker
        if self.words:
            fields["words"] = [word.to_dict() for word in self.words]
        if self.no_speech_prob is not None:
            fields["no_speech_prob"] = round(self.no_speech_prob, 4)
        if self.compression_ratio is not None:
            fields["compression_ratio"] = round(self.compression_ratio, 3)
        if self.window_s is not None:
            fields["window_s"] = round(self.window_s, 2)
            fields["retried"] = self.retried
        if self.language is not None:
            fields["language"] = self.language
        if self.alternatives:
            fields["alternatives"] = [alternative.to_dict() for alternative in self.alternatives]
        return fields

    def shifted(self, seconds: float) -> Segment:
        """Return the segment with times, its words' too, that are `seconds` later."""
        words = tuple(word.shifted(seconds) for word in self.words)
        return replace(self, start=self.start + seconds, end=self.end + seconds, words=words)


WORDLESS_S = 3.0  # seconds: a longer gap between two words is no pause but sound without words

_Unread: TypeAlias = Literal["gate", "clip_timestamps", "inaudible", "filled", "crosstalk"]
Why: TypeAlias = Literal[_Unread, "no_speech", "made_up", "implausible", "no_words", "cut_off"]  # see `LeftOut`


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Sound without words: why, whose (in a split recording), and which spans, ascending and apart, samples at 16 kHz.

    gate: the gate found no speech in it, and no model read it.
    clip_timestamps: it is outside of the parts that were asked for.
    inaudible: it is quieter than -80 dBFS, and no model read it.
    no_speech: a model found that nobody speaks in it.
    made_up: a model read a text that it makes up in noise: phrases of videos, hot words, a loop.
    implausible: a model read words that cannot have been spoken, amid silence (`hallucination_silence_threshold`).
    no_words: a model read no words in `WORDLESS_S` or more, or in a whole stretch.
    cut_off: the reading ended at the most tokens that it may have; the whole window where nothing says how far.
    filled: silence in place of a gap or damage in the recording.
    crosstalk: the channel only holds what leaks into it from another one.
    """

    why: Why
    spans: tuple[Span, ...]
    speaker: str | None = None

    @property
    def seconds(self) -> float:
        """Length of all spans."""
        return sum(map(len, self.spans)) / SAMPLE_RATE

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, in seconds."""
        spans = [[round(span.start / SAMPLE_RATE, 3), round(span.stop / SAMPLE_RATE, 3)] for span in self.spans]
        whose = {"speaker": self.speaker} if self.speaker else {}
        return {"why": self.why, **whose, "seconds": round(self.seconds, 3), "spans": spans}


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a recording has words, in seconds: `decoded` is the sum of `read` and `left_out`.

    `spoken` is the speech that the gate found, padding included, None without a gate; `read` is the sound that has
    words, with pauses of less than `WORDLESS_S`. Of a split recording these are sums over its channels.
    """

    decoded: float
    spoken: float | None
    read: float
    left_out: tuple[LeftOut, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "decoded_s": round(self.decoded, 3),
            "spoken_s": None if self.spoken is None else round(self.spoken, 3),
            "read_s": round(self.read, 3),
            "left_out": [each.to_dict() for each in self.left_out],
        }


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What an engine heard in one clip; times and samples count from the clip's own start.

    `cut_off` is how many readings ended at the most tokens and not by themselves, with nothing read behind them;
    `passed` is the sound without words, as far as the engine knows why.
    """

    segments: tuple[Segment, ...]
    language: str
    language_probability: float
    cut_off: int = 0
    passed: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """The result for one recording, from any family of models.

    `duration` is the recording's length in seconds; `language` an ISO 639-1 code and `language_probability` its
    probability (1.0 when it was given or the model knows only one), or `und` and 0.0 where it is unknown; `warnings`
    has a line for each kind of fault mended in the recording; `coverage` is None for an aligned text and for a stream.
    """

    text: str
    language: str
    language_probability: float
    duration: float
    segments: tuple[Segment, ...]
    model: str
    warnings: tuple[str, ...] = ()
    coverage: Coverage | None = None

    def without_words(self) -> Transcript:
        """Return the transcript with segments that have no words."""
        return replace(self, segments=tuple(replace(segment, words=()) for segment in self.segments))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form that the command, the writers and the services share."""
        return {
            "text": self.text,
            "language": self.language,
            "language_probability": round(self.language_probability, 4),
            "duration": round(self.duration, 3),
            "model": self.model,
            "segments": [segment.to_dict() for segment in self.segments],
            "warnings": list(self.warnings),
            "coverage": None if self.coverage is None else self.coverage.to_dict(),
        }
