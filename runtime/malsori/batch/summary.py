"""How far a batch is, read from its journal: how many files are in which state, what has failed and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from .journal import Journal

EXAMPLES = 3  # files named for each cause


@dataclass(frozen=True, slots=True)
class FailureCause:
    """Why some files have failed: the class of the error, how often, and the messages of a few."""

    cause: str
    files: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """Counts of files by state, seconds of sound that are done, and failures by cause, the most frequent first.

    `elapsed_s` is how long its runs took; one that was killed counts until its last result. `warned` of those that are
    done have warnings.
    """

    files: int
    done: int
    failed: int
    pending: int
    seconds: float
    elapsed_s: float
    runs: int
    causes: tuple[FailureCause, ...]
    warned: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def summary_of(journal: Journal, run: int | None = None) -> BatchSummary:
    """Return how the files stand that a run was given, by default all that the journal has."""
    among, values = ("1", []) if run is None else ("run = ?", [run])
    states = {
        state: (count, seconds)
        for state, count, seconds in journal.execute(
            f"SELECT state, count(*), sum(seconds) FROM item WHERE {among} GROUP BY state", values
        )
    }
    done, failed, pending = (states.get(state, (0, 0.0)) for state in ("done", "failed", "pending"))
    (warned,) = journal.execute(
        f"SELECT count(*) FROM item WHERE state = 'done' AND warnings != '[]' AND {among}", values
    ).fetchone()
    runs, elapsed = journal.execute(
        "SELECT count(*), sum(max(0, coalesce(run.ended, "
        "(SELECT max(item.ended) FROM item WHERE item.ended >= run.began AND item.ended < coalesce("
        "(SELECT later.began FROM run later WHERE later.number = run.number + 1), item.ended + 1)), "
        "run.began) - run.began)) FROM run"
    ).fetchone()
    return BatchSummary(
        files=done[0] + failed[0] + pending[0],
        done=done[0],
        failed=failed[0],
        pending=pending[0],
        seconds=done[1],
        elapsed_s=elapsed or 0.0,
        runs=runs,
        causes=_causes(journal, among, values),
        warned=warned,
    )


def _causes(journal: Journal, among: str, values: Sequence[Any]) -> tuple[FailureCause, ...]:
    failed = f"SELECT cause, count(*) FROM item WHERE state = 'failed' AND {among}"
    found = journal.execute(f"{failed} GROUP BY cause ORDER BY count(*) DESC, cause", values).fetchall()
    return tuple(FailureCause(cause, count, _examples(journal, cause, among, values)) for cause, count in found)


def _examples(journal: Journal, cause: str, among: str, values: Sequence[Any]) -> tuple[str, ...]:
    found = journal.rows(f"state = 'failed' AND cause = ? AND {among}", [cause, *values])
    return tuple(row.told for row in islice(found, EXAMPLES))
