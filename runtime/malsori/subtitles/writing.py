"""A subtitle as SubRip or WebVTT: in its own format as it was read, in the other with the markup that both have."""

from __future__ import annotations

import html
import re
from itertools import count

from .cues import Subtitle, SubtitleCue, SubtitleFormat, SubtitleNote
from .spoken import TAG

SHARED = re.compile(r"</?[biu]>")  # markup of both


def render_subtitle(subtitle: Subtitle, format: SubtitleFormat) -> str:
    """Return the subtitle's text, each line ended by a newline.

    In its own format everything stays: numbers and identifiers, settings, line breaks, markup, comments. In the other
    cues are numbered anew where they need a number, and what only one of the two has is left out.
    """
    if subtitle.format != format:
        subtitle = _converted(subtitle, format)
    numbers = count(1)
    blocks = [subtitle.header] * (format == "vtt")
    for block in subtitle.blocks:
        blocks.append(block.text if isinstance(block, SubtitleNote) else _cue(block, format, str(next(numbers))))
    return "\n\n".join(blocks) + "\n" + "\n" * (format == "srt")


def _cue(cue: SubtitleCue, format: SubtitleFormat, number: str) -> str:
    times = f"{_clock(cue.start, format)} --> {_clock(cue.end, format)} {cue.settings}".rstrip()
    name = cue.name or (number if format == "srt" else "")
    return "\n".join([*([name] if name else []), times, *cue.lines])


def _converted(subtitle: Subtitle, format: SubtitleFormat) -> Subtitle:
    convert = _to_webvtt if format == "vtt" else _to_subrip
    cues = (SubtitleCue(cue.start, cue.end, tuple(map(convert, cue.lines))) for cue in subtitle.cues)
    return Subtitle(format, tuple(cues), "WEBVTT" if format == "vtt" else "")


def _to_webvtt(line: str) -> str:
    """Return a line of SubRip without what only that has, and with the signs escaped that would be markup."""
    text = _with_shared_tags(line).replace("-->", "->")
    return "".join(
        part if SHARED.fullmatch(part) else html.escape(html.unescape(part), quote=False)
        for part in re.split(f"({SHARED.pattern})", text)
    )


def _to_subrip(line: str) -> str:
    return html.unescape(_with_shared_tags(line))


def _with_shared_tags(line: str) -> str:
    """Return a line without the markup that only one of the two formats has."""
    return TAG.sub(lambda tag: tag[0] if SHARED.fullmatch(tag[0]) else "", line)


def _clock(seconds: float, format: SubtitleFormat) -> str:
    """Return `HH:MM:SS,mmm`, or with a point in WebVTT."""
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    point = "," if format == "srt" else "."
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"
