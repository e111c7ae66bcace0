"""FILE arguments of a command to inputs: paths, folders of sound files, and `-` for standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from ..errors import AudioError

LONGEST = 64 << 20  # bytes of a text
STDIN = "-"


def content_of(path: str) -> bytes:
    """Return the bytes of a file. Raises `OSError`, and `ValueError` for more than `LONGEST` or an impossible path."""
    with open(path, "rb") as file:
        return limited(file)


def limited(file: BinaryIO) -> bytes:
    """Return the rest of a file, which may be a pipe. Raises `ValueError` for more than `LONGEST`."""
    content = file.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise ValueError(f"more than {LONGEST >> 20} MiB")
    return content


@dataclass(frozen=True, slots=True)
class InputFile:
    """An input: `file` is its path as given or `-`, `below` its path below the folder given, or its name.

    `trouble` is why it cannot be read, where that is known beforehand.
    """

    file: str
    below: str
    trouble: AudioError | None = None


def sources(files: Sequence[str]) -> list[Any]:
    """Return sources for `malsori.audio.decode`: each path as it is, the binary stream of standard input for `-`.

    Raises:
        OptionError: standard input is closed, or given twice.
    """
    from ..errors import OptionError

    if STDIN in files and sys.stdin is None:
        raise OptionError("standard input is closed; redirect a file to it: malsori transcribe - < FILE")
    if files.count(STDIN) > 1:
        raise OptionError("- is standard input, which can be read once")
    return [sys.stdin.buffer if file == STDIN else file for file in files]


def input_files(files: Sequence[str]) -> list[InputFile]:
    """Return the inputs of a command that takes no folders; standard input is called stdin."""
    return [InputFile(file, "stdin" if file == STDIN else os.path.basename(file)) for file in files]


def find_inputs(files: Sequence[str], *, recursive: bool = False) -> list[InputFile]:
    """Return the inputs, with a folder's sound files in its place, sorted by name, without hidden ones.

    A path that does not exist or cannot be read, and a folder without sound files, has its `trouble`.
    """
    return [each for file in files for each in _inputs_of(file, recursive=recursive)]


def _inputs_of(file: str, *, recursive: bool) -> Iterator[InputFile]:
    from ..audio.folders import sound_files_in
    from ..audio.source import check_readable
    from ..errors import AudioNotFound

    if file == STDIN:
        yield from input_files([file])
    elif os.path.isdir(file):
        closed: list[OSError] = []
        inside = list(sound_files_in(file, recursive=recursive, closed=closed.append))
        for error in closed:
            trouble = AudioNotFound(str(error.filename), "a folder that can be read", (error.strerror or "").lower())
            yield InputFile(str(error.filename), os.path.basename(str(error.filename)), trouble)
        if not inside and not closed:
            deeper = "; -r takes those of its folders too" if any(sound_files_in(file, recursive=True)) else ""
            trouble = AudioNotFound(file, "a folder with sound files", f"none in it{deeper}")
            yield InputFile(file, os.path.basename(os.path.normpath(file)), trouble)
        for below in inside:
            yield _checked(os.path.join(file, below), below, check_readable)
    else:
        yield _checked(file, os.path.basename(file), check_readable)


def _checked(file: str, below: str, check: Any) -> InputFile:
    from ..errors import AudioNotFound

    try:
        check(file)
    except AudioNotFound as trouble:
        return InputFile(file, below, trouble)
    return InputFile(file, below)
