"""Patterns such as `talks/**/*.mp3`: paths that match one, found without following links in circles.

`*`, `?` and `[...]` stand for characters of a name, `**` for any number of folders. Hidden names are matched only by a
part that begins with a dot, and `**` follows no links, as in bash. Python's `glob` follows them, and of two that lead
back to their folder makes as many paths as there are ways through.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator

MAGIC = re.compile(r"[*?[]")
ANY_DEPTH = "**"


def is_pattern(text: str) -> bool:
    """Return whether a text is a pattern; a file that is so called goes before."""
    return MAGIC.search(text) is not None and not os.path.lexists(text)


def base_of(pattern: str) -> str:
    """Return the folder above the first part of a pattern that has a wildcard, "" for the working directory."""
    parts = pattern.split("/")
    plain = next(at for at, part in enumerate(parts) if MAGIC.search(part))
    return "/".join(parts[:plain]) or ("/" if pattern.startswith("/") else "")


def matches(pattern: str) -> Iterator[str]:
    """Yield the paths that match, of files and folders, each folder's sorted."""
    base = base_of(pattern)
    below = pattern[len(base) :].strip("/").split("/")
    yield from _matching(base, [part for part in below if part])


def names_an_ending(pattern: str) -> bool:
    """Return whether a pattern says how the files' names end, as `*.dat` does; else only sound files are meant."""
    return re.search(r"\.[^.*?/]+$", pattern) is not None


def _matching(folder: str, parts: list[str]) -> Iterator[str]:
    part, rest = parts[0], parts[1:]
    if part == ANY_DEPTH:
        yield from _matching(folder, rest or ["*"])
        for entry in _entries(folder):
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                yield from _matching(os.path.join(folder, entry.name), parts)
    elif MAGIC.search(part) is None:
        path = os.path.join(folder, part)
        if not rest and os.path.lexists(path):
            yield path
        elif rest and os.path.isdir(path):
            yield from _matching(path, rest)
    else:
        for entry in _entries(folder):
            if _is_like(entry.name, part) and (not rest or entry.is_dir()):
                path = os.path.join(folder, entry.name)
                yield from _matching(path, rest) if rest else [path]


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder or ".") as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:  # what cannot be listed has nothing that matches, as for a shell
        return []
    return found


def _is_like(name: str, part: str) -> bool:
    return (part.startswith(".") or not name.startswith(".")) and fnmatch.fnmatchcase(name, part)
