"""Whether an Ogg stream has its end. What is in its pages is FFmpeg's matter."""

from __future__ import annotations

from .source import Window

_PAGE_BYTES = 65_307  # at most (RFC 3533)


def notes(window: Window) -> list[str]:
    """Warn when no whole page marked as the last ends it. Only a warning: a live recording has none either."""
    tail = window.bytes_at(max(0, window.size - _PAGE_BYTES), _PAGE_BYTES)
    page = tail[max(0, tail.rfind(b"OggS")) :]
    sizes = page[27 : 27 + page[26]] if len(page) > 27 else b""
    whole = len(page) > 27 and len(page) >= 27 + page[26] + sum(sizes)
    return [] if whole and page[5] & 4 else ["the OGG stream has no last page; it may be cut short"]
