"""Paths that a list names, a manifest or standard input: read within limits, checked, and mirrored below the output."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from ..audio.source import check_readable, name_of
from ..errors import AudioError, AudioNotFound, OptionError
from .input_row import InputRow

LONGEST_LINE = 1 << 20  # bytes of a line, or of a row, of a list
_BLOCK = 1 << 16


def checked(row: InputRow) -> InputRow:
    """Return a row with the size and the time of its file, or with its trouble where it is no regular file.

    Nothing is opened but what was not found as a regular file: of 100,000 files on a network that would take minutes.
    """
    try:
        found = os.stat(row.source)
        if stat.S_ISREG(found.st_mode):
            return replace(row, size=found.st_size, changed=found.st_mtime_ns)
    except (OSError, ValueError):
        pass
    try:
        check_readable(row.source)
    except AudioError as error:
        return replace(row, trouble=error)
    return row


def row_at_url(url: str, *, remote: bool) -> InputRow:
    """Return the row of a URL that a list names; its trouble where `remote` places are not read."""
    trouble = None if remote else AudioNotFound(name_of(url), "the path of a file", "a URL")
    return InputRow(url, url.rstrip("/").rpartition("/")[2] or "recording", trouble=trouble)


def below_of(path: str) -> str:
    """Return the path of a listed file below the output folder: as given if it leads down from here, or its name."""
    normal = os.path.normpath(path)
    leads_down = not (os.path.isabs(normal) or normal.split(os.sep)[0] in ("..", "."))
    return normal if leads_down else os.path.basename(normal)


def composed_otherwise(path: str) -> str:
    """Return a path, or the one that is there with its letters composed or decomposed: lists and disks differ in it."""
    if path.isascii() or os.path.lexists(path):
        return path
    others = (unicodedata.normalize(form, path) for form in ("NFC", "NFD"))
    return next((other for other in others if os.path.lexists(other)), path)


def paths_in(stream: BinaryIO, end: bytes) -> Iterator[str]:
    """Yield the paths of a stream, each ended by a line feed or by NUL. Raises `OptionError` for what is too long."""
    rest = b""
    while block := stream.read(_BLOCK):
        *whole, rest = (rest + block).split(end)
        yield from filter(None, (_path(each, end) for each in whole))
        if len(rest) > LONGEST_LINE:
            raise OptionError(f"standard input: expected paths, found {LONGEST_LINE >> 20} MiB without an end of line")
    if path := _path(rest, end):
        yield path


def _path(line: bytes, end: bytes) -> str:
    if end == b"\n" and b"\0" in line:
        raise OptionError("standard input: expected a path a line, found null bytes, as those of find -print0; add -0")
    return os.fsdecode(line.rstrip(b"\r") if end == b"\n" else line)
