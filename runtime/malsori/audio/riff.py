"""What AVI and WMA themselves say of how much they hold: FFmpeg reckons anew for a file that was cut.

FFmpeg's duration of an AVI is too long by up to a twentieth where nothing is missing, so its index is asked instead.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import islice

from .clock import FileClock
from .packets import Coded
from .source import Window
from .stream import Promise, SoundStream

_HEAD_BYTES = 1 << 16
_MOST_CHUNKS = 4_096
_MOST_INDEX = 1 << 24  # bytes: a million chunks
_MOST_INDEXES = 16  # places that look like one
_ENTRY = struct.Struct("<4sIII")  # of an index: name, flags, place, bytes (Microsoft's AVI RIFF File Reference)
_SLACK_S = 0.1
_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")  # ASF specification, section 3.2
_FIELDS = struct.Struct("<40xQ8xQI")  # behind its size: play duration in 100 ns, preroll in ms, flags
_BROADCAST = 1


class AviIndex:
    """Counts the bytes of the packets of stream `number`, and promises as many seconds as the index lists bytes."""

    def __init__(self, window: Window, number: int, clock: FileClock) -> None:
        self._window, self._number, self._clock = window, number, clock
        self.promise = Promise()
        self.stream: SoundStream | None = None

    def counted(self, packets: Iterator[Coded]) -> Iterator[Coded]:
        """Pass the packets on; the promise is known behind the last one."""
        seen = 0
        for packet in packets:
            seen += 0 if isinstance(packet, float | Exception) else packet.size
            yield packet
        listed = _indexed_bytes(self._window, self._number)
        if listed is None:  # cut off, or never written; then the file's size counts
            begin = max(0, self._window.bytes_at(0, _HEAD_BYTES).find(b"movi"))  # the heads before it are no sound
            present = max(1, self._window.size - begin)
            listed = round(seen * (_said_bytes(self._window) - begin) / present)
        if listed > seen > 0:
            self.promise = Promise(self._clock.elapsed * listed / seen, _SLACK_S, firm=False)
        if self.stream is not None:
            self.stream.promise = self.promise


def asf_seconds(window: Window) -> float | None:
    """Return how long a WMA says it plays; None for a broadcast, which cannot know."""
    head = window.bytes_at(0, _HEAD_BYTES)
    at = head.find(_FILE_PROPERTIES) + 24
    if at < 24 or len(head) < at + _FIELDS.size:
        return None
    play, preroll, flags = _FIELDS.unpack_from(head, at)
    seconds = play / 10_000_000 - preroll / 1_000
    return seconds if seconds > 0 and not flags & _BROADCAST else None


def _indexed_bytes(window: Window, number: int) -> int | None:
    """Return how many bytes of sound the index lists, the longest of several; None without an index."""
    start = max(0, window.size - _MOST_INDEX)  # where damage bars the way to it, it still ends the file
    places = islice(re.finditer(b"idx1", window.bytes_at(start, _MOST_INDEX)), _MOST_INDEXES)
    ways = [_walk_to_index(window), *(start + found.start() for found in places)]
    return max((_listed(window, at, number) for at in ways if at is not None), default=0) or None


def _listed(window: Window, at: int, number: int) -> int:
    name, size = struct.unpack("<4sI", window.bytes_at(at, 8).ljust(8, b"\0"))
    if name != b"idx1" or size > _MOST_INDEX:
        return 0
    entries = window.bytes_at(at + 8, size)
    whole = entries[: len(entries) - len(entries) % _ENTRY.size]
    wanted = b"%02dwb" % number
    return sum(count for name, _, _, count in _ENTRY.iter_unpack(whole) if name == wanted)


def _walk_to_index(window: Window) -> int | None:
    at = 12
    for _ in range(_MOST_CHUNKS):
        head = window.bytes_at(at, 8)
        if len(head) < 8 or head[:4] == b"idx1":
            return at if len(head) == 8 else None
        size = int.from_bytes(head[4:], "little")
        at += 8 + size + size % 2
    return None


def _said_bytes(window: Window) -> int:
    """Return how many bytes the outermost chunk says there are, at least those that there are."""
    return max(window.size, int.from_bytes(window.bytes_at(4, 4), "little") + 8)
