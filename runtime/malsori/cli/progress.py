"""Progress on stderr for what takes longer than two seconds: a bar on a terminal, otherwise a line now and then."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Any

from .console import complain, printable

PATIENCE = 2.0  # seconds before anything is shown
LINE_EVERY = 10.0  # seconds between plain lines
BAR_EVERY = 0.2  # seconds between redraws of the bar
SURE = 5.0  # seconds of which something must have been done before the remaining time is told


class Reporter:
    """Show how far a run is, from a thread of its own: loading a model or an engine call reports nothing meanwhile.

    Use as a context; `say` sets what is being done, `done` and `total` are in any one unit. `pause` clears the bar
    before something else is printed.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet or sys.stderr is None
        self._terminal = not self._quiet and sys.stderr.isatty()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._label, self._done, self._total = "", 0.0, 0.0
        self._since, self._from = 0.0, 0.0  # when that was begun which `done` counts, and what was done by then
        self._bar: Any = None
        self._written = ""
        self._thread = threading.Thread(target=self._watch, name="malsori-progress", daemon=True)

    def __enter__(self) -> Reporter:
        if not self._quiet:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        self.pause()

    def say(self, label: str, done: float = 0.0, total: float = 0.0) -> None:
        """Set what is shown from the next redraw on; `total` 0 means that nobody knows."""
        with self._lock:
            if not self._total or done < self._done:
                self._since, self._from = time.monotonic(), done
            self._label, self._done, self._total = printable(label), done, total

    def pause(self) -> None:
        """Take the bar off the terminal until the next redraw."""
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
                self._bar = None

    def warn(self, message: str) -> None:
        """Write a line to stderr that is not progress, unless asked to be quiet."""
        if not self._quiet:
            self.pause()
            complain(message)

    def _watch(self) -> None:
        wait = PATIENCE
        while not self._closed.wait(wait):
            with self._lock:
                self._draw() if self._terminal else self._write()
            wait = BAR_EVERY if self._terminal else LINE_EVERY

    def _write(self) -> None:
        """Write where the run is, unless that was written before."""
        if (line := self._line()) != self._written:
            complain(line)
            self._written = line

    def _line(self) -> str:
        if not self._total:
            return f"{self._label} ..."
        left = remaining(time.monotonic() - self._since, self._done - self._from, self._total - self._done)
        return f"{self._label}, {self._done / self._total:.0%}{left and f', {left} left'}"

    def _draw(self) -> None:
        if self._bar is None:
            self._bar = _bar()
            self._bar.add_task(self._label, left="")
            self._bar.start()
        left = remaining(time.monotonic() - self._since, self._done - self._from, self._total - self._done)
        told = left and f"{left} left"
        self._bar.update(0, description=self._label, completed=self._done, total=self._total or None, left=told)


def remaining(seconds: float, done: float, rest: float) -> str:
    """Return how long the rest takes if it goes on like what was done in so many seconds; "" if nobody can tell."""
    if seconds < SURE or done <= 0 or rest <= 0:
        return ""
    left = rest * seconds / done
    if left < 90:
        return f"{left:.0f} s"
    return f"{left / 60:.0f} min" if left < 90 * 60 else f"{left / 3600:.1f} h"


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    label, left = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[left]}")
    columns = (label, BarColumn(), TimeElapsedColumn(), left)
    # Redirection would send results printed meanwhile to stderr, where the bar is.
    return Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )
