"""Models that faster-whisper or the hub's own client have downloaded: the hub's cache, read and never written.

    models--Systran--faster-whisper-base/
        refs/main                 the commit that was asked for last, as text
        snapshots/<commit>/       names of files, each a link into blobs/ (a file where links are not to be had)
        blobs/

Neither the client nor the network is needed. Half a download lacks files, and is no model.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

ORIGIN = "hub cache"
PREFIX = "models--"
REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cached:
    """One repository as it was downloaded: `Systran/faster-whisper-base`, its commit, the folder of its files."""

    repository: str
    revision: str
    folder: Path


def hub_folder() -> Path | None:
    """Return where the hub's client keeps downloads, by its own variables; None for a user without a home."""
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


def cached() -> list[Cached]:
    """Return all repositories of models that are there, whatever they hold, sorted by name."""
    folder = hub_folder()
    try:
        names = sorted(os.listdir(folder)) if folder is not None else []
    except OSError:
        return []
    found = [snapshot(folder / name) for name in names if folder is not None and name.startswith(PREFIX)]
    return [each for each in found if each is not None]


def cached_as(repository: str) -> Cached | None:
    """Return the repository of that name, None where it was never downloaded."""
    folder = hub_folder()
    if folder is None or not REPOSITORY.fullmatch(repository):
        return None
    return snapshot(folder / (PREFIX + repository.replace("/", "--")))


def snapshot(folder: Path) -> Cached | None:
    """Return what a folder `models--OWNER--NAME` holds: the commit of `main`, else the newest that is there."""
    try:
        main = (folder / "refs" / "main").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        main = ""
    if not re.fullmatch(r"[0-9a-f]{4,64}", main) or not (folder / "snapshots" / main).is_dir():
        main = _newest(folder / "snapshots")
    repository = folder.name.removeprefix(PREFIX).replace("--", "/", 1)
    return Cached(repository, main, folder / "snapshots" / main) if main else None


def repository_of(folder: Path) -> Cached | None:
    """Return the repository that a folder in `snapshots/` belongs to, None for a folder that is elsewhere."""
    root = folder.parent.parent
    if folder.parent.name != "snapshots" or not root.name.startswith(PREFIX):
        return None
    return Cached(root.name.removeprefix(PREFIX).replace("--", "/", 1), folder.name, folder)


def is_within(folder: Path) -> bool:
    """Return whether a folder, by whatever path it was reached, is in what the hub's client has downloaded."""
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
