"""Reads an archive of models that nobody vouches for, and checks every file while it is read.

The first member of a model is its manifest; what follows must be the files that it lists, each once, with the size and
the sha256 that it says. Every limit stands here: models, files and bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from ...errors import ModelCorrupt, ModelIncompatible
from ..find import NAME
from ..manifest import MANIFEST, FileEntry, Manifest
from ..parse import LARGEST, manifest_from
from .members import WRITER, ArchiveReader, Member

MOST_MODELS = 100  # in an archive
MOST_FILES = 1_000  # of a model; the largest one known has some 20
MOST_BYTES = 1 << 42  # of a model: 4 TB
Say = Callable[[str, float, float], None]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A model in an archive: the name that it has there, its manifest, and that as bytes."""

    name: str
    manifest: Manifest
    content: bytes

    @property
    def size(self) -> int:
        """Bytes of its files, which are those of the archive once they were read."""
        return self.manifest.size


Begin = Callable[[Arrived], "Path | None"]


def check(reader: ArchiveReader, say: Say = lambda label, done, total: None) -> list[Arrived]:
    """Read an archive to its end, write nothing, and return its models. Raises as `receive` does."""
    return receive(reader, lambda model: None, say)


def receive(reader: ArchiveReader, begin: Begin, say: Say) -> list[Arrived]:
    """Read an archive to its end, check every byte, and return its models.

    `begin` is called with each model when its manifest was read; it returns the new folder that the files are to be
    written to, None for nowhere, or raises. `say` is called with a label, the bytes read, and those in all, as far as
    they are known.

    Raises:
        ModelCorrupt: it is no archive of models, was cut off or altered, or holds anything that a manifest does not
            list.
        ModelIncompatible: a manifest is none that this version reads.
        OSError: a file cannot be written.
    """
    models: list[Arrived] = []
    pending: dict[str, FileEntry] = {}
    folder: Path | None = None
    while (member := reader.next_member()) is not None:
        name, _, inner = member.name.partition("/")
        if inner == MANIFEST and not pending and NAME.fullmatch(name):
            models.append(_model(reader, member, models))
            pending = dict(models[-1].manifest.files)
            folder = begin(models[-1])
        elif models and name == models[-1].name and inner in pending:
            total = reader.size or reader.position + sum(entry.size for entry in pending.values())
            came = partial(_tell_came, reader, say, name, total)
            _take(reader, member, pending.pop(inner), folder and folder / inner, came)
        else:
            raise _unexpected(reader, member, models, pending)
    if pending:
        raise reader.wrong(f"all files of {models[-1].name}", f"none called {next(iter(pending))!r}")
    if not models:
        raise reader.wrong(f"an archive of models ({WRITER})", "an empty one")
    return models


def _model(reader: ArchiveReader, member: Member, before: list[Arrived]) -> Arrived:
    """Return the model whose manifest is this member. Raises `ModelError` for one that is beyond a limit."""
    name = member.name.partition("/")[0]
    if any(name.lower() == other.name.lower() for other in before):
        raise reader.wrong("each model once", "a second one of this name", of=member)
    if len(before) == MOST_MODELS:
        raise reader.wrong(f"at most {MOST_MODELS} models", "more", of=member)
    room = LARGEST - sum(len(other.content) for other in before)
    if member.size > room:  # parsed, each would take many times the memory
        raise reader.wrong(f"a manifest of at most {room} bytes ({LARGEST} in all)", str(member.size), of=member)
    content = b"".join(reader.content(member))
    path = f"{reader.name}: {member.name}"
    try:
        manifest = manifest_from(content.decode(), path)
    except UnicodeDecodeError as error:
        raise ModelCorrupt(path, "UTF-8 text", f"other bytes at {error.start}") from error
    model = Arrived(name, manifest, content)
    check_limits(model.manifest, path)
    return model


def _tell_came(reader: ArchiveReader, say: Say, name: str, total: int) -> None:
    say(name, reader.position, total)


def check_limits(manifest: Manifest, path: str) -> None:
    """Raise `ModelError` for a model without files, or with too many or too large ones for an archive."""
    if not manifest.files:
        raise ModelIncompatible(path, "lists no files, so the bundle was never finished; export it again")
    if len(manifest.files) > MOST_FILES:
        raise ModelCorrupt(path, f"at most {MOST_FILES} files", str(len(manifest.files)))
    if manifest.size > MOST_BYTES:
        raise ModelCorrupt(path, f"at most {MOST_BYTES >> 40} TiB of files", "more")


def _take(
    reader: ArchiveReader, member: Member, entry: FileEntry, target: Path | None, came: Callable[[], None]
) -> None:
    """Read a file and check it, and write it to `target`, which must not exist, unless that is None."""
    if member.size != entry.size:
        raise reader.wrong(f"{entry.size} bytes, as its manifest says", str(member.size), of=member)
    sums = sha256()
    with ExitStack() as stack:
        file: BinaryIO | None = None
        if target is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(target.open("xb"))
        for part in reader.content(member):
            sums.update(part)
            if file is not None:
                file.write(part)
            came()
        if file is not None:
            sync(file)
    if sums.hexdigest() != entry.sha256:
        raise reader.wrong(f"sha256 {entry.sha256}, as its manifest says", f"sha256 {sums.hexdigest()}", of=member)


def sync(file: BinaryIO) -> None:
    """Write what was written to a file to the disk: who unplugs it next has all of it."""
    file.flush()
    os.fsync(file.fileno())


def _unexpected(
    reader: ArchiveReader, member: Member, models: list[Arrived], pending: dict[str, FileEntry]
) -> ModelCorrupt:
    """Return the error for a member that does not belong where it stands."""
    name, _, inner = member.name.partition("/")
    if not models:
        return reader.wrong(f"NAME/{MANIFEST} first ({WRITER})", "another file", of=member)
    last = models[-1]
    if name == last.name and inner in (*last.manifest.files, MANIFEST):
        return reader.wrong("each file once", "a second one of this name", of=member)
    if inner == MANIFEST and pending:
        return reader.wrong(f"all files of {last.name} first", f"none yet called {next(iter(pending))!r}", of=member)
    return reader.wrong(
        f"files that {last.name}/{MANIFEST} lists, or another model's", "one that is neither", of=member
    )
