"""The inputs of a run to rows of its journal: which are new, which were done before, and which have changed since.

An input is known by its id or its path. It is done while its file has the size and the time that it had; where only
the time differs, the sum of its bytes decides. A file that was moved or copied with its time is known by that sum,
too, and its results are copied.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ..bundles.verify import digest
from ..errors import MalsoriError
from ..output.stems import folded
from ..urls import is_url
from .batch_items import ItemResult
from .input_row import InputRow
from .journal import Journal
from .journal_row import JournalRow
from .naming import stems
from .results import Results

TOGETHER = 1000  # rows that share a transaction


@dataclass(frozen=True, slots=True)
class PlanCounts:
    """How the inputs of a run stand before it: files, and bytes of those that are to be done."""

    files: int = 0
    done: int = 0
    failed: int = 0
    pending: int = 0
    pending_bytes: int = 0


class Plan:
    """Enters the inputs of one run; `report` gets how many were entered so far.

    No result replaces a file of `kept`, nor, unless it `replaces`, one that no run has written: the new result gets a
    longer name then. `spared` are the stems of such files.
    """

    def __init__(
        self,
        journal: Journal,
        results: Results,
        formats: Sequence[str],
        run: int,
        *,
        retry_failed: bool = False,
        kept: Sequence[str] = (),
        replaces: bool = False,
    ) -> None:
        self._journal, self._results, self._formats, self._run = journal, results, formats, run
        self._retry_failed, self._kept, self._replaces = retry_failed, kept, replaces
        self.spared: set[str] = set()
        self._same: Counter[str] = Counter()  # names that stand more than once

    def take(self, rows: Iterable[InputRow], report: Callable[[int], None] = lambda count: None) -> PlanCounts:
        """Enter all rows and name the results of the new ones. Raises what reading the inputs raises."""
        rest, count = iter(rows), 0
        ((before,),) = self._journal.execute("SELECT coalesce(max(number), 0) FROM item")
        while some := list(islice(rest, TOGETHER)):
            with self._journal.transaction():
                for row in some:
                    self._enter(row if is_url(row.source) else replace(row, source=os.path.abspath(row.source)))
            count += len(some)
            report(count)
        self._name()
        self._adopt(before)
        return self.counts()

    def counts(self) -> PlanCounts:
        """Return how the rows of the run stand."""
        found = {
            state: (count, size)
            for state, count, size in self._journal.execute(
                "SELECT state, count(*), sum(size) FROM item WHERE run = ? GROUP BY state", [self._run]
            )
        }
        done, failed, pending = (found.get(state, (0, 0)) for state in ("done", "failed", "pending"))
        return PlanCounts(done[0] + failed[0] + pending[0], done[0], failed[0], pending[0], pending[1])

    def _enter(self, row: InputRow) -> None:
        name, known = self._known(row)
        size, changed = _status(row) if row.trouble is None else (0, 0)  # another once it can be heard
        if known is None:
            options = plain(row.options)
            number = self._journal.insert(name, row.source, row.below, row.id, options, size, changed, self._run)
        else:
            number = known.number
            self._renew(known, row, size, changed)
        if row.trouble is not None:
            self._journal.record(ItemResult.of_error(number, row.trouble))

    def _known(self, row: InputRow) -> tuple[str, JournalRow | None]:
        """Return the name of a row, and what runs before have under it.

        Rows with one id, or parts of one file without ids, are numbered in their order.
        """
        base = row.id or row.source
        while True:
            times = self._same[base]
            name = f"{base}#{times + 1}" if times else base
            known = self._journal.named(name)
            if known is None or known.run != self._run:
                return name, known
            self._same[base] += 1

    def _renew(self, known: JournalRow, row: InputRow, size: int, changed: int) -> None:
        """Give a known row to this run: done, or to be done where file or options are others, or the results gone."""
        options = plain(row.options)
        same_file = (size, changed) == (known.size, known.changed) or _same_bytes(row.source, known, size)
        again = (
            not (same_file and options == known.options)
            or (known.state == "failed" and self._retry_failed)
            or (known.state == "done" and not self._results.there(known.stem, self._formats))
        )
        state = "pending" if again else known.state
        self._journal.renew(known.number, row.source, options, size, changed, state, self._run)

    def _name(self) -> None:
        """Give each new row the stem of its results, which none of the journal has."""
        new = [
            (found.number, InputRow(found.source, found.below, id=found.id))
            for found in self._journal.rows("run = ? AND stem IS NULL", [self._run])
        ]
        named = stems(
            [row for _, row in new], self._taken, place=self._results.path, formats=self._formats, kept=self._kept
        )
        for first in range(0, len(new), TOGETHER):
            with self._journal.transaction():
                some = slice(first, first + TOGETHER)
                for (number, _), stem in zip(new[some], named[some], strict=True):
                    self._journal.name(number, stem, folded(stem))

    def _taken(self, stem: str) -> bool:
        if self._journal.is_taken(folded(stem)):
            return True
        if self._replaces or not self._results.any_there(stem, self._formats):
            return False
        self.spared.add(stem)
        return True

    def _adopt(self, before: int) -> None:
        """Copy the results of files that were done under another name; what cannot be copied is heard again.

        Only rows behind the number `before` are looked at, which are new: the others were when they were new.
        """
        new = "number > ? AND run = ? AND state = 'pending' AND changed <> 0"
        for row in self._journal.rows(new, [before, self._run]):
            if (twin := self._twin(row)) is None:
                continue
            with suppress(MalsoriError):
                self._results.copy(twin.stem, row.stem, self._formats)
                self._journal.record(
                    ItemResult(row.number, "", "", twin.seconds, twin.language, tuple(twin.warnings), twin.digest)
                )

    def _twin(self, row: JournalRow) -> JournalRow | None:
        """Return a row that is done, of a file with the same bytes, asked for with the same options."""
        # All files of an unpacked archive may have one time, and one length: so the sum is compared by the database.
        same, values = "size = ? AND changed = ? AND state = 'done'", [row.size, row.changed]
        if not self._journal.execute(f"SELECT 1 FROM item WHERE {same} AND digest > '' LIMIT 1", values).fetchone():
            return None
        alike = self._journal.rows(
            f"{same} AND digest > '' AND digest = ? AND options = ?",
            [*values, _digest(row.source), json.dumps(row.options)],
        )
        return next((each for each in alike if self._results.there(each.stem, self._formats)), None)


def plain(options: object) -> dict[str, object]:
    """Return options as JSON has them, to be compared with those of the journal."""
    found: dict[str, object] = json.loads(json.dumps(options))
    return found


def _status(row: InputRow) -> tuple[int, int]:
    """Return size and time of a file, in bytes and nanoseconds; zeros for what is not there."""
    if row.changed or is_url(row.source):
        return row.size, row.changed
    with suppress(OSError, ValueError):
        status = os.stat(row.source)
        return status.st_size, status.st_mtime_ns
    return 0, 0


def _same_bytes(source: str, known: JournalRow, size: int) -> bool:
    """Return whether a file with another time still has the bytes that were heard."""
    return bool(known.digest) and size == known.size and _digest(source) == known.digest


def _digest(source: str) -> str:
    with suppress(OSError, ValueError):
        return digest(Path(source))
    return ""
