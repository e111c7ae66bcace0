"""Splits a file that is several joined ones (recorded radio streams are) into its parts.

FFmpeg reads the first part and stops, or fails at the next when its codec, rate or channels are others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from .promise import PAGE_BYTES
from .source import FileRange

# How files begin, of kinds that do not say how long they are: no sound has all these bytes by chance.
_HEADS = {
    kind: re.compile(head, re.DOTALL)
    for kind, head in {
        "FLAC": rb"fLaC[\x00\x80]\x00\x00\x22",  # with the head of STREAMINFO, which comes first
        "AIFF": rb"FORM....AIF[CF](?:COMM|FVER|MARK|INST|COMT|NAME|AUTH|ANNO|SSND)",
        "AU": rb"\.snd\x00\x00......\x00\x00\x00[\x01-\x1b]\x00",
        "CAF": rb"caff\x00\x01\x00\x00desc\x00{7}\x20",
        "AMR": rb"#!AMR(?:-WB)?\n",
        "AVI": rb"RIFF....AVI LIST....hdrlavih",
        "FLV": rb"FLV\x01[\x01\x04\x05]\x00\x00\x00\x09\x00{4}",
        "TTA": rb"TTA1[\x01\x03]\x00[\x01-\x20]\x00[\x08-\x20]\x00",
        "VOC": rb"Creative Voice File\x1a\x1a\x00",
        "WMA": re.escape(bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")),
        # a block that is the first of those of its sample, which is number 0
        "WavPack": rb"wvpk.{4}[\x02-\x10]\x04\x00.{5}\x00{4}.{5}["
        + re.escape(bytes(x for x in range(256) if x & 8))
        + rb"]",
        "Wave64": re.escape(b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00") + rb".{8}wave",
        "WebM": rb"\x1a\x45\xdf\xa3[\x01\x80-\xff].{0,48}?\x42\x82[\x80-\x88](?:webm|matroska)",
    }.items()
}
_LONGEST_HEAD = 80  # bytes
_READ_BYTES = 1 << 20
_MOST_BOXES = 1 << 16


def parts_of(file: FileRange, kind: str) -> Iterator[FileRange]:
    """Yield the parts of a file in turn; read each before taking the next."""
    if kind in _HEADS:
        yield from _headed_parts(file, _HEADS[kind])
        return
    find = _STARTS.get(kind)
    starts = [0, *(find(file) if find else []), file.size]
    for start, stop in pairwise(starts):
        yield file.part(start, stop)


class _Headed(FileRange):
    """Ends where the next file of its kind begins: each read looks for its header in the bytes that pass."""

    head = _HEADS["FLAC"]
    seen = 0  # up to where bytes have passed

    def bytes_at(self, position: int, count: int) -> bytes:
        start = max(position - _LONGEST_HEAD, 0)
        data = super().bytes_at(start, position - start + count)
        found = self.head.search(data, max(1 - start, 0))
        if found:
            self.size = start + found.start()
            data = data[: found.start()]
        self.seen = max(self.seen, start + len(data))
        return data[position - start :]

    def search_rest(self) -> None:
        """Search the bytes that its reader has left, such as those behind the end in its header."""
        while self.seen < self.size and self.bytes_at(self.seen, _READ_BYTES):
            pass


def _headed_parts(file: FileRange, head: re.Pattern[bytes]) -> Iterator[FileRange]:
    at = 0
    while at < file.size:
        part = file.part(at, file.size, _Headed)
        assert isinstance(part, _Headed)
        part.head = head
        yield part
        part.search_rest()
        at += part.size


def _ogg_starts(file: FileRange) -> list[int]:
    """Return where the chained streams behind the first one begin (RFC 3533, 4).

    All pages are searched only when the last one is of another stream than those that begin the file.
    """
    first, at = set(), 0
    while (head := file.bytes_at(at, 27))[:4] == b"OggS" and len(head) == 27 and head[5] & 2:
        first.add(head[14:18])
        at += _ogg_size(file, at, head)
    tail = file.bytes_at(max(0, file.size - PAGE_BYTES), PAGE_BYTES)
    last = tail.rfind(b"OggS")
    if last < 0 or tail[last + 14 : last + 18] in first:
        return []
    starts, began = [], False
    while (head := file.bytes_at(at, 27))[:4] == b"OggS" and len(head) == 27:
        begins = bool(head[5] & 2)
        if begins and not began:
            starts.append(at)
        began = begins
        at += _ogg_size(file, at, head)
    return starts


def _ogg_size(file: FileRange, at: int, head: bytes) -> int:
    return 27 + head[26] + sum(file.bytes_at(at + 27, head[26]))


def _wav_starts(file: FileRange) -> list[int]:
    starts, at = [], 0
    while (head := file.bytes_at(at, 12))[:4] == b"RIFF" and head[8:] == b"WAVE":
        starts.append(at)
        at += 8 + int.from_bytes(head[4:8], "little")
    return starts[1:]


def _mp4_starts(file: FileRange) -> list[int]:
    """Return where a `ftyp` box begins behind a file that is whole: with its sound (`mdat`) and its index (`moov`)."""
    starts, seen, at = [], set[bytes](), 0
    for _ in range(_MOST_BOXES):
        head = file.bytes_at(at, 16)
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


_STARTS: dict[str, Callable[[FileRange], list[int]]] = {"OGG": _ogg_starts, "WAV": _wav_starts, "MP4": _mp4_starts}
