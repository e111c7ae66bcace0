"""The output file of each input, chosen before any work such that no result replaces another or an input."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path

from .sources import STDIN, InputFile

NAME_BYTES = 255  # the longest file name of the usual file systems
STEM_BYTES = NAME_BYTES - len("-99999.json")  # so that any suffix and ending fit behind it
CONTROLS = ("Cc", "Zl", "Zp")  # Unicode categories that break a listing into lines or worse


class Destinations:
    """Output paths for the inputs of one run, in one folder, for one or several formats.

    An input's stem names its outputs, below the folders that it was found in. Inputs that would share a name, or whose
    output would replace an input, get longer names, whatever their order:

        talk.mp3, talk.wav      -> talk.mp3.txt, talk.wav.txt
        a/talk.mp3, b/talk.mp3  -> a/talk.txt, b/talk.txt

    Results of an earlier run are replaced.
    """

    def __init__(self, folder: Path, inputs: Sequence[InputFile], formats: Sequence[str]) -> None:
        self.folder = folder
        self.formats = tuple(formats)
        self._sources = {os.path.realpath(each.file) for each in inputs if each.file != STDIN}
        self.stems = self._stems(inputs)

    def paths(self, index: int) -> dict[str, Path]:
        """Return the path for each format of input number `index`."""
        return {format: self._path(self.stems[index], format) for format in self.formats}

    def _stems(self, inputs: Sequence[InputFile]) -> list[str]:
        """Return a name for each input, as short as possible: names that clash are made longer until none does."""
        names = [_names(each) for each in inputs]
        level = [0] * len(inputs)
        while clashing := [
            index
            for group in _groups(own[at] for own, at in zip(names, level, strict=True))
            for index in group
            # Inputs whose longest names are equal, too, are numbered.
            if (_differ(names, group) or self._hits_source(names[index][level[index]]))
            and level[index] + 1 < len(names[index])
        ]:
            for index in clashing:
                level[index] += 1
        return self._numbered([own[at] for own, at in zip(names, level, strict=True)], inputs)

    def _numbered(self, stems: list[str], inputs: Sequence[InputFile]) -> list[str]:
        """Return the names, with a number behind those that are already taken, in order of their paths."""
        taken: set[str] = set()
        free = list(stems)
        for index in sorted(range(len(stems)), key=lambda index: os.fsencode(inputs[index].file)):
            candidates = (stems[index] if number == 1 else f"{stems[index]}-{number}" for number in count(1))
            free[index] = next(each for each in candidates if _key(each) not in taken and not self._hits_source(each))
            taken.add(_key(free[index]))
        return free

    def _path(self, stem: str, format: str) -> Path:
        return self.folder / f"{stem}.{format}"

    def _hits_source(self, stem: str) -> bool:
        return any(os.path.realpath(self._path(stem, format)) in self._sources for format in self.formats)


def check_writable(output: Path, *, grows: bool = False) -> None:
    """Raise `OutputError` for a path that cannot become a file, before any work is done.

    A file that `grows` is appended to, and may be a pipe; any other replaces what has its name.
    """
    from ..errors import OutputError

    try:
        output.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:  # too long a name; characters that no name can hold
        raise OutputError.unwritten(output, error) from error
    if not output.parent.is_dir():
        raise OutputError(f"{output}: cannot be written, {output.parent} is no folder")
    if output.is_dir():
        raise OutputError(f"{output}: cannot be written, it is a folder")
    if output.exists() and not output.is_file() and not grows:
        raise OutputError(f"{output}: cannot be written, it is no regular file; leave -o out and redirect the output")
    _try_to_write(output.parent, output)


def make_folder(folder: Path) -> None:
    """Make a folder unless it exists, and write a file in it for trial. Raises `OutputError` where that fails."""
    from ..errors import OutputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"{folder}: cannot be made a folder, {reason}") from error
    _try_to_write(folder, folder)


def _try_to_write(folder: Path, name: Path) -> None:
    """Make a file in a folder and remove it: permissions do not show what a mount or a quota allows."""
    from ..atomic import temporary_in
    from ..errors import OutputError

    probe = temporary_in(folder)
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        probe.unlink()
    except OSError as error:
        raise OutputError.unwritten(name, error) from error


def _safe(name: str, ending: str = "") -> str:
    """Return part of a path without control characters, short enough for any format's ending behind its own."""
    kept = "".join("_" if unicodedata.category(character) in CONTROLS else character for character in name)
    tail = "".join("_" if unicodedata.category(character) in CONTROLS else character for character in ending)
    room = STEM_BYTES - len(os.fsencode(tail))
    encoded = os.fsencode(kept)
    if len(encoded) > room:
        # The cut may have split a character of up to four bytes, the rest of which is removed.
        kept = re.sub("[\udc80-\udcff]{1,3}$", "", os.fsdecode(encoded[:room]))
    return kept + tail


def _names(each: InputFile) -> list[str]:
    """Return the names that an input may have, the shortest first: longer ones have its ending, then its folders."""
    name = Path(each.below)
    if each.file == STDIN:
        return [each.below]
    own = [_safe(part) for part in name.parts[:-1]]
    outer = [_safe(part) for part in Path(os.path.abspath(each.file)).parts[1 : -len(name.parts)]]
    leaves = [_safe(name.stem), _safe(name.stem, name.suffix)] if name.suffix else [_safe(name.stem)]
    return ["/".join([*outer[len(outer) - depth :], *own, leaf]) for depth in range(len(outer) + 1) for leaf in leaves]


def _groups(stems: Iterable[str]) -> list[list[int]]:
    """Return the indices of the names, grouped by what some file systems take for one name."""
    groups: dict[str, list[int]] = {}
    for index, stem in enumerate(stems):
        groups.setdefault(_key(stem), []).append(index)
    return list(groups.values())


def _differ(names: Sequence[Sequence[str]], group: Sequence[int]) -> bool:
    """Return whether the longest names of a group are not all equal."""
    return len({_key(names[index][-1]) for index in group}) > 1


def _key(stem: str) -> str:
    """Return a name with what some file systems ignore folded: case, and composed or decomposed letters."""
    return unicodedata.normalize("NFC", stem).casefold()
