"""Writes models into one archive. The same models give the same bytes, so that a sha256 can be published."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from ...atomic import replacing
from ...errors import ModelCorrupt, OptionError, OutputError
from ..find import NAME, Found
from ..manifest import MANIFEST, FileEntry, Manifest
from ..parse import manifest_from
from ..verify import digest, verify
from .archive_sum import beside, sum_line
from .arrival import MOST_MODELS, Say, check_limits, sync
from .members import CHUNK, END, RECORD, Member, archive_size, header, padding


@dataclass(frozen=True, slots=True)
class Packed:
    """A model that is ready to be written: its name, its folder, its manifest, and that as bytes."""

    name: str
    folder: Path
    manifest: Manifest
    content: bytes

    @property
    def members(self) -> list[Member]:
        """What stands in the archive, in order: the manifest, then the files by name."""
        files = [Member(f"{self.name}/{name}", self.manifest.files[name].size) for name in sorted(self.manifest.files)]
        return [Member(f"{self.name}/{MANIFEST}", len(self.content)), *files]


def pack(models: Sequence[Found], say: Say = lambda label, done, total: None) -> list[Packed]:
    """Check models and return them, ready to be written, each once; plain folders get a manifest with sums.

    Nothing is written to any folder. Raises:
        ModelCorrupt, ModelIncompatible: a model is not intact, or none that an archive can hold.
        OptionError: a model has a name that no bundle may have, or two have one name, or there are too many.
    """
    chosen: dict[Path, Found] = {}
    for found in models:
        chosen.setdefault(found.folder.resolve(), found)
    packed = [_pack(found, say) for found in chosen.values()]
    if len(packed) > MOST_MODELS:
        raise OptionError(f"an archive holds at most {MOST_MODELS} models, found {len(packed)}")
    seen: dict[str, Packed] = {}
    for model in packed:
        other = seen.setdefault(model.name.lower(), model)
        if other is not model:
            raise OptionError(f"{other.folder} and {model.folder} have one name; put them into two archives")
        for member in model.members:
            header(member)
    return packed


def bundle(models: Sequence[Packed], target: BinaryIO, say: Say = lambda label, done, total: None) -> str:
    """Write an archive of models and return its sha256. Every file is hashed again while it is written.

    Raises:
        ModelCorrupt: a file is not what its manifest says; what was written is no whole archive then.
        OSError: it cannot be written.
    """
    total = size_of_archive(models)
    sums, done = sha256(), 0

    def write(label: str, part: bytes) -> None:
        nonlocal done
        target.write(part)
        sums.update(part)
        done += len(part)
        say(f"bundling {label}", done, total)

    for model in models:
        for member in model.members:
            write(model.name, header(member))
            for part in _content(model, member):
                write(model.name, part)
            write(model.name, bytes(padding(member.size)))
    write(models[-1].name, END + bytes(-(done + len(END)) % RECORD))
    target.flush()
    return sums.hexdigest()


def bundle_to(models: Sequence[Packed], path: Path, say: Say = lambda label, done, total: None) -> str:
    """Write an archive to the file `path`, with its sum beside it, and return the sum; both appear whole or not at all.

    Raises:
        ModelCorrupt: as `bundle`.
        OptionError: the path is that of a file which is to be read.
        OutputError: it cannot be written, or there is no room.
    """
    read = {os.path.realpath(model.folder / name) for model in models for name in (*model.manifest.files, MANIFEST)}
    if any(os.path.realpath(each) in read for each in (path, beside(path))):
        raise OptionError(f"{path}: is a file of the model; expected another one to write to")
    need, free = size_of_archive(models), shutil.disk_usage(path.parent).free
    if need > free:
        raise OutputError(
            f"{path}: cannot be written, {need / 1e6:.1f} MB are needed, {free / 1e6:.1f} MB are free; make room, or "
            "write elsewhere with -o"
        )
    try:
        with replacing(path) as file:
            found = bundle(models, file, say)
            sync(file)
            with replacing(beside(path)) as other:
                other.write(os.fsencode(sum_line(found, path.name)))
                sync(other)
    except OSError as error:
        raise OutputError.unwritten(path, error) from error
    return found


def size_of_archive(models: Sequence[Packed]) -> int:
    """Return the bytes that an archive of these models has."""
    return archive_size([member for model in models for member in model.members])


def _pack(found: Found, say: Say) -> Packed:
    name = found.name.rpartition("/")[2]
    if not NAME.fullmatch(name):
        folder = shlex.quote(str(found.folder))
        raise OptionError(
            f"{found.folder}: expected a name of letters, digits, dots, hyphens and underscores, found {name!r}; "
            f"malsori models adopt {folder} NAME gives it one"
        )
    say(f"hashing {name}", 0, 0)
    manifest = found.manifest()
    path = found.folder / MANIFEST
    try:
        if found.plain:
            files = {each: _entry(found.folder / each) for each in sorted(manifest.files)}
            manifest = replace(manifest, name=name, files=files)
            content = manifest.to_json().encode()
        else:
            verify(found.folder, manifest)
            content = path.read_bytes()
    except OSError as error:
        raise ModelCorrupt(str(error.filename or path), "a readable file", error.strerror or str(error)) from error
    manifest_from(content.decode(), str(path))
    check_limits(manifest, str(path))
    return Packed(name, found.folder, manifest, content)


def _entry(path: Path) -> FileEntry:
    return FileEntry(path.stat().st_size, digest(path))


def _content(model: Packed, member: Member) -> Iterator[bytes]:
    name = member.name.removeprefix(f"{model.name}/")
    if name == MANIFEST:
        yield model.content
    else:
        yield from _checked(model.folder / name, model.manifest.files[name])


def _checked(path: Path, entry: FileEntry) -> Iterator[bytes]:
    """Yield the bytes of a file; raise `ModelCorrupt` where they are not those of its entry, none too many."""
    sums, left = sha256(), entry.size
    for part in _reading(path):
        left -= len(part)
        if left < 0:
            break
        sums.update(part)
        yield part
    if left or sums.hexdigest() != entry.sha256:
        raise ModelCorrupt(str(path), f"sha256 {entry.sha256}, as a moment ago", "a file that has changed meanwhile")


def _reading(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while part := file.read(CHUNK):
                yield part
    except OSError as error:
        raise ModelCorrupt(str(path), "a readable file", error.strerror or str(error)) from error
