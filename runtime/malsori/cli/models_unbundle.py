"""`malsori models unbundle`: install the models of an archive of `malsori models bundle`, every byte checked."""

from __future__ import annotations

import argparse
import os
import shlex
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .console import emit, emit_json
from .models_pull import destination, typed
from .parser import Parser
from .progress import Reporter
from .sources import STDIN
from .stopping import ENDING
from .tables import size

if TYPE_CHECKING:
    from ..bundles.archive import ArchiveReader, Unbundled

MOST_SHOWN = 120  # characters
EPILOG = """\
Every file is checked by the sha256 in its model's manifest while it is unpacked, and the archive by FILE.sha256 where
that stands beside it, or by --sha256. Nothing is installed before all of it was right. The models go where pulled ones
go, into malsori's folder in the user's cache ($XDG_CACHE_HOME). malsori models verify FILE checks and installs nothing.

examples:
  malsori models unbundle whisper-base.malsori.tar
  malsori models unbundle whisper-base.malsori.tar --as kitchen
  ssh server malsori models bundle base -o - | malsori models unbundle -
"""


def add_action(actions: argparse._SubParsersAction[Parser]) -> None:
    """Add the action and its flags."""
    parser = actions.add_parser("unbundle", help="install the models of an archive", description=__doc__, epilog=EPILOG)
    parser.add_argument("file", metavar="FILE", help="the archive, or - for standard input")
    parser.add_argument("--as", dest="name", default="", metavar="NAME", help="what its only model is to be called")
    parser.add_argument("--sha256", type=sum_given, metavar="SUM", help="what the archive's sha256 must be")
    parser.add_argument("--replace", action="store_true", help="replace other models that have these names")
    parser.add_argument("--quiet", "-q", action="store_true", help="neither progress nor remarks on stderr")


def sum_given(text: str) -> str:
    """Read a sha256, as an argparse type: 64 hex digits, or a line that sha256sum has written."""
    from ..bundles.archive import sums_in

    found = sums_in(text)
    if len(found) != 1:
        raise argparse.ArgumentTypeError(f"expected a sha256, 64 hex digits, found {text!r}")
    return found[0].lower()


def run(args: argparse.Namespace) -> int:
    """Install the models of one archive; return 0."""
    from ..bundles.archive import unbundle

    ENDING.catch_termination()
    into = destination()
    with Reporter(quiet=args.quiet) as reporter, open_archive(args.file) as (reader, beside):
        models = unbundle(
            reader,
            into,
            name=args.name,
            force=args.replace,
            expected=_expected(args.sha256 or "", beside, reader.name),
            say=reporter.say_bytes,
            tell=reporter.warn,
        )
        reporter.pause()
        for model in models:
            reporter.warn(_line(model))
        reporter.warn(f"{reader.name}: sha256 {reader.sha256}{_vouched(args.sha256, beside)}")
    if args.json:
        emit_json({"sha256": reader.sha256, "models": [_summary(model) for model in models]})
    else:
        emit("".join(f"{model.folder}\n" for model in models))
    return 0


@contextmanager
def open_archive(file: str) -> Iterator[tuple[ArchiveReader, str]]:
    """Open an archive, `-` for standard input, and give the sha256 that the file beside it says, or "".

    Raises `ModelCorrupt` for what cannot be read, `OptionError` where standard input has none.
    """
    from pathlib import Path

    from ..bundles.archive import STDIN as NAME
    from ..bundles.archive import ArchiveReader, expected_sum
    from ..errors import ModelCorrupt, OptionError

    if file == STDIN:
        if sys.stdin is None or sys.stdin.isatty():
            raise OptionError("standard input is no archive but a terminal; redirect one: ... unbundle - < FILE")
        yield ArchiveReader(sys.stdin.buffer, NAME), ""
        return
    expected = "an archive of models, as malsori models bundle writes it"
    if os.path.isdir(file):
        adopt = f"malsori models adopt {shlex.quote(file)}"
        raise ModelCorrupt(file, expected, "a folder", f"if it is a model, {adopt} takes it in")
    try:
        opened = open(file, "rb")  # noqa: SIM115, closed below
    except (OSError, ValueError) as error:
        raise ModelCorrupt(file, expected, str(getattr(error, "strerror", None) or error).lower(), "") from error
    with opened:
        status = os.fstat(opened.fileno())
        count = status.st_size if stat.S_ISREG(status.st_mode) else 0
        yield ArchiveReader(opened, file, count), expected_sum(Path(file))


def _expected(given: str, beside: str, name: str) -> str:
    """Return the sum that the archive must have. Raises `ModelCorrupt` where two contradict each other."""
    from ..errors import ModelCorrupt

    if given and beside and given != beside:
        raise ModelCorrupt(f"{name}.sha256", f"the sum of --sha256, {given}", beside, "one of them is wrong")
    return given or beside


def _vouched(given: str | None, beside: str) -> str:
    if given:
        return ", as --sha256 says"
    return ", as the file beside it says" if beside else "; compare it with that of the sender"


def _line(model: Unbundled) -> str:
    if model.there:
        return f"{model.name} is here already and intact, {model.folder}"
    made = model.manifest
    return (
        f"{model.name}, {size(made.size)} on disk, licence {_short(made.licence)}, from {_short(made.source)}: "
        f"malsori transcribe FILE --model {typed(model.name, model.folder)}"
    )


def _short(text: str) -> str:
    """Return a text of a stranger's manifest, cut to what fits into a line."""
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _summary(model: Unbundled) -> dict[str, Any]:
    return {"name": model.name, "folder": str(model.folder), "installed": not model.there}
