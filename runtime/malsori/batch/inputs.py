"""INPUT arguments of a batch to rows: folders, patterns, files, manifests, URLs, and `-` for paths on stdin."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, TypeAlias
from urllib.parse import unquote

from ..audio.folders import is_sound, sound_files_in
from ..audio.source import check_readable
from ..errors import AudioNotFound, OptionError
from ..output.stems import RealPaths
from ..urls import is_url
from .input_row import InputRow
from .listed import below_of, checked, paths_in, row_at_url
from .manifest_rows import MANIFESTS, rows_of
from .patterns import base_of, is_pattern, matches, names_an_ending

__all__ = ["InputRow", "read_inputs"]

STDIN = "-"
LOCAL = "file://"

Remote: TypeAlias = Callable[[str], Iterator[InputRow]]
Note: TypeAlias = Callable[[str], None]


def read_inputs(
    inputs: Sequence[str],
    *,
    null: bool = False,
    remote: Remote | None = None,
    note: Note = lambda text: None,
    stdin: BinaryIO | None = None,
) -> Iterator[InputRow]:
    """Yield the recordings that INPUT arguments name, each once; those of manifests come first, since they say more.

    `null` parts the paths on standard input by NUL. `remote` yields the rows of a URL. `note` is told what is left out.

    Raises, while it is iterated: so take all rows before any work begins:
        OptionError: nothing was found, a pattern matches nothing, a manifest has a column that nobody knows or cannot
            be read as one, standard input is given twice.
        AudioNotFound: an INPUT is not there, or a manifest cannot be opened.
    """
    reading = _Reading(null, remote, note, stdin)
    if list(inputs).count(STDIN) > 1:
        raise OptionError("- is standard input, which can be read once")
    known, real = set[bytes](), RealPaths()
    empty = True
    for given in sorted(inputs, key=lambda each: not _is_manifest(each)):
        for row in reading.rows(given):
            empty = False
            path, said = real.path(row.source), _said_of(row)
            if (own := _identity(path, said)) not in known:
                known |= {own, _identity(path)}
                yield row
    if empty:
        raise OptionError(f"no recordings: {reading.looked_for(inputs)}; expected sound files, folders or manifests")


class _Reading:
    """Reads INPUT arguments, each by its kind."""

    def __init__(self, null: bool, remote: Remote | None, note: Note, stdin: BinaryIO | None) -> None:
        self._null, self._remote, self._note = null, remote, note
        self._stdin = stdin

    def rows(self, given: str) -> Iterator[InputRow]:
        """Yield the rows of one INPUT."""
        if given.startswith(LOCAL):
            given = _local(given)
        if given == STDIN:
            yield from self._of_stdin()
        elif is_url(given):
            yield from self._at(given)
        elif os.path.isdir(given):
            yield from self._told(given, self._in_folder(given, ""))
        elif is_pattern(given):
            yield from self._like(given)
        elif _is_manifest(given):
            yield from self._told(given, rows_of(given, note=self._note, remote=self._remote is not None))
        else:
            if not os.path.lexists(given):  # a slip of the pen, or a disk that is not there: no row of the batch
                check_readable(given)
            yield checked(InputRow(given, os.path.basename(given)))

    def looked_for(self, inputs: Sequence[str]) -> str:
        """Return, for an error, where nothing was found."""
        return ", ".join(dict.fromkeys(map(_looked_for, inputs))) or "no INPUT was given"

    def _told(self, given: str, rows: Iterator[InputRow]) -> Iterator[InputRow]:
        """Yield rows, or note that there are none: nothing is left out unsaid."""
        empty = True
        for row in rows:
            empty = False
            yield row
        if empty:
            self._note(_looked_for(given))

    def _in_folder(self, folder: str, above: str) -> Iterator[InputRow]:
        closed: list[OSError] = []
        linked = self._left_out
        for below in sound_files_in(folder, recursive=True, closed=closed.append, linked=linked):
            yield checked(InputRow(os.path.join(folder, below), os.path.join(above, below)))
        for error in closed:
            path = str(error.filename)
            trouble = AudioNotFound(path, "a folder that can be read", (error.strerror or "").lower())
            yield InputRow(path, os.path.join(above, os.path.relpath(path, folder)), trouble=trouble)

    def _left_out(self, path: str) -> None:
        self._note(f"{path}: is a link to a folder, which is not followed; give it as an INPUT to take what is in it")

    def _like(self, pattern: str) -> Iterator[InputRow]:
        base, any_ending = base_of(pattern), names_an_ending(pattern)
        found = False
        for path in matches(pattern):
            below = os.path.relpath(path, base or ".")
            if not os.path.isdir(path):
                if any_ending or is_sound(os.path.basename(path)):
                    found = True
                    yield checked(InputRow(path, below))
            elif not pattern.endswith(("**", "**/*")):  # which match what is in the folder, too
                for row in self._in_folder(path, below):
                    found = True
                    yield row
        if not found:
            raise OptionError(_looked_for(pattern))

    def _of_stdin(self) -> Iterator[InputRow]:
        stream = self._stdin
        if stream is None and sys.stdin is not None:
            stream = sys.stdin.buffer
        if stream is None:
            raise OptionError("standard input is closed; expected paths on it: find talks -type f | malsori batch -")
        rows = (self._named(path) for path in paths_in(stream, b"\0" if self._null else b"\n"))
        yield from self._told(STDIN, rows)

    def _named(self, path: str) -> InputRow:
        if self._null and path.endswith("\n") and not os.path.lexists(path):
            raise OptionError("standard input: expected paths that end in null bytes, found lines; leave -0 out")
        if is_url(path):
            return row_at_url(path, remote=self._remote is not None)
        return checked(InputRow(path, below_of(path)))

    def _at(self, url: str) -> Iterator[InputRow]:
        if self._remote is None:
            raise OptionError(f"{url}: URLs are not read here; expected a path")
        yield from self._told(url, self._remote(url))


def _local(url: str) -> str:
    """Return the path of a file:// URL: as it stands, as fsspec takes it, or else with its %XX as characters."""
    path = url[len(LOCAL) :]
    return path if os.path.lexists(path) or is_pattern(path) else unquote(path)


def _is_manifest(given: str) -> bool:
    return os.path.splitext(given)[1].lower() in MANIFESTS and not is_url(given) and not os.path.isdir(given)


def _looked_for(given: str) -> str:
    if given == STDIN:
        return "standard input names no files"
    if os.path.isdir(given):
        return f"{given}: has no sound files in it, nor in the folders in it"
    if not is_url(given) and is_pattern(given):
        return f"{given}: matches nothing{'' if names_an_ending(given) else ' that ends as sound files do'}"
    return f"{given}: names no recordings"


def _said_of(row: InputRow) -> str:
    """Return what a manifest says of a file, "" for nothing."""
    said = [row.id, row.options, str(row.trouble or "")]
    return json.dumps(said, sort_keys=True, default=str) if any(said) else ""


def _identity(path: str, said: str = "") -> bytes:
    """Return what tells two rows apart: the real path of the file, and what is said of it."""
    return hashlib.blake2b(f"{path}\0{said}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
