"""Subtitle files: read with all their content, reduced to what is spoken, and written with other times."""

from .srt_vtt import is_subtitle, kind_of, read_subtitle, render_subtitle
from .subtitle import Subtitle, SubtitleCue, SubtitleFormat, SubtitleNote, spoken

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
