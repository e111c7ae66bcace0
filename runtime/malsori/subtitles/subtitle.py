"""A subtitle: its cues in the order of the file, and the notes between them."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

SubtitleFormat: TypeAlias = Literal["srt", "vtt"]
TAG = re.compile(r"</?[A-Za-z][^<>]*>|<\d[\d:.]*>|\{\\[^{}]*\}")  # <i>, <v Ann>, <00:01.500>, {\an8}
RUBY = re.compile(r"<rt\b[^<>]*>.*?(?:</rt>|$)", re.DOTALL)  # the pronunciation of the letters before it
NOTES = re.compile(r"\[[^\[\]]*\]|［[^［］]*］|【[^【】]*】")  # [music]
WHOLE_NOTE = re.compile(r"\s*(?:[-–—]\s*)?(?:\([^()]*\)|（[^（）]*）)\s*")  # a line that is nothing but (applause)
LABEL = re.compile(r"^\s*(?:[-–—]\s*)?[A-Z][A-Z0-9 .'’#&-]*[A-Z0-9.]\s*:(?=\s|$)")  # MRS. SMITH:
DASH = re.compile(r"^\s*(?:[-–—‐]|>>+)\s*")  # another speaker
MUSIC = re.compile(r"[♩♪♫♬#*]+(?=\s|$)|(?:(?<=\s)|^)[♩♪♫♬#*]+")


@dataclass(frozen=True, slots=True)
class SubtitleCue:
    """A text and when it is shown: `start` and `end` in seconds, `lines` as they are written, markup included.

    `name` is SubRip's number or WebVTT's identifier, or ""; `settings` is the text behind the times on their line.
    """

    start: float
    end: float
    lines: tuple[str, ...]
    name: str = ""
    settings: str = ""


@dataclass(frozen=True, slots=True)
class SubtitleNote:
    """A block of WebVTT that is no cue (a comment, style or region), as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class Subtitle:
    """A subtitle file; `header` is WebVTT's first block, "" in SubRip."""

    format: SubtitleFormat
    blocks: tuple[SubtitleCue | SubtitleNote, ...]
    header: str = ""

    @property
    def cues(self) -> tuple[SubtitleCue, ...]:
        """The cues, in the order of the file."""
        return tuple(block for block in self.blocks if isinstance(block, SubtitleCue))

    def retimed(self, times: Sequence[tuple[float, float]]) -> Subtitle:
        """Return the subtitle with another start and end for each of its cues, in seconds."""
        moved = iter([replace(cue, start=a, end=b) for cue, (a, b) in zip(self.cues, times, strict=True)])
        blocks = (next(moved) if isinstance(block, SubtitleCue) else block for block in self.blocks)
        return replace(self, blocks=tuple(blocks))


def spoken(lines: Sequence[str]) -> str:
    """Return the spoken text of a cue's lines on one line, "" for none.

    Example: "- <i>Well,</i> [sighs]" "- MARY: no &amp; no."  ->  "Well, no & no."
    """
    plain = html.unescape(TAG.sub("", RUBY.sub("", "\n".join(lines)))).replace(r"\N", "\n").replace(r"\h", " ")
    texts = (_spoken_line(line) for line in NOTES.sub(" ", plain).splitlines())
    return " ".join(" ".join(texts).split())


def _spoken_line(line: str) -> str:
    if WHOLE_NOTE.fullmatch(line):
        return ""
    return MUSIC.sub(" ", DASH.sub("", LABEL.sub("", line)))
