"""`malsori batch status OUT`: how far a batch is, and what has failed and why; also while it runs."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OptionError
from ..urls import is_url
from .batch_figures import failure_rows, sound, times, warned_rows
from .batch_setup import JOURNAL
from .console import emit, emit_json, printable
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
    if args.json and not wanted:
        emit_json(summary.to_dict())
    elif not wanted:
        emit(table(list(_rows(summary, f"malsori batch status {shlex.quote(_place(args))}"))))
    return 1 if summary.failed else 0


def _rows(summary: BatchSummary, command: str) -> Iterator[tuple[str, str]]:
    """Yield the rows of a table that tells how far a batch is; `command` shows it."""
    yield "files", f"{summary.files:,}"
    for state in ("done", "failed", "pending"):
        yield state, f"{getattr(summary, state):,}"
    yield "sound", f"{sound(summary.seconds)} done"
    if summary.seconds and summary.elapsed_s:
        runs = "1 run" if summary.runs == 1 else f"{summary.runs} runs"
        yield "time", f"{clock(summary.elapsed_s)} in {runs}, {times(summary.seconds / summary.elapsed_s)}"
    yield from warned_rows(summary, command)
    yield from failure_rows(summary, command)


def _path(args: argparse.Namespace) -> Path:
    """Return the path of the journal. Raises `OptionError` where nothing says which."""
    place = Path(_place(args))
    return place / JOURNAL if place.is_dir() else place


def _place(args: argparse.Namespace) -> str:
    """Return what the command names: the folder of a batch, or its journal."""
    places = [str(args.journal)] if args.journal else [*args.inputs[1:], *filter(None, [args.output])]
    if len(places) != 1 or is_url(places[0]):
        raise OptionError(
            f"expected the folder of one batch, found {' '.join(places) or 'none'}; type malsori batch status OUT, or "
            "malsori batch status FILE for a journal elsewhere"
        )
    return places[0]


def _as_line(row: JournalRow) -> str:
    """Return a line of fields with tabs between: state, name, and cause and message of a failure, else the stem."""
    fields = (row.state, row.name, *((row.cause, row.message) if row.state == "failed" else (row.stem,)))
    return "\t".join(map(printable, fields)) + "\n"


def _as_json(row: JournalRow) -> str:
    fields = {
        name: getattr(row, name)
        for name in ("name", "source", "stem", "options", "state", "cause", "message", "seconds", "language")
    }
    return json.dumps({**fields, "warnings": list(row.warnings)}, ensure_ascii=False, default=str) + "\n"
