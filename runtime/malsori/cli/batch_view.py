"""What `malsori batch` shows while it runs and at its end: on a terminal a screen, else plain lines, or JSON events."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from .batch_events import BatchEvents
from .batch_figures import RunFigures, end_rows, failure_rows
from .batch_lines import MOST_UNTOLD, BatchLines, BatchSilence, failure_line
from .console import complain
from .tables import table

if TYPE_CHECKING:
    from ..batch.batch_items import ItemResult
    from ..batch.batch_progress import BatchProgress
    from ..batch.summary import BatchSummary

PATIENCE_S = 5.0  # how long who reads is waited for where a run was interrupted


class Showing(Protocol):
    """A way to show a run. `take` is called by the run itself; the rest by one thread at a time."""

    every: float  # seconds between calls of `show`

    def start(self, progress: BatchProgress) -> None:
        """The run begins."""

    def take(self, progress: BatchProgress, result: ItemResult) -> None:
        """A file is done or has failed. Returns soon."""

    def note(self, text: str) -> None:
        """Show a line that the user should know."""

    def show(self, figures: RunFigures) -> None:
        """Show how far the run is."""

    def close(self) -> None:
        """Show nothing more."""


class BatchView:
    """Shows a run from a thread of its own, so that a slow terminal does not slow the run.

    `status` is the command that shows the batch later on. Between `start` and `close` nobody else should write to the
    terminal; lines for the user go through `note`.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        json: bool = False,
        status: str = "malsori batch status OUT",
        now: Callable[[], float] = time.monotonic,
        today: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._quiet, self._status, self._now, self._today = quiet, status, now, today
        self._events = BatchEvents() if json else None
        self._showing: Showing = self._events or _showing(quiet, now)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="malsori-view", daemon=True)
        self._progress: BatchProgress | None = None
        self._began, self._elapsed = 0.0, 0.0
        self._since: float | None = None  # the first sign of progress
        self._failure = ""
        self._notes: deque[str] = deque(maxlen=MOST_UNTOLD)

    def start(self, progress: BatchProgress) -> None:
        """Begin to show a run."""
        self._began, self._progress = self._now(), progress
        self._showing.start(progress)
        self._thread.start()

    def update(self, progress: BatchProgress, result: ItemResult | None = None) -> None:
        """Take how far the run is, and what became of a file; it is shown later."""
        if self._since is None:
            self._since = self._now()
        self._progress = progress
        if result is not None:
            if result.failed:
                self._failure = failure_line(progress, result)
            self._showing.take(progress, result)

    def note(self, text: str) -> None:
        """Show a line for the user, unless quiet; as soon as the terminal takes it."""
        if not self._quiet:
            self._notes.append(text)

    def close(self) -> None:
        """Show no more progress, also where a run was interrupted, and whoever reads has stopped reading."""
        self._elapsed = self._now() - self._began if self._progress is not None else 0.0
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE_S)
        if not self._thread.is_alive():
            self._tell_notes()
            self._showing.close()

    def end(self, progress: BatchProgress, summary: BatchSummary) -> None:
        """Show how a run has ended, behind `close`, or that there was nothing to do."""
        started = self._progress is not None
        if self._thread.is_alive():  # the reader of a run that has ended well is waited for
            self._thread.join()
            self._showing.close()
        if self._events is not None:
            if not started:
                self._events.start(progress)
            self._events.end(self._figures(progress, self._elapsed), summary)
            return
        rows = failure_rows(summary, self._status)
        if not self._quiet:
            rows = end_rows(progress, summary, self._elapsed, self._status)
        for line in table([*rows], whole=True).splitlines():
            complain(line)

    def show(self) -> None:
        """Show how far the run is now."""
        if (progress := self._progress) is not None:
            self._tell_notes()
            self._showing.show(self._figures(progress, self._now() - self._began))

    def _tell_notes(self) -> None:
        while self._notes:
            self._showing.note(self._notes.popleft())

    def _figures(self, progress: BatchProgress, elapsed: float) -> RunFigures:
        hearing = 0.0 if self._since is None else self._now() - self._since
        return RunFigures(progress, elapsed, hearing, self._today(), self._failure)

    def _watch(self) -> None:
        while not self._closed.wait(self._showing.every):
            self.show()


def _showing(quiet: bool, now: Callable[[], float]) -> Showing:
    if quiet or sys.stderr is None:
        return BatchSilence()
    if sys.stderr.isatty():
        from .batch_screen import BatchScreen

        return BatchScreen()
    return BatchLines(now)
