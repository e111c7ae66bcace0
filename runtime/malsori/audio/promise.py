"""Compares the length that a file promises with what was read; finds the promises of Ogg, AVI and WMA."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from itertools import islice

from ..errors import CorruptAudio
from .clock import FileClock
from .packets import USE_ANYWAY, Coded
from .pieces import Promise, SoundStream
from .source import FileRange

_NOTED_S = 0.1  # a larger difference from the promise is noted
_DELAY = 1_152  # frames that an encoder puts in front and a decoder drops: no loss at low rates either
PAGE_BYTES = 65_307  # at most (RFC 3533)
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))  # each byte with its bits the other way round
_HEAD_BYTES = 1 << 16
_MOST_CHUNKS = 4_096
_MOST_INDEX = 1 << 24  # bytes: a million chunks
_MOST_INDEXES = 16  # places that look like one
_ENTRY = struct.Struct("<4sIII")  # of an index: name, flags, place, bytes (Microsoft's AVI RIFF File Reference)
_SLACK_S = 0.1
_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")  # ASF specification, section 3.2
_FIELDS = struct.Struct("<40xQ8xQI")  # behind its size: play duration in 100 ns, preroll in ms, flags
_BROADCAST = 1


def check_promise(stream: SoundStream, name: str, *, allow_truncated: bool) -> None:
    """Note how far the part read last is shorter or longer than it promised, and clear the promise.

    Raises `CorruptAudio` for one that is shorter than a firm promise, unless `allow_truncated`.
    """
    promise, stream.promise = stream.promise, Promise()
    lead = stream.clock.lead if not stream.counted_s else 0.0
    found, stream.counted_s = stream.heard_s - stream.counted_s - lead, stream.heard_s
    if promise.seconds is None:
        return
    leapt = stream.clock.leapt
    promised = promise.seconds - (leapt if leapt < promise.seconds else 0.0)
    rate = stream.form.rate
    expected, frames = round(promised * rate), round(found * rate)
    says = f"the file says that it holds {promised:.2f} s"
    if promise.firm and frames < expected - round(promise.slack_s * rate):
        if not allow_truncated:
            raise CorruptAudio(name, f"{expected} frames", f"{frames} frames; {USE_ANYWAY}")
        stream.notes.append(f"cut short or damaged: expected {expected} frames, found {frames} frames")
    elif found < promised - max(_NOTED_S, _DELAY / rate):
        stream.notes.append(f"{says}; only {found:.2f} s were found")
    elif found > promised + max(promise.slack_s, _NOTED_S):
        stream.notes.append(f"{says}; {found:.2f} s were found, and all are used")
        return
    else:
        return
    stream.clock.cut = True


def ogg_notes(file: FileRange) -> list[str]:
    """Return a warning when an OGG does not end with a last page. No error: a live recording has none either."""
    tail = file.bytes_at(max(0, file.size - PAGE_BYTES), PAGE_BYTES)
    page = tail[max(0, tail.rfind(b"OggS")) :]
    sizes = page[27 : 27 + page[26]] if len(page) > 27 else b""
    size = 27 + len(sizes) + sum(sizes)
    whole = len(page) >= size > 27 and _page_crc(page[:size]) == int.from_bytes(page[22:26], "little")
    return [] if whole and page[5] & 4 else ["the OGG stream has no last page; it may be cut short"]


def _page_crc(page: bytes) -> int:
    """Return an OGG page's CRC-32: zlib's with the bits of all bytes reversed and another start (RFC 3533, 6)."""
    data = (page[:22] + bytes(4) + page[26:]).translate(_REVERSED)
    crc = zlib.crc32(data, 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int(f"{crc:032b}"[::-1], 2)


class AviIndex:
    """Counts the bytes of the packets of stream `number`, and promises as many seconds as the index lists bytes."""

    def __init__(self, file: FileRange, number: int, clock: FileClock) -> None:
        self._file, self._number, self._clock = file, number, clock
        self.promise = Promise()
        self.stream: SoundStream | None = None

    def counted(self, packets: Iterator[Coded]) -> Iterator[Coded]:
        """Pass the packets on; set the promise behind the last one."""
        seen = 0
        for packet in packets:
            seen += 0 if isinstance(packet, float | Exception) else packet.size
            yield packet
        listed = _indexed_bytes(self._file, self._number)
        if listed is None:  # cut off, or never written; then the file's size counts
            begin = max(0, self._file.bytes_at(0, _HEAD_BYTES).find(b"movi"))  # the heads before it are no sound
            present = max(1, self._file.size - begin)
            listed = round(seen * (_declared_bytes(self._file) - begin) / present)
        if listed > seen > 0:
            self.promise = Promise(self._clock.elapsed * listed / seen, _SLACK_S, firm=False)
        if self.stream is not None:
            self.stream.promise = self.promise


def asf_seconds(file: FileRange) -> float | None:
    """Return the play duration in a WMA's header in seconds; None for a broadcast, which has none."""
    head = file.bytes_at(0, _HEAD_BYTES)
    at = head.find(_FILE_PROPERTIES) + 24
    if at < 24 or len(head) < at + _FIELDS.size:
        return None
    play, preroll, flags = _FIELDS.unpack_from(head, at)
    seconds = play / 10_000_000 - preroll / 1_000
    return seconds if seconds > 0 and not flags & _BROADCAST else None


def _indexed_bytes(file: FileRange, number: int) -> int | None:
    """Return the bytes of sound that the index lists, the most of several; None without an index."""
    start = max(0, file.size - _MOST_INDEX)  # where damage bars the way to it, it still ends the file
    places = islice(re.finditer(b"idx1", file.bytes_at(start, _MOST_INDEX)), _MOST_INDEXES)
    ways = [_walk_to_index(file), *(start + found.start() for found in places)]
    return max((_listed(file, at, number) for at in ways if at is not None), default=0) or None


def _listed(file: FileRange, at: int, number: int) -> int:
    name, size = struct.unpack("<4sI", file.bytes_at(at, 8).ljust(8, b"\0"))
    if name != b"idx1" or size > _MOST_INDEX:
        return 0
    entries = file.bytes_at(at + 8, size)
    whole = entries[: len(entries) - len(entries) % _ENTRY.size]
    wanted = b"%02dwb" % number
    return sum(count for name, _, _, count in _ENTRY.iter_unpack(whole) if name == wanted)


def _walk_to_index(file: FileRange) -> int | None:
    at = 12
    for _ in range(_MOST_CHUNKS):
        head = file.bytes_at(at, 8)
        if len(head) < 8 or head[:4] == b"idx1":
            return at if len(head) == 8 else None
        size = int.from_bytes(head[4:], "little")
        at += 8 + size + size % 2
    return None


def _declared_bytes(file: FileRange) -> int:
    """Return the file's size by the header of its outermost chunk, or its true size where that is more."""
    return max(file.size, int.from_bytes(file.bytes_at(4, 4), "little") + 8)
