"""`malsori models bundle`: write models into one archive file, for a machine without a network."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .console import complain, emit, emit_json
from .destinations import check_writable
from .parser import Parser
from .progress import Reporter
from .sources import STDIN
from .stopping import ENDING
from .tables import size

if TYPE_CHECKING:
    from ..bundles import Found
    from ..bundles.archive import Packed

STDOUT = STDIN  # "-"
ENDING_OF_ARCHIVES = ".malsori.tar"
EPILOG = """\
The archive is a plain tar file. The same model gives the same bytes, whenever and wherever it is written, which no
compressor promises; zstd in the pipe takes a fifth off. Its sha256 is printed and written to FILE.sha256, which
sha256sum -c takes. A plain folder gets its manifest on the way, and is loaded once before.

examples:
  malsori models bundle base
  malsori models bundle base tiny.en -o /media/stick/
  malsori models bundle large-v3 -o - | ssh box malsori models unbundle -
"""


def add_action(actions: argparse._SubParsersAction[Parser]) -> None:
    """Add the action and its flags."""
    parser = actions.add_parser("bundle", help="write models into one archive file", description=__doc__, epilog=EPILOG)
    parser.add_argument("names", nargs="+", metavar="NAME", help="a name or the path of a model's folder")
    parser.add_argument(
        "--output",
        "-o",
        metavar="FILE",
        help=f"write it there, or into that folder; - for a pipe (NAME{ENDING_OF_ARCHIVES})",
    )
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress on stderr")


def run(args: argparse.Namespace) -> int:
    """Write one archive; return 0."""
    from ..bundles import find_bundle
    from ..bundles.archive import bundle_to, pack

    ENDING.catch_termination()
    _check_pipe(args)
    with Reporter(quiet=args.quiet) as reporter:
        found = [find_bundle(name) for name in args.names]
        for each in found:
            _check_loads(each, reporter)
        models = pack(found, reporter.say_bytes)
        if args.output == STDOUT:
            return _to_pipe(models, reporter)
        path = _path(args.output, models)
        found_sum = bundle_to(models, path, reporter.say_bytes)
    _tell(args, models, path, found_sum)
    return 0


def _check_pipe(args: argparse.Namespace) -> None:
    from ..errors import OptionError

    if args.output != STDOUT:
        return
    if args.json:
        raise OptionError("-o - and --json both write to standard output; leave one out")
    if sys.stdout is not None and sys.stdout.isatty():
        raise OptionError("-o -: standard output is a terminal; pipe it into another program, or name a file")


def _check_loads(found: Found, reporter: Reporter) -> None:
    """Load a plain folder, for whose bytes nothing vouches yet: a model that does not run is not carried away."""
    from ..engines.load import load_engine

    if found.plain:
        reporter.say(f"loading {found.name}")
        load_engine(found.folder, found.manifest(), device="cpu")


def _to_pipe(models: Sequence[Packed], reporter: Reporter) -> int:
    from ..bundles.archive import bundle
    from ..errors import OutputError

    if sys.stdout is None:
        raise BrokenPipeError("standard output is closed")
    try:
        found = bundle(models, sys.stdout.buffer, reporter.say_bytes)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError.unwritten("standard output", error) from error
    reporter.warn(f"sha256 {found}")
    return 0


def _path(output: str | None, models: Sequence[Packed]) -> Path:
    """Return the file to write to. Raises `OutputError` and `OptionError` where there can be none."""
    from ..errors import OptionError

    own = f"{models[0].name if len(models) == 1 else 'models'}{ENDING_OF_ARCHIVES}"
    path = Path(own if output is None else output)
    if path.is_dir():
        path /= own
    elif output is not None and output.endswith(("/", os.sep)):
        raise OptionError(f"-o {output}: no such folder; make it first: mkdir {output}")
    if path.exists() and not path.is_file():
        raise OptionError(f"-o {path}: is no regular file; -o - writes to standard output")
    check_writable(path)
    return path


def _tell(args: argparse.Namespace, models: Sequence[Packed], path: Path, found_sum: str) -> None:
    from ..bundles.archive import size_of_archive, sum_line

    count = size_of_archive(models)
    if args.json:
        emit_json({"file": str(path), "sha256": found_sum, "size": count, "models": [model.name for model in models]})
        return
    if not args.quiet:
        names = ", ".join(model.name for model in models)
        complain(f"{names}, {size(count)}; on the other machine: malsori models unbundle {path.name}")
    emit(sum_line(found_sum, str(path)))
