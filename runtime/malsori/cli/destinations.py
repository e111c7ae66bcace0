"""Which file each input's result goes to, decided before any work so that no result replaces another or an input."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from itertools import count
from pathlib import Path

NAME_BYTES = 255  # the longest file name of the usual file systems
STEM_BYTES = NAME_BYTES - len("-99999.json")  # so that any suffix and ending fit behind it
CONTROLS = ("Cc", "Zl", "Zp")  # Unicode categories that break a listing into lines or worse


class Destinations:
    """Output paths for the inputs of one run, in one folder, for one or several formats.

    The first input of a stem keeps it, the next ones get `-2`, `-3`, ...; so does one whose output would replace an
    input. Results of an earlier run are replaced. The same command line gives the same names every time.
    """

    def __init__(self, folder: Path, inputs: Sequence[str], formats: Sequence[str]) -> None:
        self.folder = folder
        self.formats = tuple(formats)
        self._sources = {os.path.realpath(path) for path in inputs}
        self._taken: set[str] = set()
        self.stems = [self._free(safe_stem(path)) for path in inputs]

    def paths(self, index: int) -> dict[str, Path]:
        """Return the path for each format of input number `index`."""
        return {format: self._path(self.stems[index], format) for format in self.formats}

    def _free(self, stem: str) -> str:
        for number in count(1):
            candidate = stem if number == 1 else f"{stem}-{number}"
            if _key(candidate) not in self._taken and not self._hits_source(candidate):
                break
        self._taken.add(_key(candidate))
        return candidate

    def _path(self, stem: str, format: str) -> Path:
        return self.folder / f"{stem}.{format}"

    def _hits_source(self, stem: str) -> bool:
        return any(os.path.realpath(self._path(stem, format)) in self._sources for format in self.formats)


def check_writable(output: Path) -> None:
    """Raise `OutputError` for a path that cannot become a file, before any work is done."""
    from ..errors import OutputError

    if not output.parent.is_dir():
        raise OutputError(f"{output}: cannot be written, {output.parent} is no folder")
    if output.is_dir():
        raise OutputError(f"{output}: cannot be written, it is a folder")


def safe_stem(path: str) -> str:
    """Return the file name of `path` without its ending, control characters replaced, short enough for any ending."""
    stem = "".join("_" if unicodedata.category(character) in CONTROLS else character for character in Path(path).stem)
    encoded = os.fsencode(stem)
    if len(encoded) <= STEM_BYTES:
        return stem
    # The cut may have split a character of up to four bytes; what is left of it goes too.
    return re.sub("[\udc80-\udcff]{1,3}$", "", os.fsdecode(encoded[:STEM_BYTES]))


def _key(stem: str) -> str:
    """Fold what some file systems hold for one name: upper and lower case, composed and decomposed letters."""
    return unicodedata.normalize("NFC", stem).casefold()
