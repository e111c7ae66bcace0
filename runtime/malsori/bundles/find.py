"""Finds the folder of a model by its name or path.

A model is a bundle, or a plain folder without a manifest (`infer/`). `places.py` has the folders that are searched,
`names.py` the names of published models; `verify.py` checks whether a bundle is intact.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from ..errors import ModelError, ModelIncompatible, ModelNotFound
from .families import inferred, is_plain
from .infer.strangers import lacking, strange_file, stranger
from .manifest import MANIFEST, Manifest
from .names import known, near, pull_line
from .parse import read_manifest
from .places import (
    ORIGIN,
    PREFIX,
    REPOSITORY,
    VARIABLE,
    CachedRepository,
    cached,
    cached_as,
    hub_folder,
    places,
    repository_of,
    snapshot,
)
from .verify import verify as verify_files

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
HINT = "malsori models pull base gets one"
LISTED = "malsori models list tells which are here"
OWN = (
    f"one of your own goes by its path, or by its name in a folder of ${VARIABLE}; in a checkout export/wav2vec2.py "
    "and export/whisper.py make one of a checkpoint"
)


def complaints() -> Iterator[str]:
    """Yield a line for each entry of `$MALSORI_MODELS` that is no folder of models, with what to do about it."""
    for entry in os.environ.get(VARIABLE, "").split(os.pathsep):
        folder = Path(entry)
        if not entry:
            continue
        if not folder.exists():
            yield f"${VARIABLE} names {entry}, which is not there"
        elif not folder.is_dir():
            yield f"${VARIABLE} names {entry}, which is a file; name the folder that has the folders of models in it"
        elif (folder / MANIFEST).is_file() or is_plain(folder):
            whole = folder.resolve()
            yield f"${VARIABLE} names {entry}, which is itself a model; name {whole.parent}, or use --model {whole}"


@dataclass(frozen=True, slots=True)
class Found:
    """The folder of a model, which was not read yet, and its name.

    `origin` says where it was found: `$MALSORI_MODELS`, `checkout`, `path`, ... A `plain` folder has no manifest, and
    so no sums to check its files against.
    """

    name: str
    folder: Path
    origin: str
    plain: bool = False

    def manifest(self) -> Manifest:
        """Return its manifest, which for a plain folder is inferred. Raises `ModelCorrupt` and `ModelIncompatible`."""
        if not self.plain:
            return read_manifest(self.folder)
        download = repository_of(self.folder)
        manifest = inferred(self.folder, self.name.rpartition("/")[2])
        return replace(manifest, source=download.repository, revision=download.revision) if download else manifest


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model with its manifest, which for a `plain` folder was inferred; `origin` is as in `Found`."""

    folder: Path
    manifest: Manifest
    origin: str
    plain: bool = False

    def file(self, name: str) -> Path:
        """Return the path of a file that the manifest lists. Raises `ModelIncompatible` for any other."""
        if name not in self.manifest.files:
            raise ModelIncompatible(str(self.folder / MANIFEST), f"lists no file {name!r}, which this model needs")
        return self.folder / name


def list_bundles() -> list[Found]:
    """Return the models that have a name, sorted by it; of several with one name the one that the name opens."""
    found: dict[str, Found] = {}
    for model in _everywhere():
        found.setdefault(model.name, model)
    return sorted(found.values(), key=lambda model: model.name)


def open_bundle(name_or_path: str | os.PathLike[str], verify: bool = True) -> Bundle:
    """Return the model of that name, or the one in that folder; `verify=False` skips the check of its files.

    A `Path`, and a text with a separator in it, is a path. Any other text is a name, which is looked for in the folders
    of `malsori.bundles.places` and in the hub's cache, and nowhere else. `OWNER/NAME` is looked for in that cache where
    there is no such path. The files of a plain folder are not checked, since it has no sums.

    Raises:
        ModelNotFound: there is no such model. The message has the names of those there are, and how to get one.
        ModelCorrupt, ModelIncompatible: see `read_manifest`, `inferred` and `verify`.
    """
    return open_found(find_bundle(name_or_path), verify)


def open_found(found: Found, verify: bool = True) -> Bundle:
    """Read and check a model that was found, as `open_bundle` does, and return it."""
    manifest = found.manifest()
    if verify and not found.plain:
        verify_files(found.folder, manifest)
    return Bundle(found.folder, manifest, found.origin, found.plain)


def find_bundle(name_or_path: str | os.PathLike[str]) -> Found:
    """Return where a model is, without reading it. Raises `ModelNotFound`."""
    text = os.fspath(name_or_path)
    by_path = not isinstance(name_or_path, str) or _is_path(text)
    if by_path and "\0" not in text and os.path.isdir(text):
        return _at(Path(text))
    may_be_name = not by_path or (isinstance(name_or_path, str) and REPOSITORY.fullmatch(text))
    if may_be_name and (found := next(answering(text), None)):
        return found
    raise _not_found(text, by_path)


