"""Files that are nothing but frames: MPEG audio (MP1, MP2, MP3), AAC in ADTS, and FLAC from its middle on.

Recorded radio streams and joined files are such: they begin in the middle of a frame, have tags between frames, and may
change their rate. So frames are found here; FFmpeg only decodes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from .source import FileRange

Parse: TypeAlias = Callable[[bytes], "FrameHead | None"]

_LAYER_KBPS = {
    (1, 1): (0, *range(32, 449, 32)),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_ADTS_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_LONGEST = 8_191  # bytes of the longest frame, ADTS's
_READ_BYTES = 1 << 18
_SURE = 4  # frames in a row that do not occur by chance
_SYNC = re.compile(rb"\xff[\xe0-\xff][^\xff]", re.DOTALL)  # no header's third byte is 255, with which flash is erased
_TAG_HEADS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICS")
_CRC8 = 0x07  # the polynomial of a frame header's checksum
_LONGEST_HEAD = 16  # bytes


@dataclass(frozen=True, slots=True)
class FrameHead:
    """A frame's header: bytes, samples per channel, rate in Hz, codec, and a `kind` that all frames of a file share."""

    size: int
    samples: int
    rate: int
    kind: tuple[int, ...]
    codec: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """`size` bytes at the file's position `at` that are no frame; `tag` when they are a tag about the sound."""

    at: int
    size: int
    tag: bool = False


def mpeg_head(head: bytes) -> FrameHead | None:
    """Return what the MPEG audio header at the beginning of `head` says, None when there is none.

    Header fields: ISO 11172-3 section 2.4.2.3. Bit rates that the tables do not know ("free format") are refused.
    """
    if len(head) < 4 or head[0] != 0xFF or head[1] < 0xE0:
        return None
    return _mpeg_head(head[1] & 0xFE, head[2] & 0xFE)


@lru_cache(maxsize=1_024)
def _mpeg_head(first: int, second: int) -> FrameHead | None:
    version, layer, bitrate, index = first >> 3 & 3, 4 - (first >> 1 & 3), second >> 4, second >> 2 & 3
    if version == 1 or layer == 4 or bitrate in (0, 15) or index == 3:
        return None
    rate = _MPEG_RATES[version][index]
    generation = 1 if version == 3 else 2
    kbps = _LAYER_KBPS.get((generation, layer), _LAYER_KBPS[2, 2])[bitrate]
    padding = second >> 1 & 1
    samples = 384 if layer == 1 else 576 if layer == 3 and generation == 2 else 1_152
    if layer == 1:
        size = (12_000 * kbps // rate + padding) * 4
    else:
        size = samples // 8 * 1_000 * kbps // rate + padding
    return FrameHead(size, samples, rate, (first, index), f"mp{layer}float")


def adts_head(head: bytes) -> FrameHead | None:
    """Return what the ADTS header at the beginning of `head` says, None when there is none (ISO 13818-7, 6.2)."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return None
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    samples = 1_024 * ((head[6] & 3) + 1)
    kind = (head[1], head[2], head[3] >> 6)
    return FrameHead(size, samples, _ADTS_RATES[head[2] >> 2 & 15], kind, "aac") if size > 7 else None


PARSERS: dict[str, Parse] = {"MP3": mpeg_head, "AAC": adts_head}


def frames_at(file: FileRange, offset: int, parse: Parse) -> int:
    """Return how many frames in a row begin at `offset`, `_SURE` at most; `_SURE` also when they end the file."""
    first = parse(file.bytes_at(offset, 9))
    found, head = 0, first
    while first and head and head.kind == first.kind and found < _SURE:
        found, offset = found + 1, offset + head.size
        if offset == file.size:
            return _SURE
        head = parse(file.bytes_at(offset, 9))
    return found


def find_frames(file: FileRange, start: int, stop: int, parse: Parse) -> int | None:
    """Return where in `[start, stop)` the first row of `_SURE` frames begins; None when there is none."""
    data = file.bytes_at(start, stop - start + _SURE * _LONGEST)
    at = _next_row(data, 0, parse, len(data) < stop - start + _SURE * _LONGEST)
    return None if at is None or at >= stop - start else start + at


def frames(file: FileRange, offset: int, parse: Parse) -> Iterator[bytes | Skipped]:
    """Yield the frames from `offset` on, and what lies between them. A last frame that is cut short is left out."""
    data, base, at = b"", offset, 0
    kind: tuple[int, ...] | None = None
    while True:
        if len(data) - at < 2 * _SURE * _LONGEST and base + len(data) < file.size:
            base, data = base + at, data[at:] + file.bytes_at(base + len(data), _READ_BYTES)
            at = 0
        if at >= len(data):
            return
        ended = base + len(data) >= file.size
        head = parse(data[at : at + 9])
        if head is not None and at + head.size <= len(data) and _fits(data, at, head, kind, parse, ended):
            yield data[at : at + head.size]
            at, kind = at + head.size, head.kind
            continue
        tag = _tag_size(data, at)
        if tag:
            size = min(tag, file.size - base - at)
            yield Skipped(base + at, size, tag=True)
            at, kind = at + size, None
            if at >= len(data):  # the rest of a long one is not read
                base, data, at = base + at, b"", 0
            continue
        following = _next_row(data, at + 1, parse, ended)
        if following is None:
            following = len(data) if ended else max(at + 1, len(data) - _SURE * _LONGEST)
        yield Skipped(base + at, following - at)
        at, kind = following, None


def _fits(data: bytes, at: int, head: FrameHead, kind: tuple[int, ...] | None, parse: Parse, ended: bool) -> bool:
    """Return whether a frame is whole: one of its kind follows, or it is like those before and none begins inside.

    The second case is a frame with damage behind it. A frame that was cut short in a join has another one inside.
    """
    end = at + head.size
    following = parse(data[end : end + 9])
    if following is not None and following.kind == head.kind:
        return True
    if end >= len(data) or _tag_size(data, end):
        return kind in (None, head.kind)
    if kind != head.kind:
        return False
    inside = data[at + 4 : end + _SURE * _LONGEST]
    row = _next_row(inside, 0, parse, ended)
    tag = min((place for place in (data.find(tag, at + 4, end) for tag in _TAG_HEADS[::2]) if place > 0), default=end)
    return (row is None or row >= head.size - 4) and tag >= end


def _next_row(data: bytes, at: int, parse: Parse, ended: bool) -> int | None:
    """Return where a row of frames begins, at `at` or behind it, or a tag; None when none does."""
    while True:
        found = _SYNC.search(data, at)
        sync = found.start() if found else -1
        tag = data.find(b"ID3", at, sync if sync >= 0 else len(data))
        if tag >= 0 and _tag_size(data, tag):
            return tag
        if sync < 0:
            return None
        if _row(data, sync, parse, ended):
            return sync
        at = sync + 1


def _row(data: bytes, at: int, parse: Parse, ended: bool) -> bool:
    first = head = parse(data[at : at + 9])
    count = 0
    while first and head and head.kind == first.kind:
        at, count = at + head.size, count + 1
        if count == _SURE or (ended and at == len(data) and count > 1):
            return True
        head = parse(data[at : at + 9])
    return False


def id3_bytes(head: bytes) -> int:
    """Return the length of the ID3v2 tag that `head` begins, 0 for none (id3v2.4.0 section 3.1)."""
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _tag_size(data: bytes, at: int) -> int:
    """Return the length in bytes of the tag that begins at `at`, 0 for none. Tags are skipped and never read."""
    head = data[at : at + 32]
    if len(head) >= 10 and head[3] < 0xFF and max(head[6:10]) < 0x80 and (size := id3_bytes(head)):
        return size
    if head[:3] == b"TAG":
        return 227 if head[3:4] == b"+" else 128
    if head[:8] == b"APETAGEX" and len(head) == 32:
        has_head = head[23] & 0x20  # this is the header, not the footer, of an APEv2 tag
        return 32 + int.from_bytes(head[12:16], "little") if has_head else 32
    return 0


def find_flac_frame(file: FileRange, start: int, stop: int) -> int | None:
    """Return where in `[start, stop)` the first of two frames of one rate and shape begins, None when none does."""
    data = file.bytes_at(start, stop - start)
    at, first = 0, None
    while (at := data.find(b"\xff", at)) >= 0:
        head = data[at : at + _LONGEST_HEAD]
        if _is_head(head):
            shape = (head[1], head[2] & 15, head[3])
            if first is not None and shape == first[1]:
                return start + first[0]
            first = (at, shape)
        at += 1
    return None


def _is_head(head: bytes) -> bool:
    """Return whether a frame header with a right checksum begins here (RFC 9639, 9.1)."""
    if len(head) < _LONGEST_HEAD or head[1] & 0xFE != 0xF8 or head[3] & 1:
        return False
    block, rate = head[2] >> 4, head[2] & 15
    if block == 0 or rate == 15 or head[3] >> 4 > 10 or head[3] >> 1 & 7 == 3:
        return False
    number = 1 if head[4] < 0x80 else 8 - (head[4] ^ 0xFF).bit_length()
    size = 4 + number + {6: 1, 7: 2}.get(block, 0) + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    return size < len(head) and _crc8(head[:size]) == head[size]


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ (_CRC8 if crc & 0x80 else 0)) & 0xFF
    return crc
