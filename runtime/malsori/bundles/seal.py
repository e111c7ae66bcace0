"""Writes the manifest of a bundle: `seal` with the sums of all files, `amend` with other fields.

Export scripts call `seal` last. `amend` leaves the other files of the bundle as they are.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..atomic import write_atomically
from ..errors import ModelCorrupt, OutputError
from .manifest import MANIFEST, FileEntry, Manifest, is_safe
from .parse import manifest_from, read_manifest
from .verify import digest


def describe_files(folder: Path) -> dict[str, FileEntry]:
    """Return size and sha256 of every file below `folder` but the manifest, sorted by name, with `/` between folders.

    Raises:
        ModelCorrupt: the folder holds a link, or a file with a name that some systems do not allow.
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
    """Write the manifest with the entries of all files of `folder`, and return it. An old manifest is replaced.

    Raises `ModelError` for a manifest that `read_manifest` would refuse; nothing is written then.
    """
    sealed = replace(manifest, files=describe_files(folder))
    content = sealed.to_json()
    manifest_from(content, str(folder / MANIFEST))
    write_atomically(folder / MANIFEST, content.encode(), mode=0o644)
    return sealed


def amend(folder: Path, **fields: Any) -> Manifest:
    """Write the manifest with these fields changed, and return it.

    Fields that this version does not know are kept. Raises `OutputError` where the manifest cannot be written; the old
    one stays then.
    """
    path = folder / MANIFEST
    manifest = replace(read_manifest(folder), **fields)
    old = json.loads(path.read_text("utf-8"))
    content = json.dumps({**old, **asdict(manifest)}, ensure_ascii=False, indent=2) + "\n"
    try:
        write_atomically(path, content.encode(), mode=stat.S_IMODE(path.stat().st_mode))
    except OSError as error:
        raise _unwritable(folder, error.strerror or str(error)) from error
    return manifest


def check_amendable(folder: Path) -> None:
    """Raise `OutputError` for a bundle that `amend` could not write, before any work is done."""
    if not (folder / MANIFEST).is_file():
        raise OutputError(
            f"{folder}: has no manifest to write into; malsori models adopt {shlex.quote(str(folder))} gives it one, "
            "or only look with --dry-run"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unwritable(folder, "it is read-only for you")


def _unwritable(folder: Path, why: str) -> OutputError:
    copy = shlex.quote(f"./{folder.resolve().name}-copy")
    return OutputError(
        f"{folder / MANIFEST}: cannot be written, {why}; cp -r {shlex.quote(str(folder))} {copy} and use {copy}, "
        "or only look with --dry-run"
    )
