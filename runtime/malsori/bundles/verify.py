"""Are the files of a bundle the ones that its manifest lists? Size and sha256 of each, links that lead out refused.

ONNX Runtime loads a model with a flipped byte without a word, so every file is hashed before it is used. What was
found right is remembered (`memory.py`), and an unchanged file costs one `stat` the next time. Files that the manifest
does not list are no error here; `Bundle.file` never hands them out, and a model that needs one is not loaded.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import ModelCorrupt, ModelIncompatible
from .contents import digest, foreign, head
from .manifest import MANIFEST, FileEntry, Manifest
from .memory import Memory


def verify(folder: Path, manifest: Manifest, *, force: bool = False) -> None:
    """Check every file that `manifest` lists. `force` hashes also what was found right before.

    Raises:
        ModelCorrupt: the first file that is missing, truncated, altered, or a link out of the folder.
        ModelIncompatible: the manifest lists no files at all.
    """
    if not manifest.files:
        raise ModelIncompatible(
            str(folder / MANIFEST), "lists no files, so the bundle was never finished; export it again"
        )
    root = folder.resolve()
    memory = Memory.load()
    try:
        for name, entry in manifest.files.items():
            _check(root, name, entry, memory, force=force)
    finally:
        memory.save()


def _check(root: Path, name: str, entry: FileEntry, memory: Memory, *, force: bool) -> None:
    path = root / name
    try:
        before = _status(path, root, entry)
        _check_size(path, before.st_size, entry)
        if not force and memory.knows(path, before, entry.sha256):
            return
        found = digest(path)
    except OSError as error:
        raise ModelCorrupt(str(path), "a readable file", error.strerror or str(error)) from error
    if found != entry.sha256:
        raise ModelCorrupt(str(path), f"sha256 {entry.sha256}", foreign(head(path)) or f"sha256 {found}")
    memory.learn(path, before, found)


def _status(path: Path, root: Path, entry: FileEntry) -> os.stat_result:
    try:
        target = path.resolve(strict=True)
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelCorrupt(str(path), f"a file of {entry.size} bytes, sha256 {entry.sha256}", "no such file") from error
    except RuntimeError as error:  # a loop of links, before Python 3.13
        raise ModelCorrupt(str(path), "a file inside the bundle", "links in a circle") from error
    if not target.is_relative_to(root):
        raise ModelCorrupt(str(path), "a file inside the bundle", f"a link to {target}")
    if not stat.S_ISREG(status.st_mode):
        raise ModelCorrupt(str(path), f"a file of {entry.size} bytes", "a folder or a device")
    return status


def _check_size(path: Path, size: int, entry: FileEntry) -> None:
    if size != entry.size:
        found = foreign(head(path)) or f"{size} bytes"
        raise ModelCorrupt(str(path), f"{entry.size} bytes, sha256 {entry.sha256}", found)
