"""Checks the size and the sha256 of a bundle's files against its manifest, and refuses links out of the folder.

ONNX Runtime loads a model with a flipped byte without an error, so every file is hashed before it is used. The sums
that were right are kept in the user's cache, so that an unchanged file costs one `stat` the next time. A file that the
manifest does not list is no error here; `Bundle.file` never returns it, and a model that needs it is not loaded.
"""

from __future__ import annotations

import json
import os
import stat
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..atomic import write_atomically
from ..errors import ModelCorrupt, ModelIncompatible
from .manifest import MANIFEST, FileEntry, Manifest
from .places import cache_folder

BLOCK = 1 << 20  # bytes read at a time
HEAD = 512  # bytes that are enough to tell a pointer or a page
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
VERSION = 1  # of the file that remembers sums
LARGEST = 8 << 20  # bytes of that file; an entry takes about 200
TICK_NS = 100_000_000  # file clocks advance in steps (up to 10 ms on Linux): a file this fresh may change unseen


@dataclass(slots=True)
class KnownSums:
    """The files that were hashed, by path: `[size, inode, mtime_ns, ctime_ns, sha256]`.

    They are kept in the file `path`, or not at all where that is None.
    """

    path: Path | None
    entries: dict[str, list[Any]] = field(default_factory=dict)
    changed: bool = False

    @classmethod
    def load(cls) -> KnownSums:
        """Return the sums that the user's cache holds, which may be none."""
        folder = cache_folder()
        path = None if folder is None else folder / "verified.json"
        return cls(path, {} if path is None else _read(path))

    def knows(self, path: Path, status: os.stat_result, sha256: str) -> bool:
        """Return whether the file had this sha256 when it was hashed, and has not changed since by its `status`."""
        return self.entries.get(str(path)) == _entry(status, sha256)

    def learn(self, path: Path, before: os.stat_result, sha256: str) -> None:
        """Keep a sum, unless the file has changed since `before`, its status before hashing, or just now."""
        after = path.stat()
        settled = time.time_ns() - max(after.st_ctime_ns, after.st_mtime_ns) > TICK_NS
        entry = _entry(after, sha256)
        if settled and entry == _entry(before, sha256) and self.entries.get(str(path)) != entry:
            self.entries[str(path)] = entry
            self.changed = True

    def save(self) -> None:
        """Write the sums of the files that still exist. A cache that cannot be written stays as it is."""
        if self.path is None or not self.changed:
            return
        kept = {path: entry for path, entry in self.entries.items() if os.path.exists(path)}
        text = json.dumps({"version": VERSION, "files": kept}, indent=0)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self.path, text.encode("utf-8", "surrogateescape"), mode=0o600)
        except OSError:
            return
        self.changed = False


def verify(folder: Path, manifest: Manifest, *, force: bool = False) -> None:
    """Check every file that `manifest` lists. With `force` also unchanged files are hashed again.

    Raises:
        ModelCorrupt: the first file that is missing, truncated, altered, or a link out of the folder.
        ModelIncompatible: the manifest lists no files at all.
    """
    if not manifest.files:
        raise ModelIncompatible(
            str(folder / MANIFEST), "lists no files, so the bundle was never finished; export it again"
        )
    root = folder.resolve()
    memory = KnownSums.load()
    try:
        for name, entry in manifest.files.items():
            _check(root, name, entry, memory, force=force)
    finally:
        memory.save()


def digest(path: Path) -> str:
    """Return the sha256 of a file in hex, read in blocks. Raises `OSError`."""
    sums = sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            sums.update(block)
    return sums.hexdigest()


def head(path: Path) -> bytes:
    """Return the first bytes of a file. Raises `OSError`."""
    with path.open("rb") as file:
        return file.read(HEAD)


def foreign(start: bytes) -> str:
    """Return what a file that starts like this is, where it is known to be no model, else ""."""
    if start.startswith(LFS_POINTER):
        return "a git-lfs pointer instead of the file itself (git lfs pull fetches it)"
    if start.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "an HTML page, as a failed download leaves it"
    return ""


def _check(root: Path, name: str, entry: FileEntry, memory: KnownSums, *, force: bool) -> None:
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


def _entry(status: os.stat_result, sha256: str) -> list[Any]:
    return [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, sha256]


def _read(path: Path) -> dict[str, list[Any]]:
    try:
        with path.open("rb") as file:
            if not _is_ours(os.fstat(file.fileno())):
                return {}
            data = json.loads(file.read(LARGEST).decode("utf-8", "surrogateescape"))
        files = data["files"] if data["version"] == VERSION else {}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    if not isinstance(files, dict):
        return {}
    return {name: entry for name, entry in files.items() if isinstance(entry, list)}


def _is_ours(status: os.stat_result) -> bool:
    """Return whether only this user can have written the file; others could vouch in it for an altered model."""
    if not hasattr(os, "getuid"):  # Windows keeps profiles apart by other means
        return True
    shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return not shared and status.st_uid in (os.getuid(), 0)
