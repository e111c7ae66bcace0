"""The output file of each input, chosen before any work such that no result replaces another or an input."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..output.stems import Named, replaces, stems_of
from .sources import STDIN, InputFile


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
        files = [each.file for each in inputs if each.file != STDIN]
        hits = replaces(files, lambda stem, format: str(self._path(stem, format)), self.formats)
        self.stems = stems_of([Named(each.file, each.below, each.file == STDIN) for each in inputs], hits)

    def paths(self, index: int) -> dict[str, Path]:
        """Return the path for each format of input number `index`."""
        return {format: self._path(self.stems[index], format) for format in self.formats}

    def _path(self, stem: str, format: str) -> Path:
        return self.folder / f"{stem}.{format}"


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
