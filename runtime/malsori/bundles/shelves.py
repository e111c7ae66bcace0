"""What is wrong with the folders of `$MALSORI_MODELS`: those that are not there, are files or are models themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .infer import is_plain
from .manifest import MANIFEST
from .places import VARIABLE


def complaints() -> Iterator[str]:
    """Yield a line for each folder of `$MALSORI_MODELS` that holds no models, with what to do about it."""
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
