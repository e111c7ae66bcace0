"""Subtitles as files: read with all that stands in them, said what of them is spoken, and written with other times."""

from .cues import Subtitle, SubtitleCue, SubtitleFormat, SubtitleNote
from .reading import is_subtitle, kind_of, read_subtitle
from .spoken import spoken
from .writing import render_subtitle

__all__ = [
    "Subtitle",
    "SubtitleCue",
    "SubtitleFormat",
    "SubtitleNote",
    "is_subtitle",
    "kind_of",
    "read_subtitle",
    "render_subtitle",
    "spoken",
]
