"""Results on disk: a file appears under its name complete, or not at all. What stands in it is `writers.py`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputError
from ..types import Transcript
from .cues import CueOptions
from .writers import CUES, render


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
    temporary = temporary_in(target.parent)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
            os.replace(temporary, target)
        except BaseException:  # an interrupt too must leave nothing behind
            with suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise OutputError.unwritten(target, error) from error


def temporary_in(folder: Path) -> Path:
    """Return a new name there, a short one: a result's own may already have all the 255 bytes that a name can have."""
    return folder / f".malsori-{secrets.token_hex(6)}.tmp"
