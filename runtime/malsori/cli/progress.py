"""Progress on stderr for what takes longer than two seconds: a bar on a terminal, otherwise a line now and then."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any

from .console import complain, printable

PATIENCE = 2.0  # seconds before anything is shown
LINE_EVERY = 10.0  # seconds between plain lines
BAR_EVERY = 0.2  # seconds between redraws of the bar


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
        return f"{self._label}, {self._done / self._total:.0%}" if self._total else f"{self._label} ..."

    def _draw(self) -> None:
        if self._bar is None:
            self._bar = _bar()
            self._bar.add_task(self._label)
            self._bar.start()
        self._bar.update(0, description=self._label, completed=self._done, total=self._total or None)


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    # Redirection would send results printed meanwhile to stderr, where the bar is.
    return Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )
