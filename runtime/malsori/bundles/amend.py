"""Changing what a finished bundle says of itself: fields of `manifest.json`; its files stay as they are."""

from __future__ import annotations

import json
import os
import shlex
import stat
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..errors import OutputError
from .atomic import write_atomically
from .manifest import MANIFEST, Manifest
from .parse import read_manifest


def amend(folder: Path, **fields: Any) -> Manifest:
    """Write `manifest.json` with these fields changed; return what was written.

    Fields that this version does not know are kept. Raises `OutputError` where the bundle cannot be written; the old
    manifest is there then.
    """
    path = folder / MANIFEST
    manifest = replace(read_manifest(folder), **fields)
    old = json.loads(path.read_text("utf-8"))
    content = json.dumps({**old, **asdict(manifest)}, ensure_ascii=False, indent=2) + "\n"
    try:
        write_atomically(path, content.encode(), mode=stat.S_IMODE(path.stat().st_mode))
    except OSError as error:
        raise _unwritable(folder, error.strerror or str(error)) from error
    return manifest


def check_amendable(folder: Path) -> None:
    """Raise `OutputError` for a bundle that `amend` could not write, before any work is done."""
    if not (folder / MANIFEST).is_file():
        raise OutputError(
            f"{folder}: has no manifest to write into; malsori models adopt {shlex.quote(str(folder))} gives it one, "
            "or only look with --dry-run"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unwritable(folder, "it is read-only for you")


def _unwritable(folder: Path, why: str) -> OutputError:
    copy = shlex.quote(f"./{folder.resolve().name}-copy")
    return OutputError(
        f"{folder / MANIFEST}: cannot be written, {why}; cp -r {shlex.quote(str(folder))} {copy} and use {copy}, "
        "or only look with --dry-run"
    )
