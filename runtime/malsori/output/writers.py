"""A transcript as text in each format, laid out as openai/whisper does it; no file is touched here.

Times are rounded to milliseconds in one way for all formats, so they agree. srt and vtt have cues (`cues.py`), txt and
tsv a line for each segment that has text, json all fields of the transcript.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from ..errors import OptionError
from ..formats import FORMATS, clock_time
from ..types import Segment, Transcript, Word
from .cues import Cue, CueOptions, cues_of

CUES = CueOptions()
HEADS = {"vtt": "WEBVTT\n\n", "tsv": "start\tend\ttext\n"}  # the first lines of a file


def render(transcript: Transcript, format: str, cues: CueOptions | None = CUES) -> str:
    """Return `transcript` in `format`, one of `FORMATS`, each line ended by a newline.

    `cues` says how subtitles are cut, best with the words' times (`word_timestamps`); None makes each segment a cue of
    one line. Other formats ignore it.

    Raises:
        OptionError: there is no such format.
    """
    if format not in FORMATS:
        raise OptionError(f"no output format {format!r}; there are {', '.join(FORMATS)}")
    return WRITERS[format](transcript, cues)


def _txt(transcript: Transcript, cues: CueOptions | None) -> str:
    """Return a line for each segment, which begins with its speaker if it has one."""
    return "".join(f"{_label(segment)}{_flat(segment)}\n" for segment in _spoken(transcript))


def _tsv(transcript: Transcript, cues: CueOptions | None) -> str:
    """Return a header line, then start and end in whole milliseconds and the text of each segment.

    The text stands behind the speaker in a column of its own, if there are any.
    """
    if not any(each.speaker for each in transcript.segments):
        return HEADS["tsv"] + "".join(f"{_span(each)}\t{_flat(each)}\n" for each in _spoken(transcript))
    rows = (f"{_span(each)}\t{_one_line(each.speaker or '')}\t{_flat(each)}\n" for each in _spoken(transcript))
    return "start\tend\tspeaker\ttext\n" + "".join(rows)


def _json(transcript: Transcript, cues: CueOptions | None) -> str:
    """Return `Transcript.to_dict()` on one line, so that several make a JSON Lines file."""
    return json.dumps(transcript.to_dict(), ensure_ascii=False) + "\n"


def _srt(transcript: Transcript, cues: CueOptions | None) -> str:
    """Return numbered cues, which begin with `speaker: `; hours always, a comma before the milliseconds."""
    return "".join(
        f"{number}\n{_times(cue, ',', hours=True)}\n{_label(cue).replace('-->', '->')}{_shown(cue)}\n\n"
        for number, cue in enumerate(cues_of(transcript, cues, labelled=True), start=1)
    )


def _vtt(transcript: Transcript, cues: CueOptions | None) -> str:
    """Return cues without numbers, in which `<v speaker>` says who speaks; hours only where there are any.

    `&`, `<` and `>` are escaped, as WebVTT wants.
    """
    escape = partial(html.escape, quote=False)
    return HEADS["vtt"] + "".join(
        f"{_times(cue, '.', hours=False)}\n{_voice(cue, escape)}{_shown(cue, escape)}\n\n"
        for cue in cues_of(transcript, cues)
    )


WRITERS: dict[str, Callable[[Transcript, CueOptions | None], str]] = {
    "txt": _txt,
    "srt": _srt,
    "vtt": _vtt,
    "tsv": _tsv,
    "json": _json,
}


def _spoken(transcript: Transcript) -> Iterator[Segment]:
    return (segment for segment in transcript.segments if segment.text.strip())


def _flat(segment: Segment) -> str:
    # A line break or tab inside a text would start a new record in every line-based format.
    return _one_line(segment.text)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _label(said: Segment | Cue) -> str:
    return "" if said.speaker is None else f"{_one_line(said.speaker)}: "


def _voice(cue: Cue, escape: Callable[[str], str]) -> str:
    return "" if cue.speaker is None else f"<v {escape(_one_line(cue.speaker))}>"


def _span(segment: Segment) -> str:
    return f"{_milliseconds(segment.start)}\t{_milliseconds(segment.end)}"


def _shown(cue: Cue, escape: Callable[[str], str] = str) -> str:
    """Return a cue's lines, the marked word underlined. An arrow in a text becomes `->`: `-->` would mean times."""
    return "\n".join("".join(_pieces(line, cue.marked, escape)).removeprefix(" ") for line in cue.lines)


def _pieces(line: Iterable[Word], marked: Word | None, escape: Callable[[str], str]) -> Iterator[str]:
    for word in line:
        text = escape(word.text.replace("-->", "->"))
        yield " " * word.spaced + (f"<u>{text}</u>" if word is marked else text)


def _milliseconds(seconds: float) -> int:
    # By way of the three decimals that json shows: rounding 1000 x seconds directly differs from it at halves.
    return round(round(seconds, 3) * 1000)


def _times(cue: Cue, point: str, *, hours: bool) -> str:
    start, end = (clock_time(_milliseconds(each), point, hours=hours) for each in (cue.start, cue.end))
    return f"{start} --> {end}"
