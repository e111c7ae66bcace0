"""The result of `align`: the words and characters of a text, with times and scores."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from .joining import mean_probability
from .types import UNKNOWN, Segment, Transcript, Word


@dataclass(frozen=True, slots=True)
class AlignedCharacter:
    """One character of a text. `start` and `end` are seconds; `score` is in [0, 1].

    The score is the model's highest probability of the character, 0 for one that is not in its vocabulary. A character
    that is not spoken, such as a comma, has no length.
    """

    text: str
    start: float
    end: float
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the character."""
        return {
            "character": self.text,
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "score": round(self.score, 4),
        }


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """One word, spelled as in the text, on its `line` from 0. `start` and `end` are seconds; `score` is in [0, 1].

    The score is the geometric mean over the letters in the model's vocabulary, 0 for none. A low score means that
    something else was spoken.
    """

    text: str
    start: float
    end: float
    score: float
    line: int
    characters: tuple[AlignedCharacter, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the word."""
        return {
            "word": self.text,
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "score": round(self.score, 4),
            "line": self.line,
            "characters": [character.to_dict() for character in self.characters],
        }


@dataclass(frozen=True, slots=True)
class Alignment:
    """A text aligned with a recording: all of its words, in order.

    `duration` is the recording's length in seconds; `language` that of a model which knows only one, else `und`;
    `warnings` has a line for each kind of fault mended in the recording, and one if most words were not found in it.
    """

    text: str
    language: str
    duration: float
    words: tuple[AlignedWord, ...]
    model: str
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the alignment."""
        return {
            "text": self.text,
            "language": self.language,
            "duration": round(self.duration, 3),
            "model": self.model,
            "words": [word.to_dict() for word in self.words],
            "warnings": list(self.warnings),
        }

    def transcript(self, *, by: Literal["line", "word"] = "line") -> Transcript:
        """Return the alignment as a transcript, which every writer takes: a segment for each line, or for each word.

        A segment's confidence is the geometric mean of its words' scores, without those that the model cannot spell.
        """
        keys = [word.line if by == "line" else index for index, word in enumerate(self.words)]
        groups = groupby(zip(keys, self.words, strict=True), key=lambda pair: pair[0])
        segments = tuple(_segment([word for _, word in group]) for _, group in groups)
        sure = 0.0 if self.language == UNKNOWN else 1.0
        return Transcript(self.text, self.language, sure, self.duration, segments, self.model, self.warnings)


def _segment(words: list[AlignedWord]) -> Segment:
    text = " ".join(word.text for word in words)
    confidence = mean_probability([word.score for word in words if word.score])
    timed = tuple(Word(word.text, word.start, word.end, word.score) for word in words)
    return Segment(text, words[0].start, words[-1].end, confidence, timed)
