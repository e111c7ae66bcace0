"""Where this machine keeps things: the user's cache folder, and the folders in which bundles are looked for."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "MALSORI_MODELS"
PACKAGE = Path(__file__).resolve().parents[1]  # .../malsori
OUR_PROJECT = re.compile(r'^name\s*=\s*"malsori"\s*$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder whose subfolders may be bundles, and how it is called in lists and messages."""

    folder: Path
    origin: str


def places() -> list[Place]:
    """Return the folders to look in, the first to win first; each may be absent."""
    listed = os.environ.get(VARIABLE, "").split(os.pathsep)
    found = [Place(Path(entry), f"${VARIABLE}") for entry in listed if entry]
    if (root := checkout()) is not None:
        found.append(Place(root / "models", "checkout"))
    found.append(Place(PACKAGE / "_models", "package"))
    if (own := shelf()) is not None:
        found.append(Place(own, "cache"))
    return found


def shelf() -> Path | None:
    """Return the folder that models are pulled and adopted into, there or not yet; None for a user without a home."""
    cache = cache_folder()
    return None if cache is None else cache / "models"


def unfinished(folder: Path) -> Path:
    """Return where what has come of a bundle is kept until its pull is finished: hidden, beside it."""
    whole = Path(os.path.abspath(folder))  # also for one that is given as "."
    return whole.with_name(f".{whole.name}.pull")


def checkout(package: Path = PACKAGE) -> Path | None:
    """Return the repository that `package` is run from, or None for an installed one.

    Both signs must be there, the folder `runtime` and our own pyproject.toml above it: a stranger's `models/` beside
    some site-packages is no place of ours.
    """
    root = package.parents[1]
    try:
        text = (root / "pyproject.toml").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return root if package.parent.name == "runtime" and OUR_PROJECT.search(text) else None


def cache_folder() -> Path | None:
    """Return `$XDG_CACHE_HOME/malsori` or `~/.cache/malsori`, there or not yet; None for a user without a home."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):  # the XDG specification has relative paths ignored
        return Path(base) / "malsori"
    try:
        return Path.home() / ".cache" / "malsori"
    except RuntimeError:
        return None
