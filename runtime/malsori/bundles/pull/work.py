"""Where a pull is while it is not done: a hidden folder beside the target, kept when it fails, for the next time.

.whisper-base.pull/files/      files of the model that are whole and right
.whisper-base.pull/parts/      beginnings of files, by the sum that they are to have
.whisper-base.pull/origin.json where all of them came from, once they are there
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..contents import digest
from .model import File

POLL = 0.2  # seconds between looks, so that Ctrl-C is heard in between


def lock_of(target: Path) -> Path:
    """Return the file whose lock is held by whoever makes, changes or removes the bundle at `target`."""
    return target.with_name(f".{target.name}.lock")


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of the file at `path`; `waiting` is called once where another process has it. Raises `OSError`.

    The file stays. Who holds the lock may remove it: whoever waits for it then sees that, and locks the new one.
    """
    told = False
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)  # not inherited by what is started meanwhile
        try:
            while not _take(descriptor):
                if not told:
                    waiting()
                    told = True
                time.sleep(POLL)
            if _is_at(path, descriptor):
                yield
                return
        finally:
            os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _take(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return _take_on_windows(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take_on_windows(descriptor: int) -> bool:
    import msvcrt

    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True


ORIGIN = "origin.json"
Say = Callable[[str, float, float], None]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where files came from, as a manifest says it; `unpinned` are those whose sum nobody but the source knew."""

    source: str
    revision: str
    unpinned: tuple[str, ...] = ()


def _holds(path: Path, file: File) -> bool:
    """Whether a path holds that very file; one whose sum is not known is never taken for it."""
    whole = bool(file.sha256) and path.is_file() and path.stat().st_size == file.size
    return whole and digest(path) == file.sha256


@dataclass(frozen=True, slots=True)
class Work:
    """The folder of one pull, in the hands of one process."""

    folder: Path

    @property
    def files(self) -> Path:
        """What is to become the bundle."""
        return self.folder / "files"

    @property
    def old(self) -> Path:
        """Where what has the name goes while the new one takes its place."""
        return self.folder / "old"

    def prepare(self) -> None:
        """Make the folders, without what was replaced when a pull was killed."""
        shutil.rmtree(self.old, ignore_errors=True)
        for folder in (self.files, self.folder / "parts"):
            folder.mkdir(parents=True, exist_ok=True)

    def has(self, file: File) -> bool:
        """Whether a file is there, whole and right; one that is not is removed."""
        path, aside = self.files / file.name, self.part(file.name, file.sha256)
        if _holds(path, file):
            return True
        path.unlink(missing_ok=True)
        if _holds(aside, file):  # of a pull that ended behind its rounding
            self.keep(aside, file.name)
            return True
        return False

    def note(self, origin: Origin) -> None:
        """Keep where all the files came from, for a pull that ends before they are a bundle."""
        said = {"source": origin.source, "revision": origin.revision}  # a file without a sum would be brought again
        (self.folder / ORIGIN).write_text(json.dumps(said), "utf-8")

    def noted(self) -> Origin | None:
        """Return where an earlier try has brought all the files from, None where none has."""
        try:
            said = json.loads((self.folder / ORIGIN).read_text("utf-8"))
            return Origin(said["source"], said["revision"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def there(self, file: File) -> int:
        """Return how many bytes of a file are there, whole or not."""
        for path in (self.files / file.name, self.part(file.name, file.sha256)):
            if path.is_file():
                return min(path.stat().st_size, file.size)
        return 0

    def kept(self) -> int:
        """Return how many bytes are there for the next try."""
        there = [path for folder in (self.files, self.folder / "parts") for path in folder.rglob("*") if path.is_file()]
        return sum({(found := path.stat()).st_ino: found.st_size for path in there}.values())  # one may have two names

    def part(self, name: str, sum_: str) -> Path:
        """Return where the beginning of a file with this sum is."""
        return self.folder / "parts" / f"{name.replace('/', '-')}.{sum_[:16] or 'unknown'}"

    def keep(self, part: Path, name: str) -> None:
        """Let a file that is whole and right be one of the model's."""
        (self.files / name).parent.mkdir(parents=True, exist_ok=True)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, self.files / name)

    def set_aside(self, file: File) -> None:
        """Keep a second name for a file that is about to be changed, so that a pull that ends here loses nothing."""
        part = self.part(file.name, file.sha256)
        part.unlink(missing_ok=True)
        with suppress(OSError):  # a file system without links
            os.link(self.files / file.name, part)

    def only(self, names: set[str]) -> None:
        """Remove what is no file of the model."""
        for path in self.files.rglob("*"):
            if not path.is_dir() and path.relative_to(self.files).as_posix() not in names:
                path.unlink()

    def discard(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
