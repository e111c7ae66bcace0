"""Where the transcripts of a run go: to standard output, into one file, or into a folder. Chosen before any work."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..formats import FORMATS, ending_of
from .console import emit, printable
from .destinations import Destinations, check_writable, make_folder
from .sources import InputFile
from .transcribe_flags import asked, cue_options

if TYPE_CHECKING:
    from ..output import CueOptions
    from ..types import Transcript

FILE_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}")  # a name with one is taken for a folder only with a slash
_EMPTY_OF_SILENCE = ("txt", "srt")


class Output:
    """Writes the transcripts of a run's inputs, by their indices."""

    keeps = False  # whether a later run can go on where one was interrupted

    def write(self, index: int, transcript: Transcript) -> None:
        """Write a transcript. Raises `OutputError` where it cannot be written."""
        raise NotImplementedError

    def done(self, index: int) -> bool:
        """Return whether all results of the input are there already."""
        return False


class Printed(Output):
    """On stdout, with the names of the files where there are several."""

    def __init__(self, inputs: Sequence[InputFile], format: str, cues: CueOptions, *, several: bool) -> None:
        self._inputs, self._format, self._cues, self._several = inputs, format, cues, several

    def write(self, index: int, transcript: Transcript) -> None:
        """Print it."""
        from ..output import render

        text = render(transcript, self._format, self._cues)
        emit(_named(self._inputs[index].file, text, self._format) if self._several else text)


class Written(Output):
    """In files, one for each input and format."""

    keeps = True

    def __init__(self, paths: Sequence[dict[str, Path]], args: argparse.Namespace) -> None:
        self._paths, self._args, self._cues = paths, args, cue_options(args)

    def write(self, index: int, transcript: Transcript) -> None:
        """Write its files, each of them whole or not at all."""
        from ..errors import OutputError
        from ..output import write

        for format, path in self._paths[index].items():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError.unwritten(path, error) from error
            write(asked(transcript, format, self._args), path, format, self._cues)

    def done(self, index: int) -> bool:
        """Return whether all files are there, and none is empty, except in formats that are empty for silence."""
        return all(
            path.is_file() and (format in _EMPTY_OF_SILENCE or path.stat().st_size > 0)
            for format, path in self._paths[index].items()
        )


def output_of(args: argparse.Namespace, inputs: Sequence[InputFile]) -> Output:
    """Return the output that the flags ask for; a folder is made here, so that a wrong path fails before the work.

    Raises `OptionError` for flags that contradict each other, `OutputError` for what cannot be written.
    """
    if args.output is None:
        return _printed(args, inputs)
    if (format := _file_format(args.output)) is not None:
        return _one_file(args, inputs, format)
    _check_folder(args.output)
    destinations = Destinations(Path(args.output), inputs, formats_of(args))
    make_folder(destinations.folder)
    return Written([destinations.paths(index) for index in range(len(inputs))], args)


def format_of(args: argparse.Namespace) -> str:
    """Return the format that the flags ask for: by name, else by the ending of the file to write, else txt."""
    named = None if args.output is None else _file_format(args.output)
    return args.output_format or named or FORMATS[0]


def formats_of(args: argparse.Namespace) -> tuple[str, ...]:
    """Return all formats that the flags ask for."""
    format = format_of(args)
    return FORMATS if format == "all" else (format,)


def _printed(args: argparse.Namespace, inputs: Sequence[InputFile]) -> Printed:
    from ..errors import OptionError

    several = len(inputs) > 1 or any(os.path.isdir(file) for file in args.files)
    format = format_of(args)
    if format == "all" or (several and format not in ("txt", "json")):
        what = "several files" if several else "several formats"
        raise OptionError(f"{what} as {format} cannot share standard output; add --output-dir DIR")
    if args.skip_existing:
        raise OptionError("--skip-existing is for files that were written; add --output-dir DIR, or leave it out")
    return Printed(inputs, format, cue_options(args), several=several)


def _one_file(args: argparse.Namespace, inputs: Sequence[InputFile], format: str) -> Written:
    from ..errors import OptionError

    path = Path(args.output)
    if args.output_format not in (None, format):
        raise OptionError(
            f"-o {path} says {format} and -f says {args.output_format}; leave -f out, or name a folder to write to"
        )
    if len(inputs) != 1:
        folder = shlex.quote(str(path.with_suffix("")))
        raise OptionError(
            f"{path}: one file cannot hold the transcripts of {len(inputs)}; a file for each: -o {folder} -f {format}"
        )
    if os.path.realpath(path) == os.path.realpath(inputs[0].file):
        raise OptionError(f"{path}: is the file to be heard; expected another one to write to")
    check_writable(path)
    return Written([{format: path}], args)


def _check_folder(output: str) -> None:
    """Raise `OptionError` for a name like that of a file in a format that is not written; `film.ass/` is a folder."""
    from ..errors import OptionError

    path = Path(output)
    if FILE_ENDING.fullmatch(path.suffix) and not output.endswith(("/", os.sep)) and not path.is_dir():
        endings = ", ".join(f".{format}" for format in FORMATS)
        name = shlex.quote(f"{output}/")
        raise OptionError(
            f"-o {output}: expected a name that ends in {endings}, or a folder; for one so called: -o {name}"
        )


def _file_format(output: str) -> str | None:
    """Return the format of a file that is to be written; None where it is a folder."""
    ending = ending_of(output)
    is_folder = output.endswith(("/", os.sep)) or os.path.isdir(output)
    return ending if ending in FORMATS and not is_folder else None


def _named(file: str, text: str, format: str) -> str:
    """Return `text` with the file's name in it: as a first field of the object, or before each line as grep does."""
    if format == "json":
        return json.dumps({"file": file, **json.loads(text)}, ensure_ascii=False) + "\n"
    return "".join(f"{printable(file)}: {line}".rstrip() + "\n" for line in text.splitlines() or [""])
