"""`malsori batch`: thousands of recordings to files, each once, whatever interrupts the run."""

from __future__ import annotations

import argparse
import shlex
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..batch.batch_options import BatchOptions
from ..errors import ClusterUnreachable, OptionError
from ..formats import FORMATS
from ..option import put
from .batch_setup import journal_path, runner_of, settings_of
from .batch_status import add_status_flags, show_status
from .batch_view import BatchView
from .console import report_command
from .model_flags import add_model_flags
from .parser import Parser, add_flags, add_format_flag, chosen
from .progress import Reporter
from .stopping import ENDING, Ended
from .transcribe_flags import add_cue_flags, add_decoding_flags, add_vad_flags, add_whisper_flags, destination

if TYPE_CHECKING:
    from ..batch.coordinator import Batch
    from ..batch.settings import WorkerSettings

STATUS = "status"
UNREACHABLE = 3  # exit code for a cluster that cannot be reached
HINTS = {  # flags that other commands have, and what is typed here
    "--recursive": "folders are taken with the folders in them",
    "-r": "folders are taken with the folders in them",
    "--skip-existing": "the same line again leaves alone what is done",
    "--resume": "the same line again goes on from where the run before ended",
    "--no-vad": "--vad false",
    "--output": "--output-dir OUT, or -o OUT",
    "--jobs": "--workers N",
    "-j": "--workers N",
    "--status": "malsori batch status OUT",
}
EPILOG = """\
INPUT is a folder (with the folders in it), a sound file, a quoted pattern such as 'talks/**/*.mp3', a manifest (.jsonl,
.csv: a row for each recording, with its language, prompt, hot words), or - for paths on standard input. Results are
written below the folder OUT as the inputs lie in theirs. The same line again goes on where the run before ended, for
whatever reason: what is done is not done again, what has failed only with --retry-failed.

examples:
  malsori batch recordings/ -o transcripts --model base -f json
  malsori batch calls.csv -o transcripts --model base
  malsori batch status transcripts
  malsori batch recordings/ -o transcripts --model base -f json --retry-failed
  malsori batch s3://bucket/talks -o s3://bucket/texts --journal talks.sqlite --engine ray --address auto

exit codes: 0 all is done; 1 some have failed; 2 wrong usage, or OUT is of another batch; 3 the cluster cannot
be reached; 130 interrupted
"""


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the command and its flags."""
    parser = subparsers.add_parser(
        "batch",
        help="thousands of files, each once",
        description="Thousands of recordings to files, each once, whatever interrupts the run.",
        epilog=EPILOG,
        hints=HINTS,
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="folder, file, pattern, manifest, - or a URL")
    parser.add_argument(
        "--output-dir", "-o", dest="output", type=destination, metavar="OUT", help="the folder of the results, or a URL"
    )
    add_format_flag(parser, (*FORMATS, "all"), "what is written for each file (txt)")
    add_flags(parser, BatchOptions)
    parser.add_argument(
        "--json", action="store_true", help="tell what happens as JSON on stdout, a line for each event"
    )
    add_status_flags(parser)
    add_model_flags(parser)
    add_decoding_flags(parser)
    add_vad_flags(parser)
    add_cue_flags(parser)
    add_whisper_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Run a batch, or show how far one is; return 0, or 1 when some files have failed."""
    if args.inputs[0] == STATUS:
        return show_status(args)
    if args.output is None:
        raise OptionError("expected a folder for the results, found none; add --output-dir OUT")
    ENDING.catch_termination()
    try:
        return BatchCommand(args).run()
    except ClusterUnreachable as error:
        report_command(error)
        return UNREACHABLE


class BatchCommand:
    """One run of the command."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._options = put(BatchOptions(), chosen(args, BatchOptions))
        self._formats = FORMATS if args.output_format == "all" else (args.output_format or FORMATS[0],)

    def run(self) -> int:
        """Plan and do the batch; return the exit code. Raises what ends the whole run."""
        from ..batch.coordinator import Batch
        from ..batch.fsspec_places import remote_rows
        from ..batch.identity import identity_of
        from ..batch.inputs import read_inputs
        from ..batch.journal import Journal

        args, options = self._args, self._options
        with ExitStack() as closing:
            reporter = closing.enter_context(Reporter(quiet=args.quiet))
            settings = settings_of(args, self._formats, reporter)
            path = journal_path(options, args.output)
            journal = closing.enter_context(Journal.open(path, identity_of(settings), start_over=options.start_over))
            view = BatchView(quiet=args.quiet, json=args.json, status=_status(args))
            batch = Batch(journal, settings.output, self._formats, view.update)
            batch.plan(
                read_inputs(args.inputs, null=options.null, remote=remote_rows, note=reporter.warn),
                lambda count: reporter.say(f"looking at the files, {count}"),
                reporter.warn,
                retry_failed=options.retry_failed,
                replaces=options.start_over,
                kept=args.inputs,  # manifests, which are read again by the next run
            )
            return self._work(batch, settings, view, reporter)

    def _work(self, batch: Batch, settings: WorkerSettings, view: BatchView, reporter: Reporter) -> int:
        if batch.progress.left:
            runner = runner_of(self._options, settings, batch, reporter, view.note)
            reporter.close()
            view.start(batch.progress)
            try:
                batch.run(runner)
            except Ended as ended:
                raise Ended(ended.number, f"{_how_far(batch)}; the same line goes on from here") from ended
            finally:
                view.close()
        view.end(batch.progress, batch.summary)
        return 1 if batch.progress.failed else 0


def _status(args: argparse.Namespace) -> str:
    """Return the command that shows the batch later on."""
    place = args.output if args.journal is None else str(args.journal)
    return f"malsori batch status {shlex.quote(place)}"


def _how_far(batch: Batch) -> str:
    told = batch.progress
    failed = f", {told.failed} failed" if told.failed else ""
    return f"{told.done} of {told.files} files are done{failed}"
