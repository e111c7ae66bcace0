"""`malsori transcribe`: files to text on stdout, or to files in a folder whose names `destinations.py` gives."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from .console import emit, printable
from .coverage_table import CoverageTable
from .cue_flags import add_cue_flags, asked, cue_options, cueless, timed
from .destinations import Destinations
from .failures import report
from .model_flags import add_model_flags, load_model
from .parser import Parser
from .progress import Reporter
from .sources import names, sources
from .transcribe_flags import add_decoding_flags, add_vad_flags, folder, options_from
from .whisper_flags import add_whisper_flags

if TYPE_CHECKING:
    from ..errors import MalsoriError
    from ..pipeline import Progress
    from ..types import Transcript

FORMATS = ("txt", "srt", "vtt", "tsv", "json")  # output.FORMATS once more, so that help loads no numpy

EPILOG = """\
Without --output-dir the result goes to stdout; with several files each line of txt begins with the file's name, and
each object of json carries it. With --output-dir each file becomes STEM.FORMAT there, a second input of the same stem
STEM-2.FORMAT; what came through - is called stdin. Underscores do for hyphens (--output_dir), and BOOL may be left out
or be True or False.

examples:
  malsori transcribe samples/korean.wav
  malsori transcribe talk.mp3 --model nano-whisper --word-timestamps -f json
  malsori transcribe talk.mp3 --model nano-whisper --align-with nano-ctc-ko -f json
  malsori transcribe film.m4a --model nano-whisper -f srt --max-line-width 36
  malsori transcribe talks/*.mp3 --model nano-whisper --task translate -o subtitles -f all
"""


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the command and its flags."""
    parser = subparsers.add_parser("transcribe", help="files to text", description="Files to text.", epilog=EPILOG)
    parser.add_argument("files", nargs="+", metavar="FILE", help="a sound file, or - for standard input")
    parser.add_argument(
        "--output-dir", "-o", type=folder, metavar="DIR", help="write files there, not to stdout; made if missing"
    )
    parser.add_argument("--output-format", "-f", default="txt", choices=(*FORMATS, "all"), help="(%(default)s)")
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
    settle = _writing(args) if args.output_dir is not None else _printing(args)
    failures, coverages = 0, CoverageTable()
    with Reporter(quiet=args.quiet) as reporter:
        options, given = timed(options_from(args), _formats(args)), sources(args.files)
        transcriber = load_model(args, reporter, options=options)
        if lost := _unseen(args):
            reporter.warn(f"warning, {args.output_format} cannot show what {lost} asks for; json can: -f json")
        if lost := cueless(args, _formats(args)):
            reporter.warn(f"warning, {args.output_format} cannot show what {lost} asks for; srt and vtt can: -f srt")
        told = transcriber.check(options)
        for warning in told:
            reporter.warn(f"warning, {warning}")
        results = transcriber.transcribe_many(given, options, on_error="return", progress=progress_of(reporter))
        for index, result in enumerate(results):
            reporter.pause()
            failures += not _settle(args, index, result, settle, reporter, told)
            coverage = getattr(result, "coverage", None)
            if args.report and coverage is not None:
                coverages.add(args.files[index], coverage)
    coverages.end()
    return 1 if failures else 0


def _unseen(args: argparse.Namespace) -> str:
    """Return the flags whose results the output format has no place for; new times of words also move cues."""
    if args.output_format in ("json", "all"):
        return ""
    wanted = {
        "--word-timestamps": args.word_timestamps and args.output_format in ("txt", "tsv"),
        "--align-with": args.align_with and args.output_format == "txt",
        "--alternatives": args.alternatives and args.alternatives > 1,
    }
    return ", ".join(flag for flag, value in wanted.items() if value)


def _settle(
    args: argparse.Namespace,
    index: int,
    result: Transcript | MalsoriError,
    settle: Callable[[int, Transcript], None],
    reporter: Reporter,
    told: Collection[str],
) -> bool:
    """Print or write one result, and its warnings other than those `told`; return whether it went well.

    Raises:
        OutputError: standard output cannot be written: what it has lost is no fault of this file, and it stays lost.
    """
    from ..errors import MalsoriError, OutputError

    file = args.files[index]
    try:
        if isinstance(result, MalsoriError):
            raise result
        settle(index, result)
    except MalsoriError as error:
        if isinstance(error, OutputError) and args.output_dir is None:
            raise
        report(file, error, debug=args.debug)
        return False
    for warning in [warning for warning in result.warnings if warning not in told]:
        reporter.warn(f"{file}: warning, {warning}")
    return True


def _formats(args: argparse.Namespace) -> tuple[str, ...]:
    return FORMATS if args.output_format == "all" else (args.output_format,)


def _printing(args: argparse.Namespace) -> Callable[[int, Transcript], None]:
    """Return how a result is put on stdout, where only txt and json can hold several."""
    from ..errors import OptionError
    from ..output import render

    cues = cue_options(args)
    several = len(args.files) > 1
    if args.output_format == "all" or (several and args.output_format not in ("txt", "json")):
        what = "several files" if several else "several formats"
        raise OptionError(f"{what} as {args.output_format} cannot share standard output; add --output-dir DIR")

    def put(index: int, transcript: Transcript) -> None:
        text = render(transcript, args.output_format, cues)
        emit(_named(args.files[index], text, args.output_format) if several else text)

    return put


def _named(file: str, text: str, format: str) -> str:
    """Return `text` with the file's name in it: as a first field of the object, or before each line as grep does."""
    if format == "json":
        return json.dumps({"file": file, **json.loads(text)}, ensure_ascii=False) + "\n"
    return "".join(f"{printable(file)}: {line}".rstrip() + "\n" for line in text.splitlines() or [""])


def _writing(args: argparse.Namespace) -> Callable[[int, Transcript], None]:
    """Return how a result is written into the folder, which is made here: a wrong path should fail before the work."""
    from ..errors import OutputError
    from ..output import write

    cues = cue_options(args)
    destinations = Destinations(Path(args.output_dir), names(args.files), _formats(args))
    try:
        destinations.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{args.output_dir}: cannot be made a folder, {error.strerror or error}") from error

    def put(index: int, transcript: Transcript) -> None:
        for format, path in destinations.paths(index).items():
            write(asked(transcript, format, args), path, format, cues)

    return put


def progress_of(reporter: Reporter) -> Callable[[Progress], None]:
    """Return what shows how far a run is."""

    def show(progress: Progress) -> None:
        told = f", {progress.heard:.0f} s of speech recognised" if progress.heard else ""
        reporter.say(f"{progress.name}{told}", progress.heard, progress.found)

    return show
