"""How far a run is, on stderr: a bar on a terminal, elsewhere a line now and then; and the lines that stay."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

PATIENCE = 2.0  # seconds before anything is shown
LINE_EVERY = 10.0  # seconds between plain lines
BAR_EVERY = 0.2  # seconds after which the bar comes back behind a line
STEADY = 600.0  # seconds whose pace tells the remaining time


class Reporter:
    """Show what is being done, from a thread of its own: loading a model reports nothing meanwhile.

    Use as a context; `say` sets what is being done, `done` and `total` being in any one unit.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet or sys.stderr is None
        console = Console(stderr=True)
        self._terminal = not self._quiet and sys.stderr.isatty() and console.is_interactive
        columns = (TextColumn("{task.description}", markup=False), BarColumn())
        self._bar = Progress(
            *columns,
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,  # results printed meanwhile would go to stderr, where the bar is
            redirect_stderr=False,
            speed_estimate_period=STEADY,
        )
        self._bar.add_task("")
        (self._task,) = self._bar.tasks
        self._written = ""
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)

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
        self._hide()

    def say(self, label: str, done: float = 0.0, total: float = 0.0) -> None:
        """Set what is shown from the next redraw on; `total` 0 means that nobody knows."""
        with self._lock:
            if done < self._task.completed or not self._task.total:  # something else has begun
                self._bar.reset(self._task.id, start=True)
            self._bar.update(self._task.id, description=_printable(label), completed=done)
            self._task.total = total if done else None

    def warn(self, message: str) -> None:
        """Write a line that is not progress, unless asked to be quiet."""
        if not self._quiet:
            with self._lock:
                self._hide()
                self._write(message)

    def _watch(self) -> None:
        wait = PATIENCE
        while not self._closed.wait(wait):
            with self._lock:
                if self._terminal:
                    self._bar.start()
                elif (line := self._line()) != self._written:
                    self._write(line)
                    self._written = line
            wait = BAR_EVERY if self._terminal else LINE_EVERY

    def _hide(self) -> None:
        if self._terminal:  # elsewhere rich would leave an empty line
            self._bar.stop()

    def _line(self) -> str:
        task = self._task
        if not task.total:
            return f"{task.description} ..."
        left = task.time_remaining
        return f"{task.description}, {int(task.percentage)}%" + (f", {_duration(left)} left" if left else "")

    def _write(self, line: str) -> None:
        print(f"malsori: {_printable(line)}", file=sys.stderr, flush=True)


def _printable(text: str) -> str:
    """Return `text` with everything that a terminal would obey or could not show written as an escape."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
