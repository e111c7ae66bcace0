"""Replaces files and folders such that a reader sees the whole old one or the whole new one, even after a crash."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_BEGINNING, _ENDING = ".malsori-", ".tmp"


@contextmanager
def replacing(path: Path, *, mode: int | None = None, durable: bool = False) -> Iterator[BinaryIO]:
    """Open a new binary file beside `path`, which takes its name when the block ends well and is removed when not.

    With a `mode` it has these permissions; without one it has those of any new file. With a mode, or if `durable`, it
    is flushed to the disk before it is renamed: after a power cut the name does not lead to an empty file. Raises
    `OSError`; `path` is then as it was before.
    """
    temporary = temporary_in(path.parent)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o666 if mode is None else 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            if durable or mode is not None:
                file.flush()
                os.fsync(file.fileno())
        if mode is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:  # an interrupt too must leave nothing behind
        with suppress(OSError):
            temporary.unlink()
        raise


def write_atomically(path: Path, content: bytes, *, mode: int) -> None:
    """Write `content` to `path` with the permissions `mode`. Raises `OSError` as `replacing` does."""
    with replacing(path, mode=mode) as file:
        file.write(content)


def temporary_in(folder: Path) -> Path:
    """Return a new path in a folder, with a short name: the target's may have all 255 bytes that a name can have."""
    return folder / f"{_BEGINNING}{os.urandom(6).hex()}{_ENDING}"


def is_temporary(name: str) -> bool:
    """Return whether a file's name is one that `temporary_in` gives."""
    return name.startswith(_BEGINNING) and name.endswith(_ENDING)


def put_in_place(new: Path, target: Path, *, old: Path) -> None:
    """Rename the folder `new` to `target`, and only then remove what was there.

    Until then that is at `old`, a free path on the same file system. Raises `OSError`; `target` is then as it was.
    """
    try:
        if os.path.lexists(target):
            os.rename(target, old)
        os.rename(new, target)
    except BaseException:  # an interrupt between the two, too
        if os.path.lexists(old) and not os.path.lexists(target):
            os.rename(old, target)
        raise
    if old.is_symlink() or old.is_file():
        old.unlink()
    else:
        shutil.rmtree(old, ignore_errors=True)
