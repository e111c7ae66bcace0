"""Results on disk: a file that appears whole or not at all, or one that grows by records while a stream goes on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from ..atomic import replacing
from ..errors import OutputError
from ..types import Transcript
from .cues import CueOptions
from .writers import CUES, HEADS, render

_NUMBER = re.compile(r"^\d+(?=\n\d+:\d\d:\d\d,\d{3} --> )", re.MULTILINE)


def write(transcript: Transcript, path: str | os.PathLike[str], format: str, cues: CueOptions | None = CUES) -> None:
    """Write `transcript` to `path` in `format` as UTF-8, replacing what was there; `cues` is as in `render`.

    Raises:
        OptionError: there is no such format.
        OutputError: it could not be written (disk full, no such folder, no permission); `path` is as it was before.
    """
    text = render(transcript, format, cues)
    with atomic_file(path) as file:
        file.write(text.encode("utf-8", errors="replace"))


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a new binary file beside `path` that takes its name when the block ends well, and vanishes when it does not.

    Raises:
        OutputError: the file could not be created, written or renamed, or `path` is a device or a pipe, which a file
            must not take the place of.
    """
    target = Path(path)
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise OutputError(f"{target}: cannot be written, it is no regular file")
    try:
        with replacing(target) as file:
            yield file
    except OSError as error:
        raise OutputError.unwritten(target, error) from error


class Records:
    """A file that texts are appended to, each by one write. Raises `OutputError` where it cannot be opened or written.

    A record that could not be written whole, as on a full disk, is removed again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._torn = _ends_within_a_line(path)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
        except OSError as error:
            raise self._failed(error) from error

    def add(self, text: str) -> None:
        """Append a text that ends in a line feed; if the file does not end in one, add that first."""
        data = ("\n" * self._torn + text).encode("utf-8", errors="replace")
        written = 0
        try:
            while written < len(data):  # once, but where a signal comes or the disk is full
                written += os.write(self._file, data[written:])
        except OSError as error:
            with suppress(OSError):  # a pipe keeps what it got
                os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            raise self._failed(error) from error
        self._torn = False

    def close(self) -> None:
        """Flush the file to the disk and close it."""
        with suppress(OSError):  # a pipe has no disk
            os.fsync(self._file)
        os.close(self._file)

    def _failed(self, error: OSError) -> OutputError:
        return OutputError.unwritten(self._path, error)


class Growing:
    """A transcript file that is appended to, in one of `formats.GROWING`; `set_aside` keeps an earlier one."""

    def __init__(self, path: Path, format: str) -> None:
        self._format = format
        self._records = Records(path)
        self._cues = 0
        if head := HEADS.get(format):
            self._records.add(head)

    def add(self, part: Transcript) -> None:
        """Append the segments of a transcript. Raises `OutputError`."""
        text = render(part, self._format).removeprefix(HEADS.get(self._format, ""))
        if self._format == "srt":
            text = _NUMBER.sub(self._next_number, text)
        if text:
            self._records.add(text)

    def close(self) -> None:
        """Close the file."""
        self._records.close()

    def _next_number(self, number: re.Match[str]) -> str:
        self._cues += 1
        return str(self._cues)


def set_aside(path: Path) -> Path | None:
    """Rename a file that is not empty, as to `talk-1.srt`, and return its new path; None where there is none.

    Raises `OutputError` where it cannot be renamed.
    """
    if not (path.is_file() and path.stat().st_size):
        return None
    names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(1))
    kept = next(name for name in names if not os.path.lexists(name))
    try:
        path.rename(kept)
    except OSError as error:
        raise OutputError(f"{path}: cannot be kept as {kept}, {error.strerror or error}") from error
    return kept


def _ends_within_a_line(path: Path) -> bool:
    """Return whether a file does not end in a line feed, as one that was cut off."""
    if not path.is_file() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
