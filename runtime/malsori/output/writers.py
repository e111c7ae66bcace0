"""A transcript as text in each format, laid out as the whisper family lays it out; no file is touched here.

Times are rounded to milliseconds once, the same way for every format, so all of them agree with each other. Cues are
segments; a segment without text is no cue. Words appear in json only, and only when the transcript has them.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator

from ..errors import OptionError
from ..types import Segment, Transcript


def render(transcript: Transcript, format: str) -> str:
    """Return `transcript` in `format`, one of `FORMATS`, each line ended by a newline.

    Raises:
        OptionError: there is no such format.
    """
    writer = WRITERS.get(format)
    if writer is None:
        raise OptionError(f"no output format {format!r}; there are {', '.join(FORMATS)}")
    return writer(transcript)


def _txt(transcript: Transcript) -> str:
    """One segment per line."""
    return "".join(f"{_flat(segment)}\n" for segment in _cues(transcript))


def _srt(transcript: Transcript) -> str:
    """Numbered cues; hours always, comma before the milliseconds."""
    return "".join(
        f"{number}\n{_clock(cue.start, ',', hours=True)} --> {_clock(cue.end, ',', hours=True)}\n{_unarrowed(cue)}\n\n"
        for number, cue in enumerate(_cues(transcript), start=1)
    )


def _vtt(transcript: Transcript) -> str:
    """Cues without numbers; hours only when there are any. Markup characters are escaped, as WebVTT asks."""
    return "WEBVTT\n\n" + "".join(
        f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{html.escape(_unarrowed(cue), quote=False)}\n\n"
        for cue in _cues(transcript)
    )


def _tsv(transcript: Transcript) -> str:
    """A header line, then integer milliseconds and text; a tab inside text became a space."""
    rows = (f"{_milliseconds(cue.start)}\t{_milliseconds(cue.end)}\t{_flat(cue)}\n" for cue in _cues(transcript))
    return "start\tend\ttext\n" + "".join(rows)


def _json(transcript: Transcript) -> str:
    """`Transcript.to_dict()` on one line, so that several make a JSON Lines file."""
    return json.dumps(transcript.to_dict(), ensure_ascii=False) + "\n"


WRITERS: dict[str, Callable[[Transcript], str]] = {"txt": _txt, "srt": _srt, "vtt": _vtt, "tsv": _tsv, "json": _json}
FORMATS = tuple(WRITERS)


def _cues(transcript: Transcript) -> Iterator[Segment]:
    return (segment for segment in transcript.segments if segment.text.strip())


def _flat(segment: Segment) -> str:
    # A line break or tab inside a text would start a new record in every line-based format.
    return " ".join(segment.text.split())


def _unarrowed(segment: Segment) -> str:
    return _flat(segment).replace("-->", "->")


def _milliseconds(seconds: float) -> int:
    # By way of the three decimals that json shows: rounding 1000 x seconds directly differs from it at halves.
    return round(round(seconds, 3) * 1000)


def _clock(seconds: float, separator: str, *, hours: bool = False) -> str:
    """Return `[HH:]MM:SS<separator>mmm`; example: 3661.5 -> `01:01:01,500`."""
    minutes, milliseconds = divmod(_milliseconds(seconds), 60_000)
    hour, minute = divmod(minutes, 60)
    second, millisecond = divmod(milliseconds, 1000)
    hours_part = f"{hour:02d}:" if hours or hour else ""
    return f"{hours_part}{minute:02d}:{second:02d}{separator}{millisecond:03d}"
