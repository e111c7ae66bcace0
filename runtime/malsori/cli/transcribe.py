"""`malsori transcribe`: files and folders to text on stdout, or to files named by `destinations.py`."""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from ..formats import FORMATS
from .console import report
from .model_flags import add_model_flags, check_loading_flags, load_model
from .outputs import format_of, formats_of, output_of
from .parser import Parser, add_format_flag
from .progress import Reporter, progress_of
from .sources import STDIN, InputFile, find_inputs, sources
from .stopping import ENDING, Ended, run_interruptibly
from .tables import CoverageTable
from .transcribe_flags import (
    add_cue_flags,
    add_decoding_flags,
    add_vad_flags,
    add_whisper_flags,
    cueless,
    destination,
    options_from,
    timed,
)

if TYPE_CHECKING:
    from ..errors import MalsoriError
    from ..pipeline import TranscribeOptions
    from ..types import Transcript

EPILOG = """\
Of a folder all sound files are taken, with -r those of the folders in it. Without -o the result goes to stdout; with
several files each line of txt begins with the file's name, and each object of json carries it. -o NAME.srt writes that
file; another -o is a folder (FILM.ass/ too, which without the stroke is refused), where each file becomes STEM.FORMAT
as soon as it is done, below the folders that it was found in. Of two of one stem the whole name is kept (talk.mp3.txt,
talk.wav.txt), or the folder (a/talk.txt); what came through - is called stdin. A later run into that folder replaces
what has the same name, also where that is of a file elsewhere; with --skip-existing it takes it for its own.
Underscores do for hyphens (--output_dir), and BOOL may be left out or be True or False.

examples:
  malsori transcribe samples/korean.wav
  malsori transcribe talk.mp3 --model nano-whisper -o talk.srt
  malsori transcribe talk.mp3 --model nano-whisper --align-with nano-ctc-ko -f json
  malsori transcribe film.m4a --model nano-whisper -f srt --max-line-width 36
  malsori transcribe talks/ -r --model nano-whisper --task translate -o subtitles -f all --skip-existing
"""


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the command and its flags."""
    parser = subparsers.add_parser("transcribe", help="files to text", description="Files to text.", epilog=EPILOG)
    parser.add_argument("files", nargs="+", metavar="FILE", help="a sound file, a folder, or - for standard input")
    parser.add_argument("--recursive", "-r", action="store_true", help="take what is in a folder's folders, too")
    parser.add_argument(
        "--output-dir",
        "--output",
        "-o",
        dest="output",
        type=destination,
        metavar="PATH",
        help="write there, not to stdout: a file if it ends in .srt, .txt, ..., else a folder, made if missing",
    )
    add_format_flag(parser, (*FORMATS, "all"), "(the ending of PATH, or txt)")
    parser.add_argument("--skip-existing", action="store_true", help="leave out what PATH has the results of")
    parser.add_argument(
        "--report", action="store_true", help="tell on stderr how much was decoded, read, and left out and why"
    )
    add_model_flags(parser)
    add_decoding_flags(parser)
    add_vad_flags(parser)
    add_cue_flags(parser)
    add_whisper_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Transcribe all files; return 0, or 1 when some failed."""
    ENDING.catch_termination()
    task = Task(args, find_inputs(args.files, recursive=args.recursive))
    with Reporter(quiet=args.quiet) as reporter:
        try:
            return task.run(reporter)
        except Ended as ended:
            raise Ended(ended.number, task.summary) from ended


