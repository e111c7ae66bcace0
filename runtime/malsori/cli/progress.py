"""Progress on stderr for what takes longer than two seconds: a bar on a terminal, otherwise a line every ten seconds.

Of a download both show bytes, rate and remaining time: `pulling base, 45.3 of 147.9 MB, 31%, 5.2 MB/s, 20 s left`.
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
RATE_AFTER = 1.0  # seconds until a rate is shown
REMAINING_AFTER = 5.0  # seconds until the remaining time is shown


class Reporter:
    """Context that shows the progress of a run from a thread of its own, since loading a model blocks the caller's.

    `say` sets the label, `done` and `total` in any one unit, `say_bytes` in bytes. `pause` clears the bar before
    something else is printed.
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
        self._since, self._from = 0.0, 0.0  # when the present step began, and `done` at that time
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
        self.close()

    def close(self) -> None:
        """Show no more progress, since something else does or all is done; `warn` goes on."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        self.pause()

    @property
    def name_cells(self) -> int | None:
        """Cells that a name in a label may have, so that figures and bar have room; None for any number."""
        return max(16, shutil.get_terminal_size().columns // 3) if self._terminal else None

    def say(self, label: str, done: float = 0.0, total: float = 0.0) -> None:
        """Set what is shown from the next redraw on; a `total` of 0 is unknown."""
        self._set(label, done, total, False)

    def say_bytes(self, label: str, done: float = 0.0, total: float = 0.0) -> None:
        """Set what is shown from the next redraw on, in bytes."""
        self._set(label, done, total, True)

    def _set(self, label: str, done: float, total: float, counts_bytes: bool) -> None:
        with self._lock:
            if not self._total or done < self._done:
                self._since, self._from = self._now(), done
            self._label, self._done, self._total, self._bytes = printable(label), done, total, counts_bytes

    def pause(self) -> None:
        """Remove the bar from the terminal until the next redraw."""
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
                self._bar = None

    def warn(self, message: str) -> None:
        """Write a line to stderr that is not progress, unless `quiet`."""
        if not self._quiet:
            self.pause()
            complain(message)

    def _watch(self) -> None:
        wait = PATIENCE
        while not self._closed.wait(wait):
            self.draw() if self._terminal else self._write()
            wait = BAR_EVERY if self._terminal else LINE_EVERY

    def _write(self) -> None:
        """Write the line of progress, unless it is the one written before."""
        if (line := self.line) != self._written:
            complain(line)
            self._written = line

    @property
    def line(self) -> str:
        """The line of progress that is written where there is no terminal."""
        with self._lock:
            if not self._total or not (self._done or self._bytes):  # no figures yet
                return f"{self._label} ..."
            amount, speed, left = self._figures()
            return ", ".join(filter(None, [self._label, amount, percent(self._done, self._total), speed, left]))

    def _figures(self) -> tuple[str, str, str]:
        """Return amount and rate, both "" unless bytes are counted, and the remaining time."""
        seconds, done = self._now() - self._since, self._done - self._from
        left = remaining(seconds, done, self._total - self._done)
        shown = left and f"{left} left"
        if not (self._bytes and self._total):
            return "", "", shown
        return f"{self._done / 1e6:.1f} of {self._total / 1e6:.1f} MB", rate(seconds, done), shown

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
            known = self._total if self._done or self._bytes else None  # without a total the bar pulsates
            self._bar.update(0, description=self._label, completed=self._done, total=known or None, **figures)


def progress_of(reporter: Reporter, files: Sequence[str] = ()) -> Callable[[Progress], None]:
    """Return a callback that shows the progress of a run over these files, weighted by size: lengths are not known."""
    sizes = [_size(file) for file in files] or [1]
    furthest = 0.0

    def show(progress: Progress) -> None:
        nonlocal furthest
        whole = int(progress.done)
        furthest = max(furthest, sum(sizes[:whole]) + sum(sizes[whole : whole + 1]) * (progress.done - whole))
        number = f" ({progress.number} of {len(sizes)})" if len(sizes) > 1 else ""
        name = within(progress.name, reporter.name_cells)
        reporter.say(f"{name}{number}{_position(progress)}", furthest / sum(sizes), 1.0)

    return show


def within(name: str, room: int | None) -> str:
    """Return a name, or as much of its end as fits into `room` cells: the end of a path says most."""
    from ..output.breaking import cells

    if room is None or cells(name) <= room:
        return name
    return next(f"…{name[at:]}" for at in range(1, len(name) + 1) if cells(name[at:]) < room)


def _size(file: str) -> int:
    with suppress(OSError, ValueError):
        return max(1, os.path.getsize(file))
    return 1


def _position(progress: Progress) -> str:
    """Return the position within a recording, and its length if known; "" at its beginning."""
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
    """Return the share done, rounded down: 100 % is shown at the end only."""
    return f"{int(100 * done / total)}%"


def rate(seconds: float, count: float) -> str:
    """Return the bytes per second; "" as long as they cannot be told."""
    if seconds < RATE_AFTER or count <= 0:
        return ""
    speed = count / seconds
    return f"{speed / 1e6:.1f} MB/s" if speed >= 100_000 else f"{speed / 1e3:.1f} kB/s"


def remaining(seconds: float, done: float, rest: float) -> str:
    """Return how long the rest takes at the rate of what was `done` in `seconds`; "" as long as that is unsure."""
    if seconds < REMAINING_AFTER or done <= 0 or rest <= 0:
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
