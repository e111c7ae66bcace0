"""The folder of an unfinished pull: hidden, beside the target, and kept for the next try when it fails.

.whisper-base.pull/files/      files of the model that are whole and checked
.whisper-base.pull/parts/      beginnings of files, by the sum that they must have
.whisper-base.pull/origin.json where they came from, once all are there
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..verify import digest
from .model import File

ORIGIN = "origin.json"
Say = Callable[[str, float, float], None]


def lock_of(target: Path) -> Path:
    """Return the file whose lock is held by whoever makes, changes or removes the bundle at `target`."""
    return target.with_name(f".{target.name}.lock")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where files came from, for the manifest; `unpinned` are those of which only the source had a sum."""

    source: str
    revision: str
    unpinned: tuple[str, ...] = ()


def _holds(path: Path, file: File) -> bool:
    """Return whether a path has a file's size and sum; False for a file whose sum is unknown."""
    whole = bool(file.sha256) and path.is_file() and path.stat().st_size == file.size
    return whole and digest(path) == file.sha256


@dataclass(frozen=True, slots=True)
class Work:
    """The folder of one pull; the process that uses it holds the lock."""

    folder: Path

    @property
    def files(self) -> Path:
        """The folder that becomes the bundle."""
        return self.folder / "files"

    @property
    def old(self) -> Path:
        """Where an earlier bundle is put while the new one takes its place."""
        return self.folder / "old"

    def prepare(self) -> None:
        """Make the folders; remove an earlier bundle that a killed pull has left in `old`."""
        shutil.rmtree(self.old, ignore_errors=True)
        for folder in (self.files, self.folder / "parts"):
            folder.mkdir(parents=True, exist_ok=True)

    def has(self, file: File) -> bool:
        """Return whether a file is there and has its sum; one with another sum is removed."""
        path, aside = self.files / file.name, self.part(file.name, file.sha256)
        if _holds(path, file):
            return True
        path.unlink(missing_ok=True)
        if _holds(aside, file):  # of a pull that ended behind its rounding
            self.keep(aside, file.name)
            return True
        return False

    def note(self, origin: Origin) -> None:
        """Write down where all files came from, for a pull that ends before they are a bundle."""
        fields = {"source": origin.source, "revision": origin.revision}  # a file without a sum is downloaded again
        (self.folder / ORIGIN).write_text(json.dumps(fields), "utf-8")

    def noted(self) -> Origin | None:
        """Return where an earlier try has downloaded all files from, None where none has."""
        try:
            fields = json.loads((self.folder / ORIGIN).read_text("utf-8"))
            return Origin(fields["source"], fields["revision"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def there(self, file: File) -> int:
        """Return how many bytes of a file are there, whole or not."""
        for path in (self.files / file.name, self.part(file.name, file.sha256)):
            if path.is_file():
                return min(path.stat().st_size, file.size)
        return 0

    def kept(self) -> int:
        """Return how many bytes are kept for the next try."""
        there = [path for folder in (self.files, self.folder / "parts") for path in folder.rglob("*") if path.is_file()]
        return sum({(found := path.stat()).st_ino: found.st_size for path in there}.values())  # one may have two names

    def part(self, name: str, sum_: str) -> Path:
        """Return the path for the beginning of a file with this sum."""
        return self.folder / "parts" / f"{name.replace('/', '-')}.{sum_[:16] or 'unknown'}"

    def keep(self, part: Path, name: str) -> None:
        """Move a file that is whole and checked to `files`."""
        (self.files / name).parent.mkdir(parents=True, exist_ok=True)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, self.files / name)

    def set_aside(self, file: File) -> None:
        """Keep a second link to a file that will be replaced, so that a pull that ends here loses nothing."""
        part = self.part(file.name, file.sha256)
        part.unlink(missing_ok=True)
        with suppress(OSError):  # a file system without links
            os.link(self.files / file.name, part)

    def keep_only(self, names: set[str]) -> None:
        """Remove all files but those of these names."""
        for path in self.files.rglob("*"):
            if not path.is_dir() and path.relative_to(self.files).as_posix() not in names:
                path.unlink()

    def discard(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