def answering(text: str) -> Iterator[Found]:
    """Yield the models that a name finds, first the one that it opens: exact names come before a model's others."""
    named = known(text)
    for name in dict.fromkeys((text, *(named.names if named else ()))):
        if NAME.fullmatch(name):
            yield from (found for place in places() if (found := _in(place.folder, name, place.origin)))
    for repository in dict.fromkeys((text, *(named.repositories if named else ()))):
        download = cached_as(repository)
        if download is not None and is_plain(download.folder):
            yield _downloaded(download)


def namesakes() -> dict[str, list[Found]]:
    """Return the names that several folders have, each with its models, first the one that the name opens."""
    found: dict[str, list[Found]] = {}
    for model in _everywhere():
        found.setdefault(model.name, []).append(model)
    return {name: models for name, models in sorted(found.items()) if len({m.folder.resolve() for m in models}) > 1}


def _is_path(text: str) -> bool:
    return text in (".", "..") or os.sep in text or bool(os.altsep and os.altsep in text)


def _at(folder: Path) -> Found:
    """Return the model of a folder: a bundle, or a plain folder, which may turn out to be none when it is read."""
    if folder.name.startswith(PREFIX) and (download := snapshot(folder)) is not None:
        folder = download.folder
    inside = repository_of(folder.resolve())
    name = inside.repository.rpartition("/")[2] if inside else folder.resolve().name
    return Found(name, folder, "path", plain=not os.path.isfile(folder / MANIFEST))


def _in(folder: Path, name: str, origin: str) -> Found | None:
    path = folder / name
    if os.path.isfile(path / MANIFEST):
        return Found(name, path, origin)
    return Found(name, path, origin, plain=True) if is_plain(path) else None


def _downloaded(download: CachedRepository) -> Found:
    return Found(download.repository, download.folder, ORIGIN, plain=True)


def _everywhere() -> Iterator[Found]:
    for place in places():
        try:
            names = os.listdir(place.folder)
        except OSError:  # absent, or not ours to read: there is nothing to offer from it
            continue
        for name in filter(NAME.fullmatch, names):
            if found := _in(place.folder, name, place.origin):
                yield found
    yield from (_downloaded(download) for download in cached() if is_plain(download.folder))


def _not_found(text: str, by_path: bool) -> ModelNotFound:
    names = [bundle.name for bundle in list_bundles()]
    searched = [f"{place.folder} ({place.origin})" for place in places()]
    if hub := hub_folder():
        searched.append(f"{hub} ({ORIGIN})")
    repository = bool(REPOSITORY.fullmatch(text))
    if by_path:
        searched = ["this path", *(searched[-1:] if repository else [])]
    hint = _what_it_is(text, by_path and not repository)
    more = [] if hint else [OWN]
    return ModelNotFound(text, names, searched, hint or _near(text, names), [*more, *complaints()])


def _what_it_is(text: str, path: bool) -> str:
    """Return the hint for a text that finds no model: what it names instead, or the command that gets it; else ""."""
    if "\0" not in text and os.path.isfile(text):
        return f"that is {strange_file(Path(text)) or _in_its_folder(Path(text).parent)}"
    if NAME.fullmatch(text) and (os.path.isfile(os.path.join(text, MANIFEST)) or is_plain(Path(text))):
        return f"for the folder here write ./{text}"
    download = None if path else cached_as(text)
    if download is not None:
        return f"in the hub's cache {text} {stranger(download.folder) or lacking(download.folder)}"
    return f"{line} gets it" if not path and (line := pull_line(text)) else ""


def _in_its_folder(folder: Path) -> str:
    """Return what an error says of a file: that a model is its folder, and what is wrong with that folder."""
    runs = os.path.isfile(folder / MANIFEST) or is_plain(folder)
    told = "" if runs else stranger(folder)
    return f"a file, and its folder {folder} {told}" if told else f"a file; a model is a folder, here {folder}"


def _near(text: str, names: list[str]) -> str:
    """Return the nearest name of a model here, or of one that can be pulled, with the command that pulls it."""
    own = {name.lower(): name for name in reversed(names)}
    published = near(text.rpartition("/")[2])
    close = get_close_matches(text.lower(), [*own, *(name for name in published if name not in own)], n=1)
    name = own.get(close[0], close[0]) if close else published[0] if published else ""
    if not name:
        real = [own for own in names if not _demonstration(own)]
        return f"{LISTED}, such as {real[0]}" if real else f"{HINT}, {LISTED}"
    if next(answering(name), None) is not None:
        return f"did you mean {name}? {LISTED}"
    return f"did you mean {name}? {pull_line(name)} gets it"


def _demonstration(name: str) -> bool:
    """Return whether a model here is a demonstration model, or cannot be read."""
    try:
        return next(answering(name)).manifest().demonstration
    except (StopIteration, ModelError):
        return True
