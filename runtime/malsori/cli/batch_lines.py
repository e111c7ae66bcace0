"""A run of a batch where there is no terminal: a line for each failure, and one of progress every ten seconds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..batch.batch_items import with_source
from .console import complain
from .progress import LINE_EVERY

if TYPE_CHECKING:
    from ..batch.batch_items import ItemResult
    from ..batch.batch_progress import BatchProgress
    from .batch_figures import RunFigures

FAILURES_EVERY = 1.0  # seconds until a failure is told
MOST_UNTOLD = 1000  # failures, and notes, that wait for being told


class BatchLines:
    """A line for each failure, and one of progress every ten seconds."""

    every = FAILURES_EVERY

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures: deque[str] = deque()
        self._untold = 0
        self._written, self._heard = now(), -1.0

    def start(self, progress: BatchProgress) -> None:
        """Say what there is to do."""
        before = f", {progress.done:,} of them done before" if progress.done else ""
        complain(f"{progress.files:,} file{'s' * (progress.files != 1)}{before}")

    def take(self, progress: BatchProgress, result: ItemResult) -> None:
        """Keep the line of a failure to be written."""
        if not result.failed:
            return
        if len(self._failures) < MOST_UNTOLD:
            self._failures.append(failure_line(progress, result))
        else:
            self._untold += 1

    def note(self, text: str) -> None:
        """Write a line."""
        complain(text)

    def show(self, figures: RunFigures) -> None:
        """Write the failures, and how far the run is, if it is further than at the last time."""
        self.close()
        heard = figures.progress.heard + figures.progress.done + figures.progress.failed
        if self._now() - self._written >= LINE_EVERY and heard != self._heard:
            self._written, self._heard = self._now(), heard
            complain(", ".join(figures.parts))

    def close(self) -> None:
        """Write the failures."""
        while self._failures:
            complain(self._failures.popleft())
        if self._untold:
            complain(f"and {self._untold:,} failures more, which malsori batch status lists")
            self._untold = 0


class BatchSilence:
    """Shows nothing."""

    every = 3600.0

    def start(self, progress: BatchProgress) -> None:
        """Show nothing."""

    def take(self, progress: BatchProgress, result: ItemResult) -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""

    def show(self, figures: RunFigures) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""


def failure_line(progress: BatchProgress, result: ItemResult) -> str:
    """Return a line that names the file of a failure and says why."""
    return with_source(result.message, progress.ended_last.item.source if progress.ended_last else "")
