"""From a name or a path to a bundle: where it is looked for is in `places.py`, whether it is intact in `verify.py`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ..errors import ModelIncompatible, ModelNotFound
from .manifest import MANIFEST, Manifest
from .parse import read_manifest
from .places import VARIABLE, places
from .verify import verify as verify_files

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
HINT = (
    "in malsori's repository, python export/wav2vec2.py SOURCE OUT (or export/whisper.py) makes one from a checkpoint; "
    f"give its path as ./OUT, or put it into a folder named in ${VARIABLE}"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A folder that holds a manifest, unread: its name, and where it was found (`$MALSORI_MODELS`, `checkout`, ...)."""

    name: str
    folder: Path
    origin: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that is there and whose manifest could be read; `origin` says where it was found, `path` if by path."""

    folder: Path
    manifest: Manifest
    origin: str

    def file(self, name: str) -> Path:
        """Return the path of a file that the manifest lists. Raises `ModelIncompatible` for any other."""
        if name not in self.manifest.files:
            raise ModelIncompatible(str(self.folder / MANIFEST), f"lists no file {name!r}, which this model needs")
        return self.folder / name


def list_bundles() -> list[Found]:
    """Return the bundles that can be asked for by name, sorted; of two with one name the one that would be opened."""
    found: dict[str, Found] = {}
    for bundle in _everywhere():
        found.setdefault(bundle.name, bundle)
    return sorted(found.values(), key=lambda bundle: bundle.name)


def open_bundle(name_or_path: str | os.PathLike[str], verify: bool = True) -> Bundle:
    """Return the bundle of that name, or the one in that folder; `verify=False` skips the check of its files.

    A text with a separator in it and every `Path` is a path; anything else is a name and never leads elsewhere than
    into one of the places that `malsori.bundles.places` lists.

    Raises:
        ModelNotFound: there is none; the message has the names there are and how to get one.
        ModelCorrupt, ModelIncompatible: see `read_manifest` and `verify`.
    """
    found = find_bundle(name_or_path)
    manifest = read_manifest(found.folder)
    if verify:
        verify_files(found.folder, manifest)
    return Bundle(found.folder, manifest, found.origin)


def find_bundle(name_or_path: str | os.PathLike[str]) -> Found:
    """Return where a bundle is, without reading it. Raises `ModelNotFound`."""
    text = os.fspath(name_or_path)
    if not isinstance(name_or_path, str) or _is_path(text):
        folder = Path(text)
        if "\0" in text or not os.path.isdir(folder):
            raise _not_found(text, ["this path"])
        return Found(folder.resolve().name, folder, "path")
    if NAME.fullmatch(text):
        for place in places():
            folder = place.folder / text
            if os.path.isfile(folder / MANIFEST):
                return Found(text, folder, place.origin)
    raise _not_found(text, [f"{place.folder} ({place.origin})" for place in places()])


def _is_path(text: str) -> bool:
    return text in (".", "..") or os.sep in text or bool(os.altsep and os.altsep in text)


def _everywhere() -> Iterator[Found]:
    for place in places():
        try:
            names = os.listdir(place.folder)
        except OSError:  # absent, or not ours to read: there is nothing to offer from it
            continue
        for name in filter(NAME.fullmatch, names):
            if os.path.isfile(place.folder / name / MANIFEST):
                yield Found(name, place.folder / name, place.origin)


def _not_found(text: str, searched: list[str]) -> ModelNotFound:
    names = [bundle.name for bundle in list_bundles()]
    if NAME.fullmatch(text) and os.path.isfile(os.path.join(text, MANIFEST)):
        return ModelNotFound(text, names, searched, f"for the folder here write ./{text}")
    close = get_close_matches(text, names, n=1)
    return ModelNotFound(text, names, searched, f"did you mean {close[0]}?" if close else HINT)
