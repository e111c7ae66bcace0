"""What a file is, by its first bytes and by its sum: sha256, and the two things that often stand in for a model."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

BLOCK = 1 << 20  # bytes read at a time
HEAD = 512  # bytes that are enough to tell a pointer or a page

LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def digest(path: Path) -> str:
    """Return the sha256 of a file in hex, read in blocks. Raises `OSError`."""
    sums = sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            sums.update(block)
    return sums.hexdigest()


def head(path: Path) -> bytes:
    """Return the first bytes of a file. Raises `OSError`."""
    with path.open("rb") as file:
        return file.read(HEAD)


def foreign(start: bytes) -> str:
    """Return what a file with this start is when it is no model at all, else an empty text."""
    if start.startswith(LFS_POINTER):
        return "a git-lfs pointer instead of the file itself (git lfs pull fetches it)"
    if start.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "an HTML page, as a failed download leaves it"
    return ""
