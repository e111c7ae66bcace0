"""The formats that a transcript is written in, by the endings of their files; how they write times. No numpy here."""

from __future__ import annotations

from pathlib import Path

SUBTITLES = ("srt", "vtt")  # those that are also read
CUED = (*SUBTITLES,)  # those made of cues
GROWING = ("txt", *CUED, "tsv")  # those that can be appended to
FORMATS = (*GROWING, "json")


def ending_of(path: str | Path) -> str:
    """Return the ending of a file's name in lower case, without its point; "" for none."""
    return Path(path).suffix.lower().removeprefix(".")


def clock_time(milliseconds: int, point: str, *, hours: bool = True) -> str:
    """Return `[HH:]MM:SS<point>mmm`, without `hours` only where there are any; 3661500 -> `01:01:01,500`."""
    minutes, rest = divmod(milliseconds, 60_000)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:" * bool(hours or hour) + f"{minute:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"
