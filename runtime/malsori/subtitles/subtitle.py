"""A subtitle: its cues in the order of the file, and what stands between them."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

SubtitleFormat: TypeAlias = Literal["srt", "vtt"]


@dataclass(frozen=True, slots=True)
class SubtitleCue:
    """A text and when it is shown: `start` and `end` in seconds, `lines` as they are written, markup included.

    `name` is SubRip's number or WebVTT's identifier, "" without one; `settings` what follows the times on their line.
    """

    start: float
    end: float
    lines: tuple[str, ...]
    name: str = ""
    settings: str = ""


@dataclass(frozen=True, slots=True)
class SubtitleNote:
    """What WebVTT has between cues (comments, styles, regions), as it is written."""

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


TAG = re.compile(r"</?[A-Za-z][^<>]*>|<\d[\d:.]*>|\{\\[^{}]*\}")  # <i>, <v Ann>, <00:01.500>, {\an8}
RUBY = re.compile(r"<rt\b[^<>]*>.*?(?:</rt>|$)", re.DOTALL)  # how the letters before it are read
NOTES = re.compile(r"\[[^\[\]]*\]|［[^［］]*］|【[^【】]*】")  # [music]
WHOLE_NOTE = re.compile(r"\s*(?:[-–—]\s*)?(?:\([^()]*\)|（[^（）]*）)\s*")  # a line that is (applause) alone
LABEL = re.compile(r"^\s*(?:[-–—]\s*)?[A-Z][A-Z0-9 .'’#&-]*[A-Z0-9.]\s*:(?=\s|$)")  # MRS. SMITH:
DASH = re.compile(r"^\s*(?:[-–—‐]|>>+)\s*")  # another speaker
MUSIC = re.compile(r"[♩♪♫♬#*]+(?=\s|$)|(?:(?<=\s)|^)[♩♪♫♬#*]+")


def spoken(lines: Sequence[str]) -> str:
    """Return what is said in the lines of a cue, in one line; "" where that is nothing.

    Example: "- <i>Well,</i> [sighs]" "- MARY: no &amp; no."  ->  "Well, no & no."
    """
    plain = html.unescape(TAG.sub("", RUBY.sub("", "\n".join(lines)))).replace(r"\N", "\n").replace(r"\h", " ")
    said = (_said(line) for line in NOTES.sub(" ", plain).splitlines())
    return " ".join(" ".join(said).split())


def _said(line: str) -> str:
    if WHOLE_NOTE.fullmatch(line):
        return ""
    return MUSIC.sub(" ", DASH.sub("", LABEL.sub("", line)))
