"""Files that are several, one laid behind the other, as joins and radio stations leave them: where each begins.

FFmpeg reads the first of them and stops, or stumbles over the next when its codec, rate or channels are others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from .ogg import PAGE_BYTES
from .source import Window

_FLAC_HEAD = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")  # with the head of STREAMINFO, which comes first
_MOST_BOXES = 1 << 16


def parts_of(window: Window, kind: str) -> Iterator[Window]:
    """Yield the parts of a file in turn; each is to be read before the next is asked for."""
    if kind == "FLAC":
        yield from _flac_parts(window)
        return
    find = _STARTS.get(kind)
    starts = [0, *(find(window) if find else []), window.size]
    for start, stop in pairwise(starts):
        yield window.part(start, stop)


class _FlacPart(Window):
    """Ends where the next FLAC file begins, which is seen as the bytes pass: none is read for this alone."""

    def bytes_at(self, position: int, count: int) -> bytes:
        start = max(position - 7, 0)
        data = super().bytes_at(start, position - start + count)
        found = _FLAC_HEAD.search(data, max(1 - start, 0))
        if found:
            self.size = start + found.start()
            data = data[: found.start()]
        return data[position - start :]


def _flac_parts(window: Window) -> Iterator[Window]:
    at = 0
    while at < window.size:
        part = window.part(at, window.size, _FlacPart)
        yield part
        at += part.size


def _ogg_starts(window: Window) -> list[int]:
    """Return where the chained streams behind the first one begin (RFC 3533, 4).

    All pages are looked at only when the last one is of another stream than those that begin the file.
    """
    first, at = set(), 0
    while (head := window.bytes_at(at, 27))[:4] == b"OggS" and len(head) == 27 and head[5] & 2:
        first.add(head[14:18])
        at += _ogg_size(window, at, head)
    tail = window.bytes_at(max(0, window.size - PAGE_BYTES), PAGE_BYTES)
    last = tail.rfind(b"OggS")
    if last < 0 or tail[last + 14 : last + 18] in first:
        return []
    starts, began = [], False
    while (head := window.bytes_at(at, 27))[:4] == b"OggS" and len(head) == 27:
        begins = bool(head[5] & 2)
        if begins and not began:
            starts.append(at)
        began = begins
        at += _ogg_size(window, at, head)
    return starts


def _ogg_size(window: Window, at: int, head: bytes) -> int:
    return 27 + head[26] + sum(window.bytes_at(at + 27, head[26]))


def _wav_starts(window: Window) -> list[int]:
    starts, at = [], 0
    while (head := window.bytes_at(at, 12))[:4] == b"RIFF" and head[8:] == b"WAVE":
        starts.append(at)
        at += 8 + int.from_bytes(head[4:8], "little")
    return starts[1:]


def _mp4_starts(window: Window) -> list[int]:
    """Return where a `ftyp` box begins behind a whole file, one with its sound and its index."""
    starts, seen, at = [], set[bytes](), 0
    for _ in range(_MOST_BOXES):
        head = window.bytes_at(at, 16)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if kind == b"ftyp" and {b"moov", b"mdat"} <= seen:
            starts.append(at)
            seen = set()
        seen.add(kind)
        size = int.from_bytes(head[8:], "big") if size == 1 and len(head) == 16 else size
        if size < 8:
            break
        at += size
    return starts


_STARTS: dict[str, Callable[[Window], list[int]]] = {"OGG": _ogg_starts, "WAV": _wav_starts, "MP4": _mp4_starts}
