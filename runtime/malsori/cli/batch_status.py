"""`malsori batch status OUT`: how far a batch is, and what has failed and why; also while it runs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OptionError
from .batch_setup import JOURNAL
from .console import emit, emit_json
from .progress import clock
from .tables import table

if TYPE_CHECKING:
    from ..batch.journal_row import JournalRow
    from ..batch.summary import BatchSummary

STATES = ("failed", "pending", "done")


def add_status_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `status`."""
    group = parser.add_argument_group("batch status OUT")
    for state in STATES:
        group.add_argument(f"--{state}", action="store_true", help=f"list the files that are {state}")


def show_status(args: argparse.Namespace) -> int:
    """Print how far a batch is, or a line for each file asked for; return 1 when some have failed, else 0.

    Raises `JournalError` where there is none.
    """
    from ..batch.journal import Journal
    from ..batch.summary import summary_of

    wanted = [state for state in STATES if getattr(args, state)]
    with Journal.read(_path(args)) as journal:
        for state in wanted:
            for row in journal.rows("state = ?", [state]):
                emit(_as_json(row) if args.json else _as_line(row))
        summary = summary_of(journal)
    if not wanted:
        emit_json(summary.to_dict()) if args.json else emit(table(list(summary_rows(summary))))
    return 1 if summary.failed else 0


def summary_rows(summary: BatchSummary) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a table that tells how far a batch is."""
    yield "files", str(summary.files)
    for state in ("done", "failed", "pending"):
        yield state, str(getattr(summary, state))
    yield "sound", f"{summary.seconds / 3600:.2f} h done"
    if summary.elapsed_s > 0:
        speed = summary.seconds / summary.elapsed_s
        yield "time", f"{clock(summary.elapsed_s)} in {summary.runs} run(s), {speed:.1f} times as fast as real time"
    for each in summary.causes:
        yield each.cause, f"{each.files} file(s), such as {each.examples[0]}"


def _path(args: argparse.Namespace) -> Path:
    """Return the path of the journal. Raises `OptionError` where nothing says which."""
    if args.journal is not None:
        return Path(args.journal)
    places = [*args.inputs[1:], *filter(None, [args.output])]
    if len(places) != 1 or "://" in places[0]:
        raise OptionError(
            f"expected the folder of one batch, found {' '.join(places) or 'none'}; type malsori batch status OUT, or "
            "--journal FILE"
        )
    place = Path(places[0])
    return place if place.is_file() else place / JOURNAL


def _as_line(row: JournalRow) -> str:
    told = row.message if row.state == "failed" else row.stem
    return "\t".join([row.state, row.cause or "-", row.name, told]) + "\n"


def _as_json(row: JournalRow) -> str:
    fields = {
        name: getattr(row, name)
        for name in ("name", "source", "stem", "options", "state", "cause", "message", "seconds", "language")
    }
    return json.dumps({**fields, "warnings": list(row.warnings)}, ensure_ascii=False, default=str) + "\n"
