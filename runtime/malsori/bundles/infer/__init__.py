"""From a plain folder, as people have it, to the manifest that it would have: nothing is converted, nothing written.

`inferred` knows the folders that run (a CTranslate2 Whisper, an ONNX export with a CTC head); what others are, and the
way to a form that runs, is in `strangers.py`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...errors import ModelCorrupt, ModelIncompatible
from ..manifest import Manifest
from ..names import known
from . import ct2_folder, onnx_export
from .strangers import stranger

LOOKED_FOR = (
    "manifest.json (a bundle), model.bin with config.json and vocabulary.json or .txt (Whisper of CTranslate2), "
    "model.onnx with config.json and vocab.json (a CTC model)"
)
MOST = 6  # files named of a folder that is no model


def is_plain(folder: Path) -> bool:
    """Return whether `folder` looks like a model that runs as it is. Reads nothing but names."""
    return ct2_folder.is_complete(folder) or onnx_export.is_wav2vec2(folder)


def inferred(folder: Path, name: str) -> Manifest:
    """Return what a manifest of this folder would say, with the size of its files and no sums: `sha256` is empty.

    `seal` and `adopt` give them sums. Raises:
        ModelCorrupt: a file that is cut short or is not what its name says.
        ModelIncompatible: no model, or one of a kind that does not run: what it is and how to get one that does.
    """
    try:
        if ct2_folder.is_whisper(folder):
            return _english(ct2_folder.manifest(folder, name))
        if onnx_export.is_wav2vec2(folder):
            return onnx_export.manifest(folder, name)
        raise ModelIncompatible(str(folder), stranger(folder) or _nothing(folder))
    except OSError as error:
        path = str(error.filename or folder)
        raise ModelCorrupt(path, "a readable file", error.strerror or str(error)) from error


def _english(manifest: Manifest) -> Manifest:
    """Return the manifest of a model that is known to have learned English only, though its vocabulary has more."""
    named = known(manifest.name)
    if named is None or not named.english:
        return manifest
    return replace(manifest, languages=("en",), tasks=("transcribe",))


def _nothing(folder: Path) -> str:
    there = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    more = f" and {len(there) - MOST} more" if len(there) > MOST else ""
    return f"is no model: looked for {LOOKED_FOR}; there is {', '.join(there[:MOST]) + more if there else 'nothing'}"
