"""From a plain folder, as people have it, to the manifest that it would have: nothing is converted, nothing written.

`inferred` knows the folders that run, each in the form of a family (`families.py`); what others are, and the way to a
form that runs, is in `infer/strangers.py`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import ModelCorrupt, ModelIncompatible
from .families import FAMILIES, PlainForm
from .infer.strangers import stranger
from .manifest import Manifest
from .names import known

MOST = 6  # files named of a folder that is no model


def is_plain(folder: Path) -> bool:
    """Return whether `folder` looks like a model that runs as it is. Reads nothing but names."""
    return any(form.is_whole(folder) for form in _forms())


def inferred(folder: Path, name: str) -> Manifest:
    """Return what a manifest of this folder would say, with the size of its files and no sums: `sha256` is empty.

    `seal` and `adopt` give them sums. Raises:
        ModelCorrupt: a file that is cut short or is not what its name says.
        ModelIncompatible: no model, or one of a kind that does not run: what it is and how to get one that does.
    """
    try:
        for form in _forms():
            if form.is_begun(folder):
                return _english(form.manifest(folder, name))
        raise ModelIncompatible(str(folder), stranger(folder) or _nothing(folder))
    except OSError as error:
        path = str(error.filename or folder)
        raise ModelCorrupt(path, "a readable file", error.strerror or str(error)) from error


def _forms() -> list[PlainForm]:
    return [family.plain for family in FAMILIES.values() if family.plain is not None]


def _english(manifest: Manifest) -> Manifest:
    """Return the manifest of a model that is known to have learned English only, though its vocabulary has more."""
    named = known(manifest.name)
    if named is None or not named.english:
        return manifest
    return replace(manifest, languages=("en",), tasks=("transcribe",))


def _nothing(folder: Path) -> str:
    there = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    more = f" and {len(there) - MOST} more" if len(there) > MOST else ""
    looked_for = ", ".join(["manifest.json (a bundle)", *(form.LOOKED_FOR for form in _forms())])
    return f"is no model: looked for {looked_for}; there is {', '.join(there[:MOST]) + more if there else 'nothing'}"
