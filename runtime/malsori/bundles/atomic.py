"""Writing a small file, or putting a folder in its place, so that a reader sees the old content or the new, whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes, *, mode: int) -> None:
    """Write `content` to `path` with the permissions `mode`. Raises `OSError`; nothing is left behind then."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def put_in_place(new: Path, target: Path, *, old: Path) -> None:
    """Let the folder `new` take the place of `target`, whose content goes only when the new one is there.

    It is `old`, a name on the same file system that nothing has, until then. Raises `OSError`; what was there is back.
    """
    if os.path.lexists(target):
        os.rename(target, old)
    try:
        os.rename(new, target)
    except OSError:
        if os.path.lexists(old):
            os.rename(old, target)
        raise
    if old.is_symlink() or old.is_file():
        old.unlink()
    else:
        shutil.rmtree(old, ignore_errors=True)
