"""Whether an Ogg stream has its end. What is in its pages is FFmpeg's matter."""

from __future__ import annotations

import zlib

from .source import Window

PAGE_BYTES = 65_307  # at most (RFC 3533)
_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))  # each byte with its bits the other way round


def notes(window: Window) -> list[str]:
    """Warn when no whole page marked as the last ends it. Only a warning: a live recording has none either."""
    tail = window.bytes_at(max(0, window.size - PAGE_BYTES), PAGE_BYTES)
    page = tail[max(0, tail.rfind(b"OggS")) :]
    sizes = page[27 : 27 + page[26]] if len(page) > 27 else b""
    size = 27 + len(sizes) + sum(sizes)
    whole = len(page) >= size > 27 and _sum(page[:size]) == int.from_bytes(page[22:26], "little")
    return [] if whole and page[5] & 4 else ["the OGG stream has no last page; it may be cut short"]


def _sum(page: bytes) -> int:
    """Return a page's checksum: zlib's, were it not for the order of bits and what it begins with."""
    data = (page[:22] + bytes(4) + page[26:]).translate(_TURNED)
    crc = zlib.crc32(data, 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int(f"{crc:032b}"[::-1], 2)
