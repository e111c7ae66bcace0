"""`LocalRunner`: hears a batch by worker processes of this machine, and goes on when one of them dies."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import partial

from ..batch_items import BatchItem, ItemEvent
from ..hearer_entry import BATCH_WORKER
from ..settings import WorkerSettings
from .crew import STALLED_S, Crew
from .worker_layout import ONE_WORKER, WorkerLayout


class LocalRunner:
    """A `Runner` by processes of this machine, also where there is one: a crash of native code costs what it had begun.

    `entry` is the class of the hearer, as `module:name`; only the processes import it. One that has neither said
    anything nor computed for `stalled_s` seconds is ended. With `debug` what the processes write to stderr is passed
    on; otherwise it is kept for the message when one dies. `report` is told what a user should know, in one line.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        layout: WorkerLayout = ONE_WORKER,
        *,
        entry: str = BATCH_WORKER,
        stalled_s: float = STALLED_S,
        debug: bool = False,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._new_crew = partial(Crew, settings, layout, entry, stalled_s, report, debug=debug)

    def run(self, items: Iterator[BatchItem]) -> Generator[ItemEvent, None, None]:
        """Yield one result for each item, and progress between them, as `Runner` says.

        Items are taken in the caller's thread only. Raises `EngineError` when no process can load the model, and
        what the hearer raises for the whole run.
        """
        crew = self._new_crew()
        try:
            yield from crew.events(items)
        finally:
            crew.end()
