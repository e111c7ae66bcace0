"""Progress on stderr for what takes longer than two seconds: a bar on a terminal, otherwise a line now and then.

Of bytes both tell how many have come of how many, and how fast: `pulling base, 45.3 of 147.9 MB, 31%, 5.2 MB/s, 20 s
left`.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .console import complain, printable

if TYPE_CHECKING:
    from ..pipeline import Progress

PATIENCE = 2.0  # seconds before anything is shown
LINE_EVERY = 10.0  # seconds between plain lines
BAR_EVERY = 0.2  # seconds between redraws of the bar
SOON = 1.0  # seconds after which a rate is told
SURE = 5.0  # seconds of which something must have been done before the remaining time is told


class Reporter:
    """Show how far a run is, from a thread of its own: loading a model or an engine call reports nothing meanwhile.

    Use as a context; `say` sets what is being done, `done` and `total` are in any one unit, those of `say_bytes` are
    bytes. `pause` clears the bar before something else is printed.
    """

    def __init__(self, *, quiet: bool = False, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._quiet = quiet or sys.stderr is None
        self._terminal = not self._quiet and sys.stderr.isatty()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._label, self._done, self._total = "", 0.0, 0.0
        self._bytes = False
        self._began = self._now()
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

    @property
    def name_cells(self) -> int | None:
        """How wide a name in a label may be, so that the figures behind it and the bar have room; None for any."""
        return max(16, shutil.get_terminal_size().columns // 3) if self._terminal else None

    def say(self, label: str, done: float = 0.0, total: float = 0.0) -> None:
        """Set what is shown from the next redraw on; `total` 0 means that nobody knows."""
        self._set(label, done, total, False)

    def say_bytes(self, label: str, done: float = 0.0, total: float = 0.0) -> None:
        """Set what is shown from the next redraw on, of something that is counted in bytes."""
        self._set(label, done, total, True)

    def _set(self, label: str, done: float, total: float, counts_bytes: bool) -> None:
        with self._lock:
            if not self._total or done < self._done:
                self._since, self._from = self._now(), done
            self._label, self._done, self._total, self._bytes = printable(label), done, total, counts_bytes

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
            self.draw() if self._terminal else self._write()
            wait = BAR_EVERY if self._terminal else LINE_EVERY

    def _write(self) -> None:
        """Write where the run is, unless that was written before."""
        if (line := self.line) != self._written:
            complain(line)
            self._written = line

    @property
    def line(self) -> str:
        """Where the run is, as it is written where there is no terminal."""
        with self._lock:
            if not self._total or not (self._done or self._bytes):  # nothing has been done yet that could be told
                return f"{self._label} ..."
            amount, speed, left = self._figures()
            return ", ".join(filter(None, [self._label, amount, percent(self._done, self._total), speed, left]))

    def _figures(self) -> tuple[str, str, str]:
        """Return what has come of how much and how fast it comes, both of bytes alone, and how long the rest takes."""
        seconds, done = self._now() - self._since, self._done - self._from
        left = remaining(seconds, done, self._total - self._done)
        told = left and f"{left} left"
        if not (self._bytes and self._total):
            return "", "", told
        return f"{self._done / 1e6:.1f} of {self._total / 1e6:.1f} MB", rate(seconds, done), told

    def draw(self) -> None:
        """Draw the bar anew, on a terminal."""
        with self._lock:
            if self._bar is None:
                self._bar = _bar()
                self._bar.add_task(self._label, amount="", speed="", elapsed="", left="")
                self._bar.start()
            amount, speed, left = self._figures()
            elapsed = clock(self._now() - self._began)
            figures = {"amount": amount, "speed": speed, "elapsed": elapsed, "left": left}
            known = self._total if self._done or self._bytes else None  # of nothing done, that something is being done
            self._bar.update(0, description=self._label, completed=self._done, total=known or None, **figures)


def progress_of(reporter: Reporter, files: Sequence[str] = ()) -> Callable[[Progress], None]:
    """Return what shows how far a run over these files is: by their sizes, since nobody knows their lengths before."""
    sizes = [_size(file) for file in files] or [1]
    furthest = 0.0

    def show(progress: Progress) -> None:
        nonlocal furthest
        whole = int(progress.done)
        furthest = max(furthest, sum(sizes[:whole]) + sum(sizes[whole : whole + 1]) * (progress.done - whole))
        number = f" ({progress.number} of {len(sizes)})" if len(sizes) > 1 else ""
        name = _within(progress.name, reporter.name_cells)
        reporter.say(f"{name}{number}{_position(progress)}", furthest / sum(sizes), 1.0)

    return show


def _within(name: str, room: int | None) -> str:
    """Return a name, or as much of its end as has room, in cells: of a path that tells most."""
    from ..output.breaking import cells

    if room is None or cells(name) <= room:
        return name
    return next(f"…{name[at:]}" for at in range(1, len(name) + 1) if cells(name[at:]) < room)


def _size(file: str) -> int:
    with suppress(OSError, ValueError):
        return max(1, os.path.getsize(file))
    return 1


def _position(progress: Progress) -> str:
    """Return what is told of the seconds of one recording, nothing while they are none."""
    if not progress.seconds:
        return ""
    length = f" of {clock(progress.length)}" if progress.length else ""
    return f", {clock(progress.seconds)}{length}"


def clock(seconds: float) -> str:
    """Return a time as a player shows it: 0:07, 62:30 as 1:02:30."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def percent(done: float, total: float) -> str:
    """Return how much is done; 100 % is what is over."""
    return f"{int(100 * done / total)}%"


def rate(seconds: float, count: float) -> str:
    """Return how many bytes a second came; "" if nobody can tell."""
    if seconds < SOON or count <= 0:
        return ""
    speed = count / seconds
    return f"{speed / 1e6:.1f} MB/s" if speed >= 100_000 else f"{speed / 1e3:.1f} kB/s"


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
    from rich.progress import BarColumn, Progress, TextColumn

    label = TextColumn("{task.description}", markup=False)
    amount, speed, *times = (TextColumn(f"{{task.fields[{name}]}}") for name in ("amount", "speed", "elapsed", "left"))
    columns = (label, BarColumn(), amount, speed, *times)
    # Redirection would send results printed meanwhile to stderr, where the bar is.
    return Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )
