"""A subtitle: its cues in the order of the file, and what stands between them."""

from __future__ import annotations

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
