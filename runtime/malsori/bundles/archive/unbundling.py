"""Installs the models of an archive: unpacked into a hidden folder while they are checked, then put in place together.

Nothing has its place before the archive was read to its end and all of it was right; whatever fails before leaves
nothing behind. One process at a time unpacks into a folder, so that what a killed one has left is removed by the next.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from ...atomic import put_in_place
from ...errors import ModelError, OptionError, OutputError
from ...file_lock import locked
from ..claims import Claim
from ..find import NAME, answering
from ..manifest import MANIFEST, Manifest
from ..parse import read_manifest
from ..places import places
from ..pull.work import lock_of
from ..verify import verify
from .arrival import Arrived, Say, receive
from .members import STDIN, ArchiveReader

WORK = ".unbundle~"  # no model can have such a name
OLD = ".old"  # in it: what is replaced, while it is
SPARE = 16_000_000  # bytes that stay free
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Unbundled:
    """A model of an archive and its folder; `there` if the same was there before, and nothing was written."""

    name: str
    folder: Path
    manifest: Manifest
    there: bool = False


def unbundle(
    reader: ArchiveReader,
    into: Path,
    *,
    name: str = "",
    force: bool = False,
    expected: str = "",
    say: Say = lambda label, done, total: None,
    tell: Tell = lambda line: None,
) -> list[Unbundled]:
    """Install all models of an archive in the folder `into`, or none of them.

    `name` is what its only model is to be called. `force` lets it take the place of what has its name. `expected` is
    the archive's sha256 in hex, where somebody vouches for it. `say` is called with a label, bytes done and in all;
    `tell` with a line on what is mended.

    Raises:
        ModelCorrupt, ModelIncompatible: the archive is not right; see `receive`.
        OptionError: the name is none that a model may have here.
        OutputError: something else has the name, there is no room, or it cannot be written.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            work = stack.enter_context(_working(into, say))
            arriving = _Arriving(reader, into, work, stack, name, force, say, tell)
            receive(reader, arriving.begin, lambda label, done, total: say(f"unpacking {label}", done, total))
            if expected and reader.sha256 != expected.lower():
                raise reader.wrong(f"sha256 {expected.lower()}", f"sha256 {reader.sha256}")
            return [_install(model, work) for model in arriving.models]
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError.unwritten(error.filename or into, error) from error


@contextmanager
def _working(into: Path, say: Say) -> Iterator[Path]:
    """Make the hidden folder that is unpacked into, for this process alone; remove it in the end."""
    work = into / WORK
    with _alone(work, lambda: say("another process unpacks an archive, waiting", 0, 0)):
        _clear(work)
        try:
            (work / OLD).mkdir(parents=True)
            yield work
        finally:
            _clear(work)


def _clear(work: Path) -> None:
    """Remove the folder; a model that was to be replaced goes back where nothing has taken its place."""
    for old in (work / OLD).glob("*"):
        if not os.path.lexists(work.parent / old.name):
            os.rename(old, work.parent / old.name)
    shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _alone(target: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a place, and remove its file in the end."""
    with locked(lock_of(target), waiting):
        try:
            yield
        finally:
            with suppress(OSError):  # Windows removes no file that is open
                lock_of(target).unlink()


@dataclass(slots=True)
class _Arriving:
    """What is decided on each model when its manifest has come: where it goes, or that it may not."""

    reader: ArchiveReader
    into: Path
    work: Path
    locks: ExitStack
    name: str
    force: bool
    say: Say
    tell: Tell
    models: list[Unbundled] = field(default_factory=list)

    def begin(self, model: Arrived) -> Path | None:
        """Return the new folder for a model's files, with its manifest, None where the same model is here already."""
        if self.name:
            model = self._renamed(model)
        target = self.into / model.name
        self.locks.enter_context(
            _alone(target, lambda: self.say(f"another process changes {model.name}, waiting", 0, 0))
        )
        if (there := self._same_here(model, target)) is not None:
            self.models.append(Unbundled(model.name, there, model.manifest, there=True))
            return None
        self._check_place(model, target)
        if self._is_searched:
            Claim(model.manifest, target, f"{self._again} --as NEW_NAME", "--replace").check(force=self.force)
        self._check_room(model)
        folder = self.work / model.name
        folder.mkdir()
        (folder / MANIFEST).write_bytes(model.content)
        self.models.append(Unbundled(model.name, target, model.manifest))
        return folder

    @property
    def _again(self) -> str:
        return f"malsori models unbundle {'-' if self.reader.name == STDIN else shlex.quote(self.reader.name)}"

    def _renamed(self, model: Arrived) -> Arrived:
        if self.models:
            raise OptionError(f"{self.reader.name} holds several models, which cannot all be called {self.name}")
        if not NAME.fullmatch(self.name):
            raise OptionError(f"name: expected letters, digits, dots, hyphens and underscores, found {self.name!r}")
        content = json.dumps({**json.loads(model.content), "name": self.name}, ensure_ascii=False, indent=2) + "\n"
        # A lone surrogate is written as JSON writes it.
        return Arrived(self.name, replace(model.manifest, name=self.name), content.encode("utf-8", "backslashreplace"))

    @property
    def _is_searched(self) -> bool:
        return any(place.folder.resolve() == self.into.resolve() for place in places())

    def _same_here(self, model: Arrived, target: Path) -> Path | None:
        """Return the folder of the same model, intact, that the name finds already, or None."""
        known = [found.folder for found in answering(model.name) if not found.plain] if self._is_searched else []
        for folder in dict.fromkeys((target, *known)):
            if _differing(folder, model.manifest) == [] and not _damage(folder, model.manifest):
                return folder
        return None

    def _check_place(self, model: Arrived, target: Path) -> None:
        """Raise `OutputError` where something else is at `target`; the same model, damaged, may be replaced."""
        if self.force or not os.path.lexists(target):
            return
        differing = _differing(target, model.manifest)
        if differing == []:
            self.tell(f"{_damage(target, model.manifest)}; it is replaced")
            return
        what = f"another one ({', '.join(differing)} differ)" if differing else "no bundle that can be read"
        raise OutputError(
            f"{target}: is there already and is {what}; --replace replaces it, or give this one another name: "
            f"{self._again} --as NEW_NAME"
        )

    def _check_room(self, model: Arrived) -> None:
        need, free = model.size + SPARE, shutil.disk_usage(self.work).free
        if need > free:
            raise OutputError(
                f"{self.into}: {model.name} needs {need / 1e6:.0f} MB, {free / 1e6:.0f} MB are free; make room, or say "
                "where caches go with XDG_CACHE_HOME"
            )


def _differing(folder: Path, manifest: Manifest) -> list[str] | None:
    """Return the fields, all but the name, in which a bundle differs from a manifest; None for what is no bundle."""
    if not (folder / MANIFEST).is_file():
        return None
    try:
        own = read_manifest(folder)
    except ModelError:
        return None
    names = [each.name for each in fields(Manifest) if each.name != "name"]
    return [name for name in names if getattr(own, name) != getattr(manifest, name)]


def _damage(folder: Path, manifest: Manifest) -> str:
    """Return what is wrong with the files of a bundle, "" for nothing."""
    try:
        verify(folder, manifest)
    except ModelError as error:
        return str(error)
    return ""


def _install(model: Unbundled, work: Path) -> Unbundled:
    if not model.there:
        put_in_place(work / model.name, model.folder, old=work / OLD / model.name)
    return model
