"""The folders of models on this machine: the user's cache, where bundles are looked for, and the hub's cache.

The hub's cache has the downloads of faster-whisper and of the hub's own client; it is read and never written.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "MALSORI_MODELS"
PACKAGE = Path(__file__).resolve().parents[1]  # .../malsori
OUR_PROJECT = re.compile(r'^name\s*=\s*"malsori"\s*$', re.MULTILINE)
ORIGIN = "hub cache"
PREFIX = "models--"
REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder whose subfolders may be bundles, and its name in lists and messages."""

    folder: Path
    origin: str


def places() -> list[Place]:
    """Return the folders to look in, those that take precedence first; each may be absent."""
    listed = os.environ.get(VARIABLE, "").split(os.pathsep)
    found = [Place(Path(entry), f"${VARIABLE}") for entry in listed if entry]
    if (root := checkout()) is not None:
        found.append(Place(root / "models", "checkout"))
    found.append(Place(PACKAGE / "_models", "package"))
    if (own := shelf()) is not None:
        found.append(Place(own, "cache"))
    return found


def shelf() -> Path | None:
    """Return the folder that models are pulled and adopted into, which may not exist yet; None without a home."""
    cache = cache_folder()
    return None if cache is None else cache / "models"


def unfinished(folder: Path) -> Path:
    """Return the hidden folder beside a bundle that keeps its files until its pull is finished."""
    whole = Path(os.path.abspath(folder))  # also for one that is given as "."
    return whole.with_name(f".{whole.name}.pull")


def checkout(package: Path = PACKAGE) -> Path | None:
    """Return the checkout that `package` is run from, or None for an installed one.

    The folder `runtime` and our own pyproject.toml above it must both be there: another project's `models/` beside
    site-packages must not be searched.
    """
    root = package.parents[1]
    try:
        text = (root / "pyproject.toml").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return root if package.parent.name == "runtime" and OUR_PROJECT.search(text) else None


def cache_folder() -> Path | None:
    """Return `$XDG_CACHE_HOME/malsori` or `~/.cache/malsori`, which may not exist yet; None without a home."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):  # the XDG specification has relative paths ignored
        return Path(base) / "malsori"
    try:
        return Path.home() / ".cache" / "malsori"
    except RuntimeError:
        return None


@dataclass(frozen=True, slots=True)
class CachedRepository:
    """A downloaded repository: its name (`Systran/faster-whisper-base`), its commit, the folder of its files."""

    repository: str
    revision: str
    folder: Path


def hub_folder() -> Path | None:
    """Return the folder of the hub client's downloads, by its own variables; None without a home."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if named := os.environ.get(variable):
            return _expanded(named)
    if named := os.environ.get("HF_HOME"):
        return _expanded(named) / "hub"
    if named := os.environ.get("XDG_CACHE_HOME"):
        return _expanded(named) / "huggingface" / "hub"
    try:
        return Path.home() / ".cache" / "huggingface" / "hub"
    except RuntimeError:
        return None


def cached() -> list[CachedRepository]:
    """Return all downloaded repositories of models, whatever they hold, sorted by name."""
    folder = hub_folder()
    try:
        names = sorted(os.listdir(folder)) if folder is not None else []
    except OSError:
        return []
    found = [snapshot(folder / name) for name in names if folder is not None and name.startswith(PREFIX)]
    return [each for each in found if each is not None]


def cached_as(repository: str) -> CachedRepository | None:
    """Return the repository of that name, None where it was never downloaded."""
    folder = hub_folder()
    if folder is None or not REPOSITORY.fullmatch(repository):
        return None
    return snapshot(folder / (PREFIX + repository.replace("/", "--")))


def snapshot(folder: Path) -> CachedRepository | None:
    """Return the repository in a folder `models--OWNER--NAME`, at the commit of `main`, else at its newest one."""
    try:
        main = (folder / "refs" / "main").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        main = ""
    if not re.fullmatch(r"[0-9a-f]{4,64}", main) or not (folder / "snapshots" / main).is_dir():
        main = _newest(folder / "snapshots")
    repository = folder.name.removeprefix(PREFIX).replace("--", "/", 1)
    return CachedRepository(repository, main, folder / "snapshots" / main) if main else None


def repository_of(folder: Path) -> CachedRepository | None:
    """Return the repository that a folder in `snapshots/` belongs to, None for any other folder."""
    root = folder.parent.parent
    if folder.parent.name != "snapshots" or not root.name.startswith(PREFIX):
        return None
    return CachedRepository(root.name.removeprefix(PREFIX).replace("--", "/", 1), folder.name, folder)


def is_within(folder: Path) -> bool:
    """Return whether a folder, links resolved, is in the hub's cache."""
    whole = folder.resolve()
    return any(repository_of(each) is not None for each in (whole, *whole.parents))


def _newest(snapshots: Path) -> str:
    try:
        with os.scandir(snapshots) as entries:
            there = [(entry.stat().st_mtime, entry.name) for entry in entries if entry.is_dir()]
    except OSError:
        return ""
    return max(there, default=(0.0, ""))[1]


def _expanded(text: str) -> Path:
    return Path(os.path.expandvars(os.path.expanduser(text)))
