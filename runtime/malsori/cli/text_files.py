"""Text files that a command is given. No more of one is read than a text can have: a device has no end."""

from __future__ import annotations

from typing import BinaryIO

LONGEST = 64 << 20  # bytes, of a text that a person has


def content_of(path: str) -> bytes:
    """Return what a file holds. Raises `OSError`, and `ValueError` for a text that is too long or no path at all."""
    with open(path, "rb") as file:
        return limited(file)


def limited(file: BinaryIO) -> bytes:
    """Return the rest of a file, which may be a pipe. Raises `ValueError` when it is no text for its length alone."""
    content = file.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise ValueError(f"more than {LONGEST >> 20} MiB")
    return content
