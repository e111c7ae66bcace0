"""One run of a batch over a runner that needs no model: what is recorded, and what a full journal costs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from malsori.batch.batch_items import BatchItem, ItemEvent, ItemProgress, ItemResult
from malsori.batch.batch_progress import BatchProgress
from malsori.batch.coordinator import MOST_UNRECORDED, Batch
from malsori.batch.input_row import InputRow
from malsori.batch.journal import Journal
from malsori.errors import EngineError, JournalError


class Simple:
    """A runner that hears each item at once, and fails those whose number is among `failing`."""

    def __init__(self, *failing: int, twice: bool = False, before: Callable[[int], None] = lambda number: None) -> None:
        self.failing, self.twice, self.before = failing, twice, before
        self.closed = False

    def run(self, items: Iterator[BatchItem]) -> Generator[ItemEvent, None, None]:
        try:
            for item in items:
                self.before(item.number)
                yield ItemProgress(item.number, 1.0, 2.0)
                cause = "CorruptAudio" if item.number in self.failing else ""
                for _ in range(1 + self.twice):
                    yield ItemResult(item.number, cause, "bad" if cause else "", seconds=2.0)
        finally:
            self.closed = True


@pytest.fixture
def rows(tmp_path: Path) -> list[InputRow]:
    paths = [tmp_path / f"{number}.wav" for number in range(1, 11)]
    for path in paths:
        path.write_text("sound")
    return [InputRow(str(path), path.name) for path in paths]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "out" / "journal.sqlite", {}) as journal:
        yield journal


def batch(journal: Journal, rows: list[InputRow], watch: Callable[..., None] = lambda *_: None) -> Batch:
    made = Batch(journal, str(journal.path.parent), ("txt",), watch)
    made.plan(rows, lambda count: None)
    return made


def test_each_item_is_recorded_and_counted(journal: Journal, rows: list[InputRow]) -> None:
    seen: list[tuple[BatchProgress, ItemResult | None]] = []
    made = batch(journal, rows, lambda progress, result: seen.append((progress, result)))
    made.run(Simple(3))
    assert [row.state for row in journal.rows()].count("done") == 9
    last = seen[-1][0]
    assert (last.files, last.done, last.failed, last.left) == (10, 9, 1, 0)
    assert (last.seconds, last.bytes_done, last.bytes_total, last.causes) == (20.0, 50, 50, {"CorruptAudio": 1})
    assert made.summary.failed == 1


class AllAtOnce(Simple):
    """Takes all items before it hears the first one, as a cluster does."""

    def run(self, items: Iterator[BatchItem]) -> Generator[ItemEvent, None, None]:
        yield from super().run(iter(list(items)))


def test_the_progress_holds_what_is_being_heard_and_not_all_that_a_cluster_has(
    journal: Journal, rows: list[InputRow]
) -> None:
    seen: list[tuple[list[str], str]] = []

    def watch(progress: BatchProgress, result: ItemResult | None) -> None:
        last = progress.ended_last if result is not None else None
        seen.append(([each.item.stem for each in progress.begun.values()], last.item.stem if last else ""))

    batch(journal, rows, watch).run(AllAtOnce())
    assert seen[:4] == [(["1"], ""), (["2"], "1"), (["2"], ""), (["3"], "2")]
    assert seen[-1] == ([], "10")


def test_a_second_result_of_an_item_counts_for_nothing(journal: Journal, rows: list[InputRow]) -> None:
    made = batch(journal, rows)
    made.run(Simple(twice=True))
    assert (made.progress.done, made.progress.seconds) == (10, 20.0)


def test_what_was_recorded_before_the_end_of_the_run_stays(journal: Journal, rows: list[InputRow]) -> None:
    def fail(number: int) -> None:
        if number == 5:
            raise EngineError("out of memory")

    runner = Simple(before=fail)
    with pytest.raises(EngineError):
        batch(journal, rows).run(runner)
    assert runner.closed
    assert [row.state for row in journal.rows()] == ["done"] * 4 + ["pending"] * 6
    made = Batch(journal, str(journal.path.parent), ("txt",))
    made.plan(rows, lambda count: None)
    assert made.first(99) == [row.source for row in rows]  # results of this runner were never written


class Full(Journal):
    """A journal on a disk that is full for the first `refusals` results."""

    refusals = 0

    def record(self, result: ItemResult) -> None:
        if self.refusals > 0:
            self.refusals -= 1
            raise JournalError("database or disk is full")
        super().record(result)


def full(path: Path, refusals: int) -> Full:
    journal = Full.open(path, {})
    assert isinstance(journal, Full)
    journal.refusals = refusals
    return journal


def test_a_journal_that_is_full_for_a_while_loses_nothing(tmp_path: Path, rows: list[InputRow]) -> None:
    with full(tmp_path / "out" / "journal.sqlite", 4) as journal:
        batch(journal, rows).run(Simple())
        assert [row.state for row in journal.rows()] == ["done"] * 10


def test_a_journal_that_stays_full_ends_the_run_with_an_error(tmp_path: Path, rows: list[InputRow]) -> None:
    with full(tmp_path / "out" / "journal.sqlite", MOST_UNRECORDED) as journal:
        made = batch(journal, rows)
        with pytest.raises(JournalError, match="full"):
            made.run(Simple())
