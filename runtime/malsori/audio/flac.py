"""The first whole frame of FLAC that begins in the middle, as a recorded radio stream does."""

from __future__ import annotations

from .source import FileRange

_CRC8 = 0x07  # the polynomial of a frame header's checksum
_LONGEST_HEAD = 16  # bytes


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
