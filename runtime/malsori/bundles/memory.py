"""Which files were hashed before, and are unchanged since: so that a bundle of 300 MB is hashed once, not every start.

A file counts as unchanged while its size, inode, modification time and change time are. The last one no program can
set back, so content altered under a restored modification time is noticed. The memory is a convenience and never a
must: unreadable, damaged, someone else's or unwritable, it is as good as empty.
"""

from __future__ import annotations

import json
import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .atomic import write_atomically
from .places import cache_folder

VERSION = 1
LARGEST = 8 << 20  # bytes of the file itself; an entry takes about 200
TICK_NS = 100_000_000  # file clocks advance in steps (up to 10 ms on Linux): a file this fresh may change unseen


@dataclass(slots=True)
class Memory:
    """Sums by path: `[size, inode, mtime_ns, ctime_ns, sha256]`. `path` is None where there is nowhere to keep them."""

    path: Path | None
    entries: dict[str, list[Any]] = field(default_factory=dict)
    changed: bool = False

    @classmethod
    def load(cls) -> Memory:
        """Return what is remembered in the user's cache, or nothing."""
        folder = cache_folder()
        path = None if folder is None else folder / "verified.json"
        return cls(path, {} if path is None else _read(path))

    def knows(self, path: Path, status: os.stat_result, sha256: str) -> bool:
        """Return whether the file, as `status` describes it, was once hashed to `sha256`."""
        return self.entries.get(str(path)) == _entry(status, sha256)

    def learn(self, path: Path, before: os.stat_result, sha256: str) -> None:
        """Remember a sum; `before` was taken before hashing, and a file that changed since or just now is left out."""
        after = path.stat()
        settled = time.time_ns() - max(after.st_ctime_ns, after.st_mtime_ns) > TICK_NS
        entry = _entry(after, sha256)
        if settled and entry == _entry(before, sha256) and self.entries.get(str(path)) != entry:
            self.entries[str(path)] = entry
            self.changed = True

    def save(self) -> None:
        """Write what was learned, without the files that are gone; a cache that cannot be written stays as it is."""
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
    """Return whether only this user can have written the file: anyone else could vouch for an altered model."""
    if not hasattr(os, "getuid"):  # Windows keeps profiles apart by other means
        return True
    shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return not shared and status.st_uid in (os.getuid(), 0)
