"""Finishing a bundle: every file gets its size and sha256, and `manifest.json` is written. Export scripts call this."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import ModelCorrupt
from .atomic import write_atomically
from .contents import digest
from .manifest import MANIFEST, FileEntry, Manifest
from .parse import is_safe


def describe_files(folder: Path) -> dict[str, FileEntry]:
    """Return size and sha256 of every file below `folder` but the manifest, by name, sorted; `/` between folders.

    Raises:
        ModelCorrupt: a link or a name that no bundle may hold.
    """
    entries: dict[str, FileEntry] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise ModelCorrupt(str(path), "a file of its own", "a link")
        if path.is_dir() or name == MANIFEST:
            continue
        if not is_safe(name):
            raise ModelCorrupt(str(path), "a name that works on every system", repr(name))
        entries[name] = FileEntry(path.stat().st_size, digest(path))
    return entries


def seal(folder: Path, manifest: Manifest) -> Manifest:
    """Write `manifest.json` with all files of `folder` listed; return what was written. An old one is replaced."""
    sealed = replace(manifest, files=describe_files(folder))
    write_atomically(folder / MANIFEST, sealed.to_json().encode(), mode=0o644)
    return sealed
