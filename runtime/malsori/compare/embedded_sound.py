"""Recordings as data URLs, for players in a page that is one file; bounded, since it grows by 4/3 of them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from .comparison import ComparedRecording

MOST_SOUND = 24 << 20  # bytes of all recordings of a page
PLAYABLE = {  # endings of what browsers play, with the type that they are told
    ".aac": "audio/aac",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".mp4": "audio/mp4",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".webm": "audio/webm",
}


def embedded_sound(recordings: Sequence[ComparedRecording], most: int = MOST_SOUND) -> tuple[dict[int, str], list[str]]:
    """Return data URLs by the numbers of recordings, and a line for each recording that is left out, with why."""
    urls: dict[int, str] = {}
    left_out: list[str] = []
    held = 0
    for number, each in enumerate(recordings):
        path = Path(each.path)
        kind = PLAYABLE.get(path.suffix.lower())
        try:
            size = path.stat().st_size
            if kind is None:
                left_out.append(f"{each.name} has no player: browsers do not play {path.suffix or 'it'}")
            elif held + size > most:
                left_out.append(f"{each.name} has no player: a page has at most {most >> 20} MiB of sound")
            else:
                urls[number] = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
                held += size
        except OSError as error:
            left_out.append(f"{each.name} has no player: {error.strerror}")
    return urls, left_out
