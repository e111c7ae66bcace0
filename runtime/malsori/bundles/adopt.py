"""Makes a bundle of a plain folder: copies or moves its files, and writes a manifest with the sha256 of each.

The new bundle appears whole or not at all; a folder that it replaces stays until then.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..atomic import put_in_place
from ..errors import OptionError, OutputError
from ..languages import code_of
from .claims import Claim
from .find import NAME, Found
from .manifest import MANIFEST, Manifest
from .places import is_within, places
from .rounding import can_round, rounded
from .seal import seal
from .verify import verify

Say = Callable[[str, float, float], None]
BLOCK = 1 << 22  # bytes copied at a time


def adopt(
    found: Found,
    into: Path,
    name: str = "",
    *,
    languages: tuple[str, ...] = (),
    int8: bool = False,
    move: bool = False,
    force: bool = False,
    say: Say = lambda label, done, total: None,
) -> Path:
    """Make a bundle of a model in the folder `into`, under `name` or its own name; return the bundle's folder.

    `languages`, if any, replace those that were inferred. With `int8` Whisper's weights are rounded to 8 bits. With
    `move` the files leave their folder. `force` replaces a folder that has the name. `say` is called with a label, the
    bytes done, and the bytes in all.

    Raises:
        ModelCorrupt, ModelIncompatible: the folder holds no model that runs, or a bundle that is not intact.
        OptionError: the name is none that a bundle may have, or that of another model; the files are in the hub's cache
            and are not moved; or the model cannot be rounded to int8.
        OutputError: a folder of that name exists, or the bundle cannot be written. Nothing is left behind then.
    """
    name = name or found.name.rpartition("/")[2]
    if not NAME.fullmatch(name):
        raise OptionError(f"name: expected letters, digits, dots, hyphens and underscores, found {name!r}")
    if move and is_within(found.folder):
        raise OptionError(f"{found.name} is in the hub's cache, which keeps its own files; leave --move out")
    manifest = found.manifest()
    if not found.plain:
        verify(found.folder, manifest)
    if int8 and not can_round(manifest):
        raise OptionError(
            f"{found.name}: only Whisper models for CTranslate2 that are stored in floats are rounded to int8, and "
            f"this is {manifest.kind} in {manifest.quantization}; leave that out"
        )
    manifest = replace(manifest, name=name, languages=tuple(map(code_of, languages)) or manifest.languages)
    target = into / name
    same = target.exists() and _same(target, found.folder)
    if same and not int8:
        return _in_place(target, manifest, say)
    in_place = same and not (target.is_symlink() or is_within(target))  # else it is somebody's, and is copied
    if not in_place and any(_same(place.folder, into) for place in places()):
        again = f"malsori models adopt {shlex.quote(str(found.folder))} NEW_NAME"
        Claim(manifest, target, again, "--force", found).check(force=force)
    if os.path.lexists(target) and not (force or in_place):
        raise OutputError(f"{target}: is there already; --force replaces it, or give another NAME")
    try:
        into.mkdir(parents=True, exist_ok=True)
        names = _all_of(found.folder) if in_place else tuple(manifest.files)
        _put(found.folder, target, manifest, names, move or in_place, int8, say)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError.unwritten(target, error) from error
    if move and not same:
        _remove(found.folder, manifest)
    return target


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _in_place(folder: Path, manifest: Manifest, say: Say) -> Path:
    """Write the manifest of a plain folder that stays where it is."""
    try:
        _seal(folder, manifest, False, say)
    except OSError as error:
        raise OutputError.unwritten(folder / MANIFEST, error) from error
    return folder


def _seal(folder: Path, manifest: Manifest, int8: bool, say: Say) -> None:
    if int8:
        manifest = rounded(folder, manifest, partial(say, f"rounding {manifest.name} to int8"))
    say(f"hashing {manifest.name}", 0, 0)
    seal(folder, manifest)


def _all_of(folder: Path) -> tuple[str, ...]:
    """Return the names of all files of a folder but the manifest, also those that the model does not need."""
    files = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    return tuple(name for name in files if name != MANIFEST)


def _put(
    source: Path, target: Path, manifest: Manifest, names: Sequence[str], move: bool, int8: bool, say: Say
) -> None:
    """Make the bundle of these files in a hidden folder beside `target`, then rename that to `target`."""
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        sizes = {name: (source / name).stat().st_size for name in names}
        total, done = sum(sizes.values()), 0

        def copied(count: int) -> None:
            say(f"copying {target.name}", count, total)

        for name, size in sizes.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            _take((source / name).resolve(), work / name, move, done, copied)
            done += size
        _seal(work, manifest, int8, say)
        os.chmod(work, 0o755)  # a temporary folder is its maker's alone
        put_in_place(work, target, old=work.with_name(f"{work.name}.old"))
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _take(source: Path, target: Path, move: bool, done: int, copied: Callable[[int], None]) -> None:
    """Copy one file, or, with `move`, make a hard link to it, so that nothing is copied and nothing can be lost.

    `copied` is called with the bytes that were copied so far, of this file and the `done` bytes of files before it.
    """
    if move:
        with suppress(OSError):  # another file system, or one without links
            os.link(source, target)
            return
    with source.open("rb") as reader, target.open("wb") as writer:
        while block := reader.read(BLOCK):
            done += writer.write(block)
            copied(done)
        writer.flush()
        os.fsync(writer.fileno())


def _remove(folder: Path, manifest: Manifest) -> None:
    """Remove the files that were moved, and the folder if it is empty then."""
    for name in (*manifest.files, MANIFEST):
        with suppress(OSError):
            (folder / name).unlink()
    for inner in {(folder / name).parent for name in manifest.files} | {folder}:
        with suppress(OSError):
            inner.rmdir()
