"""Reads the small JSON files beside a model, and the head of its card; errors name the file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ...errors import ModelCorrupt, ModelIncompatible
from ..manifest import FileEntry
from ..verify import foreign

LARGEST = 64 << 20  # bytes; the tokenizer of Whisper has 4 MB
FRONT = re.compile(r"\A---\r?\n(.*?)\r?\n---", re.DOTALL)  # the head of a model card
CODE = re.compile(r"[a-z]{2,3}")


def json_object(path: Path, *, optional: bool = False) -> dict[str, Any]:
    """Return the JSON object in a file; with `optional` an empty one where there is no file. Raises `ModelError`."""
    if optional and not path.exists():
        return {}
    value = json_value(path)
    if not isinstance(value, dict):
        raise ModelIncompatible(str(path), f"expected a JSON object, found {type(value).__name__}")
    return value


def json_value(path: Path) -> Any:
    """Return the JSON value in a file. Raises `ModelCorrupt`."""
    try:
        if path.stat().st_size > LARGEST:
            raise ModelCorrupt(str(path), f"at most {LARGEST} bytes", "more")
        content = path.read_bytes()
    except OSError as error:
        raise ModelCorrupt(str(path), "a readable file", error.strerror or str(error)) from error
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelCorrupt(str(path), "JSON", foreign(content) or f"something else ({error})") from error


def entries(folder: Path, names: tuple[str, ...]) -> dict[str, FileEntry]:
    """Return the entries of those files that exist: their sizes, and no sums, since no manifest has any."""
    there = [name for name in names if (folder / name).is_file()]
    return {name: FileEntry((folder / name).stat().st_size, "") for name in there}


def card(folder: Path) -> tuple[tuple[str, ...], str]:
    """Return the languages and the licence that the head of README.md names; without a head none, and "unknown"."""
    try:
        front = FRONT.match((folder / "README.md").read_text("utf-8", "replace"))
    except OSError:
        front = None
    if front is None:
        return (), "unknown"
    lines = front[1].splitlines()
    licence = next(iter(_values(lines, "license")), "unknown")
    return tuple(code for code in _values(lines, "language") if CODE.fullmatch(code)), licence


def _values(lines: list[str], key: str) -> list[str]:
    """Return the value of a key as a list; a list may stand on the line of the key or on the lines below it."""
    for index, line in enumerate(lines):
        if line.startswith(f"{key}:"):
            inline = line.partition(":")[2].strip().strip("[]")
            if inline:
                return [_plain(value) for value in inline.split(",")]
            below = []
            for following in lines[index + 1 :]:
                if not following.lstrip().startswith("- "):
                    break
                below.append(_plain(following.lstrip()[2:]))
            return below
    return []


def _plain(value: str) -> str:
    return value.strip().strip("'\"")
