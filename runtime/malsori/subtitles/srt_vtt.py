"""Reads and writes SubRip and WebVTT. A broken line is an error that names it; unusual ones are read."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from ..errors import OptionError
from ..formats import SUBTITLES, clock_time
from .subtitle import TAG, Subtitle, SubtitleCue, SubtitleFormat, SubtitleNote

CLOCK = r"(?:(\d{1,4}):)?([0-5]?\d):([0-5]?\d)[,.](\d{1,3})"
TIMES = re.compile(rf"\s*{CLOCK}\s*-->\s*{CLOCK}(?:\s+(\S.*))?")  # of a line without space behind it
ARROW = "-->"
LIKE_TIMES = re.compile(r"\s*\d+:\d+[:,.]\d+.*\d:\d{1,9}[:,.]\d")  # two times in a line, whatever is between them
WEBVTT = re.compile(r"WEBVTT(?:[ \t].*)?")
NOTES = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s.*)?")
EXAMPLE = {"srt": "00:00:01,000 --> 00:00:02,500", "vtt": "00:01.000 --> 00:02.500"}
OTHERS = (
    (re.compile(r"\s*\[Script Info\]"), "an ASS subtitle"),
    (re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<tt[\s:>]"), "TTML"),
)
SHARED = re.compile(r"</?[biu]>")  # markup that both formats have


def kind_of(text: str) -> str:
    """Return the kind of a subtitle by its content: "srt", "vtt", the name of a kind that is not read, or ""."""
    lines = text.lstrip("\ufeff").lstrip().splitlines()[:2]
    if lines and WEBVTT.fullmatch(lines[0].rstrip()):
        return "vtt"
    if any(ARROW in line and LIKE_TIMES.match(line) for line in lines):
        return "srt"
    return next((name for pattern, name in OTHERS if pattern.match(text.lstrip("\ufeff"))), "")


def is_subtitle(text: str) -> bool:
    """Return whether a text is SubRip or WebVTT."""
    return kind_of(text) in SUBTITLES


def read_subtitle(text: str, name: str, format: SubtitleFormat | None = None) -> Subtitle:
    """Return the subtitle in a text, in the format of its content, else in `format`.

    Raises `OptionError` for a broken one, with the number of the line, and for another kind of subtitle.
    """
    kind = kind_of(text)
    if kind not in SUBTITLES and (kind or format is None):
        raise OptionError(
            f"{name}: expected SubRip (.srt) or WebVTT (.vtt), found {kind or 'neither'}; "
            "a program such as ffmpeg makes an .srt of other kinds"
        )
    found: SubtitleFormat = "vtt" if kind == "vtt" or (not kind and format == "vtt") else "srt"
    lines = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    reader = _SubtitleReader(name, found, [line.rstrip() for line in lines])
    subtitle = reader.webvtt() if found == "vtt" else reader.subrip()
    if not subtitle.cues:
        raise OptionError(f"{name}: expected at least one cue, such as {EXAMPLE[found]!r} and a text, found none")
    return subtitle


@dataclass(frozen=True, slots=True)
class _SubtitleReader:
    """The lines of one file."""

    name: str
    format: SubtitleFormat
    lines: Sequence[str]

    def subrip(self) -> Subtitle:
        cues: list[SubtitleCue] = []
        for first, block in self._blocks(0):
            if (cue := self._cue(first, block, numbered=True)) is not None:
                cues.append(cue)
            elif cues and not block[0].isdigit():  # an empty line in a text
                cues[-1] = replace(cues[-1], lines=(*cues[-1].lines, "", *block))
            else:
                at = first + block[0].isdigit()
                raise self._error(at, f"the times of a cue, such as {EXAMPLE['srt']}")
        return Subtitle("srt", tuple(cues))

    def webvtt(self) -> Subtitle:
        begin = next((at for at, line in enumerate(self.lines) if line), 0)
        if not WEBVTT.fullmatch(self.lines[begin]):
            raise self._error(begin, "WEBVTT in the first line of a .vtt file")
        (_, header), *rest = self._blocks(begin)
        inside = next((at for at, line in enumerate(header) if ARROW in line), None)
        if inside is not None:
            raise self._error(begin + inside, "an empty line between WEBVTT and the first cue")
        return Subtitle("vtt", tuple(self._webvtt_block(first, block) for first, block in rest), "\n".join(header))

    def _webvtt_block(self, first: int, block: Sequence[str]) -> SubtitleCue | SubtitleNote:
        if NOTES.fullmatch(block[0]) and ARROW not in block[0]:
            return SubtitleNote("\n".join(block))
        cue = self._cue(first, block, numbered=False)
        if cue is None:
            raise self._error(first + (len(block) > 1), f"the times of a cue, such as {EXAMPLE['vtt']}")
        return cue

    def _blocks(self, begin: int) -> Iterator[tuple[int, list[str]]]:
        """Yield the blocks of lines between empty lines, each with the index of its first line."""
        block: list[str] = []
        for at, line in enumerate([*self.lines[begin:], ""], begin):
            if line.strip():
                block.append(line)
            elif block:
                yield at - len(block), block
                block = []

    def _cue(self, first: int, block: Sequence[str], *, numbered: bool) -> SubtitleCue | None:
        """Return the cue in a block, None where it has no times; if `numbered`, only a number can be its name."""
        named = ARROW not in block[0] and len(block) > 1 and (block[0].strip().isdigit() or not numbered)
        at = int(named)
        if TIMES.fullmatch(block[at]) is None:
            if ARROW in block[at] or LIKE_TIMES.match(block[at]):
                raise self._error(first + at, f"the times of a cue, such as {EXAMPLE[self.format]}")
            return None
        for index, line in enumerate(block[at + 1 :], first + at + 1):
            if TIMES.fullmatch(line):
                raise self._error(index, "an empty line before the next cue")
        start, end, settings = self._times(block[at], first + at)
        return SubtitleCue(start, end, tuple(block[at + 1 :]), block[0].strip() if named else "", settings)

    def _times(self, line: str, at: int) -> tuple[float, float, str]:
        found = TIMES.fullmatch(line)
        assert found is not None
        start, end = _seconds(found.groups()[:4]), _seconds(found.groups()[4:8])
        if end < start:
            raise self._error(at, "an end at or behind the start")
        return start, end, found[9] or ""

    def _error(self, at: int, expected: str) -> OptionError:
        """Return an error for the line at an index."""
        line = self.lines[at] if at < len(self.lines) else ""
        found = repr(line[:60]) if line.strip() else "nothing"
        return OptionError(f"{self.name}: line {at + 1}: expected {expected}, found {found}")


def _seconds(clock: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = (each or "0" for each in clock)
    return ((int(hours) * 60 + int(minutes)) * 60_000 + int(seconds) * 1000 + int(fraction.ljust(3, "0"))) / 1000


def render_subtitle(subtitle: Subtitle, format: SubtitleFormat) -> str:
    """Return the subtitle's text, each line ended by a newline.

    In its own format everything stays: numbers and identifiers, settings, line breaks, markup, comments. In the other
    format cues get new numbers where they need them, and what that format does not have is left out.
    """
    if subtitle.format != format:
        subtitle = _converted(subtitle, format)
    numbers = count(1)
    blocks = [subtitle.header] * (format == "vtt")
    for block in subtitle.blocks:
        blocks.append(block.text if isinstance(block, SubtitleNote) else _cue(block, format, str(next(numbers))))
    return "\n\n".join(blocks) + "\n" + "\n" * (format == "srt")


def _cue(cue: SubtitleCue, format: SubtitleFormat, number: str) -> str:
    point = "," if format == "srt" else "."
    start, end = (clock_time(round(each * 1000), point) for each in (cue.start, cue.end))
    times = f"{start} --> {end} {cue.settings}".rstrip()
    name = cue.name or (number if format == "srt" else "")
    return "\n".join([*([name] if name else []), times, *cue.lines])


def _converted(subtitle: Subtitle, format: SubtitleFormat) -> Subtitle:
    convert = _to_webvtt if format == "vtt" else _to_subrip
    cues = (SubtitleCue(cue.start, cue.end, tuple(map(convert, cue.lines))) for cue in subtitle.cues)
    return Subtitle(format, tuple(cues), "WEBVTT" if format == "vtt" else "")


def _to_webvtt(line: str) -> str:
    """Return a line of SubRip without markup that only SubRip has, other `&`, `<` and `>` escaped."""
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
