"""`Batch`: the inputs of a run through a runner, each result into the journal. Only this process writes the journal."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice

from ..errors import JournalError
from ..joining import counted
from .batch_items import BatchItem, ItemEvent, ItemProgress, ItemResult, Runner
from .batch_progress import BatchProgress
from .input_row import InputRow
from .journal import Journal
from .locations import results_at
from .planning import Plan, PlanCounts
from .summary import BatchSummary, summary_of

MOST_UNRECORDED = 1000  # results that are kept in memory while the journal cannot be written, as on a full disk


class Batch:
    """One run over a journal, with results below `output`, a folder or its URL.

    `watch` gets the run's progress, and each result, as they come.
    """

    def __init__(
        self,
        journal: Journal,
        output: str,
        formats: Sequence[str],
        watch: Callable[[BatchProgress, ItemResult | None], None] = lambda progress, result: None,
    ) -> None:
        self._journal, self._formats, self._watch = journal, formats, watch
        self._output, self._results = output, results_at(output)
        self._unrecorded: deque[ItemResult] = deque()
        self._in_work: OrderedDict[int, BatchItem] = OrderedDict()  # the first is found at once, as in no plain dict
        self._run = journal.begin_run()
        self._began = time.monotonic()
        self.progress = BatchProgress()

    def plan(
        self,
        inputs: Iterable[InputRow],
        report: Callable[[int], None],
        note: Callable[[str], None] = lambda text: None,
        *,
        retry_failed: bool = False,
        kept: Sequence[str] = (),
        replaces: bool = False,
    ) -> PlanCounts:
        """Enter the inputs of the run into the journal, and return how many are to be done.

        No result replaces the inputs, the files of `kept`, or, unless it `replaces`, what no run has written; `note` is
        told of that. Raises what reading the inputs raises, and `JournalError`.
        """
        self._results.sweep()
        where = (self._journal, self._results, self._formats, self._run)
        plan = Plan(*where, retry_failed=retry_failed, kept=kept, replaces=replaces)
        counts = plan.take(inputs, report)
        if plan.spared:
            note(
                f"{self._output}: {counted(len(plan.spared), 'name')} taken by files that no run has written, such as "
                f"{min(plan.spared)}.{self._formats[0]}; results get longer names, --start-over replaces such files"
            )
        self.progress = BatchProgress.of(counts)
        return counts

    def first(self, count: int) -> list[str]:
        """Return the sources of the first files that are to be done."""
        return [item.source for item in islice(self._pending(), count)]

    @property
    def summary(self) -> BatchSummary:
        """How the files of this run stand, by the journal."""
        return summary_of(self._journal, self._run)

    def run(self, runner: Runner) -> None:
        """Do all items that are pending. Raises as `Runner.run`, and `JournalError`.

        What is done when it is closed or interrupted stays done.
        """
        self._began = time.monotonic()
        try:
            with closing(runner.run(self._begun())) as events:
                for event in events:
                    self._take(event)
        finally:
            self._record_all()  # what the journal could not take meanwhile
            self._journal.end_run(self._run, self.progress.done_now + self.progress.failed_now, self.progress.seconds)

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _pending(self) -> Iterator[BatchItem]:
        return (row.item for row in self._journal.rows("run = ? AND state = 'pending'", [self._run]))

    def _begun(self) -> Iterator[BatchItem]:
        """Yield the pending items, each noted as in work."""
        for item in self._pending():
            self._in_work[item.number] = item
            self._show_next()
            yield item

    def _show(self, number: int) -> None:
        """Put an item in work into the progress, which is copied with each event: a cluster has 100,000 at a time."""
        if number in self._in_work and number not in self.progress.begun:
            self.progress = self.progress.began(self._in_work[number])

    def _show_next(self) -> None:
        if self._in_work and not self.progress.begun:
            self._show(next(iter(self._in_work)))

    def _take(self, event: ItemEvent) -> None:
        if isinstance(event, ItemProgress):
            self._show(event.number)
            self.progress = self.progress.advanced(event, self._seconds)
            self._watch(self.progress, None)
        elif event.number in self._in_work:  # else a second one, of work that was done twice
            self._end(event)

    def _end(self, result: ItemResult) -> None:
        self._unrecorded.append(result)
        try:
            self._record_all()
        except JournalError:
            if len(self._unrecorded) > MOST_UNRECORDED:
                raise
        self._show(result.number)
        self.progress = self.progress.ended(result, self._seconds)
        del self._in_work[result.number]
        self._show_next()
        self._watch(self.progress, result)

    def _record_all(self) -> None:
        while self._unrecorded:
            self._journal.record(self._unrecorded[0])
            self._unrecorded.popleft()
