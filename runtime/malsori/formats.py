"""The formats that a transcript is written in, by the endings of their files. It loads no numpy: help asks, too."""

from __future__ import annotations

from pathlib import Path

CUED = ("srt", "vtt")  # those made of cues
GROWING = ("txt", *CUED, "tsv")  # those that more can be written behind
FORMATS = (*GROWING, "json")


def ending_of(path: str | Path) -> str:
    """Return the ending of a file's name in lower case, without its point; "" for none."""
    return Path(path).suffix.lower().removeprefix(".")