class Task:
    """One run of the command: its inputs, its output, and how many inputs are done or failed."""

    def __init__(self, args: argparse.Namespace, inputs: Sequence[InputFile]) -> None:
        """Choose the output. Raises `OptionError` and `OutputError` where results cannot be written."""
        self._args = args
        self._inputs = _distinct(inputs) if args.output is not None else list(inputs)
        self._output = output_of(args, self._inputs)
        self._done = self._failed = 0
        self._coverages = CoverageTable()

    @property
    def summary(self) -> str:
        """A line on how far an interrupted run came, "" for a single file."""
        total = len(self._inputs)
        if total == 1:
            return ""
        failed = f", {self._failed} failed" if self._failed else ""
        on = "; the same line with --skip-existing goes on with the rest" if self._output.keeps and self._done else ""
        return f"{self._done} of {total} files are done{failed}{on}"

    def run(self, reporter: Reporter) -> int:
        """Transcribe and write all inputs; return the exit code."""
        options = timed(options_from(self._args), formats_of(self._args))
        check_loading_flags(self._args)
        pending = list(self._pending(reporter))
        if pending:
            self._transcribe(pending, options, reporter)
        if self._failed and len(self._inputs) > 1:
            reporter.warn(f"{self._failed} of {len(self._inputs)} files failed")
        return 1 if self._failed else 0

    def _pending(self, reporter: Reporter) -> Iterator[int]:
        """Yield the indices of the inputs to transcribe; report those that cannot be read and those already done."""
        there = 0
        for index, each in enumerate(self._inputs):
            if each.trouble is not None:
                report(each.file, each.trouble, debug=self._args.debug)
                self._failed += 1
            elif self._args.skip_existing and self._output.done(index):
                there += 1
            else:
                yield index
        self._done += there
        if there:
            reporter.warn(f"{there} of {len(self._inputs)} files are there already and left out")

    def _transcribe(self, pending: Sequence[int], options: TranscribeOptions, reporter: Reporter) -> None:
        files = [self._inputs[index].file for index in pending]
        unwanted = threading.Event()
        format, formats = format_of(self._args), formats_of(self._args)
        options = options.changed(cancelled=unwanted.is_set)
        recordings = sources(files)
        transcriber = run_interruptibly(lambda: load_model(self._args, reporter, options=options))
        if lost := _unseen(self._args):
            reporter.warn(f"warning, {format} cannot show the results of {lost}; json can: -f json")
        if lost := cueless(self._args, formats):
            reporter.warn(f"warning, {format} cannot show the results of {lost}; srt and vtt can: -f srt")
        warned = transcriber.check(options)
        for warning in warned:
            reporter.warn(f"warning, {warning}")
        progress = progress_of(reporter, files)
        results = transcriber.transcribe_many(recordings, options, on_error="return", progress=progress)
        try:
            for index in pending:
                result = run_interruptibly(lambda: next(results))
                reporter.pause()
                self._write(index, result, reporter, warned)
        finally:
            unwanted.set()
            self._coverages.end()

    def _write(
        self, index: int, result: Transcript | MalsoriError, reporter: Reporter, warned: Collection[str]
    ) -> None:
        """Print or write one result, and its warnings other than those `warned`.

        Raises:
            OutputError: standard output cannot be written, which ends the run: it is no fault of this file.
        """
        from ..errors import MalsoriError, OutputError

        file = self._inputs[index].file
        try:
            if isinstance(result, MalsoriError):
                raise result
            self._output.write(index, result)
        except MalsoriError as error:
            if isinstance(error, OutputError) and self._args.output is None:
                raise
            self._failed += 1
            report(file, error, debug=self._args.debug)
            return
        self._done += 1
        if self._args.report and result.coverage is not None:
            self._coverages.add(file, result.coverage)
        for warning in [warning for warning in result.warnings if warning not in warned]:
            reporter.warn(f"{file}: warning, {warning}")


def _distinct(inputs: Sequence[InputFile]) -> list[InputFile]:
    """Return the inputs without those that are the same file as an earlier one."""
    known: dict[str, InputFile] = {}
    for each in inputs:
        known.setdefault(STDIN if each.file == STDIN else os.path.realpath(each.file), each)
    return list(known.values())


def _unseen(args: argparse.Namespace) -> str:
    """Return the flags whose results the output format cannot show; other word times also move cues."""
    format = format_of(args)
    if format in ("json", "all"):
        return ""
    wanted = {
        "--word-timestamps": args.word_timestamps and format in ("txt", "tsv"),
        "--align-with": args.align_with and format == "txt",
        "--alternatives": args.alternatives and args.alternatives > 1,
    }
    return ", ".join(flag for flag, value in wanted.items() if value)
