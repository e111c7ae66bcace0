"""Taking a bundle away that was pulled or adopted: from the user's shelf alone, whole or not at all."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from glob import escape
from pathlib import Path

from ..errors import OptionError, OutputError
from ..file_lock import locked
from .find import Found
from .places import PACKAGE, checkout, is_within, shelf, unfinished
from .pull.work import lock_of


def check_removable(found: Found) -> None:
    """Raise `OptionError` for a model that malsori has not put where it is, with the folder and whose it is."""
    if not found.plain and _on_shelf(found):
        return
    raise OptionError(f"{found.name} is not malsori's to remove: {found.folder} {_whose(found)}")


def size_of(found: Found) -> int:
    """Return how many bytes go with it, and with a pull of it that was not finished: files without another name."""
    own = [] if found.folder.is_symlink() else [*found.folder.rglob("*")]
    files = [*own, *unfinished(found.folder).rglob("*")]
    told = [path.lstat() for path in files if path.is_symlink() or path.is_file()]
    return sum(each.st_size for each in told if each.st_nlink == 1)


def remove(found: Found, waiting: Callable[[], None] = lambda: None) -> int:
    """Remove a bundle and return how many bytes that freed. It goes out of sight at once, then file by file.

    A process that pulls or rounds it is waited for; `waiting` is called once where there is one.

    Raises:
        OptionError: it is not in the user's shelf, or no bundle.
        OutputError: it cannot be removed and is there as it was, or is not gone to the last file.
    """
    check_removable(found)
    folder = Path(os.path.abspath(found.folder))
    try:
        with locked(lock_of(folder), waiting):
            try:
                freed, hidden = size_of(found), _hidden(folder)
                for left in folder.parent.glob(f"{escape(_start_of_hidden(folder))}*"):  # of a run that was killed too
                    shutil.rmtree(left, ignore_errors=True)
                shutil.rmtree(unfinished(folder), ignore_errors=True)
            finally:
                with suppress(OSError):  # Windows removes no file that is open
                    lock_of(folder).unlink()
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{folder}: cannot be removed, {error.strerror or error}") from error
    if hidden.exists():
        raise OutputError(f"{folder}: is no model any more, but not all of it could be removed; see {hidden}")
    return freed


def _hidden(folder: Path) -> Path:
    """Take a folder out of sight in one step and return where it is then. Raises `OSError`; nothing is changed."""
    hidden = Path(tempfile.mkdtemp(prefix=_start_of_hidden(folder), dir=folder.parent))
    try:
        os.rename(folder, hidden / folder.name)
    except OSError:
        hidden.rmdir()
        raise
    return hidden


def _start_of_hidden(folder: Path) -> str:
    return f".{folder.name}.removed."


def _on_shelf(found: Found) -> bool:
    own = shelf()
    return own is not None and _parent(found) == own.resolve()


def _parent(found: Found) -> Path:
    """Return the folder that it is in, of a link that of the link."""
    return Path(os.path.abspath(found.folder)).parent.resolve()


def _whose(found: Found) -> str:
    folder = shlex.quote(str(found.folder))
    if is_within(found.folder):
        return "is in the hub's cache, which the hub's own client clears"
    if _on_shelf(found):
        return f"is a plain folder that somebody has put there; rm -r {folder} removes it"
    root = checkout()
    if found.folder.resolve().is_relative_to(PACKAGE) or (root and _parent(found) == root / "models"):
        return "comes with malsori"
    return f"is in a folder of your own; rm -r {folder} removes it"
