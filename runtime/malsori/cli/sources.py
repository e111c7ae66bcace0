"""What the FILE arguments of a command stand for: paths, folders of sound files, and `-` for standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from ..errors import AudioError

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


STDIN = "-"

# What a folder is looked through for: endings of sound and of films. What is in a file, only its first bytes tell.
ENDINGS = frozenset(
    "3g2 3gp aac ac3 adts aif aifc aiff amr ape asf au avi awb caf dts eac3 f4a flac flv gsm m2ts m4a m4b m4v mka mkv "
    "mov mp1 mp2 mp3 mp4 mpeg mpg mpga mts nist oga ogg ogv opus rf64 snd sph spx ts vob w64 wav wave webm wma wmv "
    "wv".split()
)


@dataclass(frozen=True, slots=True)
class Given:
    """An input: `file` is how people know it, `below` where it lies below the folder that was given, or its name.

    `trouble` is why it cannot be read, where that is known before anybody tries.
    """

    file: str
    below: str
    trouble: AudioError | None = None


def sources(files: Sequence[str]) -> list[Any]:
    """Return what `malsori.audio.decode` takes: each path as it is, the binary stream of standard input for `-`.

    Raises:
        OptionError: standard input is closed, or asked for twice, when there is only one to be read.
    """
    from ..errors import OptionError

    if STDIN in files and sys.stdin is None:
        raise OptionError("standard input is closed; redirect a file to it: malsori transcribe - < FILE")
    if files.count(STDIN) > 1:
        raise OptionError("- is standard input, which can be read once")
    return [sys.stdin.buffer if file == STDIN else file for file in files]


def given(files: Sequence[str]) -> list[Given]:
    """Return the inputs of a command that takes no folders; what came through `-` is called stdin."""
    return [Given(file, "stdin" if file == STDIN else os.path.basename(file)) for file in files]


def found(files: Sequence[str], *, recursive: bool = False) -> list[Given]:
    """Return the inputs, a folder's sound files in its place, sorted by name; hidden ones are left out.

    What is not there, cannot be read, or is a folder without sound files has its `trouble`.
    """
    return [each for file in files for each in _found(file, recursive=recursive)]


def _found(file: str, *, recursive: bool) -> Iterator[Given]:
    from ..audio.source import check_readable
    from ..errors import AudioNotFound

    if file == STDIN:
        yield from given([file])
    elif os.path.isdir(file):
        closed: list[OSError] = []
        inside = list(_inside(file, recursive=recursive, closed=closed.append))
        for error in closed:
            trouble = AudioNotFound(str(error.filename), "a folder that can be read", (error.strerror or "").lower())
            yield Given(str(error.filename), os.path.basename(str(error.filename)), trouble)
        if not inside and not closed:
            deeper = "; -r takes those of its folders too" if any(_inside(file, recursive=True)) else ""
            trouble = AudioNotFound(file, "a folder with sound files", f"none in it{deeper}")
            yield Given(file, os.path.basename(os.path.normpath(file)), trouble)
        for below in inside:
            yield _checked(os.path.join(file, below), below, check_readable)
    else:
        yield _checked(file, os.path.basename(file), check_readable)


def _checked(file: str, below: str, check: Any) -> Given:
    from ..errors import AudioNotFound

    try:
        check(file)
    except AudioNotFound as trouble:
        return Given(file, below, trouble)
    return Given(file, below)


def _inside(folder: str, *, recursive: bool, closed: Callable[[OSError], None] | None = None) -> Iterator[str]:
    """Yield the paths of a folder's sound files below it, each folder's own before those of the folders in it.

    `closed` is told of the folders that cannot be looked into.
    """
    for where, folders, files in os.walk(folder, onerror=closed):
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if recursive else []
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower()[1:] in ENDINGS:
                yield os.path.normpath(os.path.join(os.path.relpath(where, folder), name))
