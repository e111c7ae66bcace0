"""Tables for people: aligned columns, coloured on a terminal only, and never wrapped in a pipe."""

from __future__ import annotations

import io
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .console import complain, printable

if TYPE_CHECKING:
    from ..types import Coverage, LeftOut

GAP = 2  # characters between columns
UNWRAPPED = 10_000  # columns of a line in a pipe
REASONS = {  # of `LeftOut`, for people
    "gate": "no speech, by the gate",
    "clip_timestamps": "outside of --clip-timestamps",
    "inaudible": "nothing to be heard",
    "no_speech": "no speech, by the model",
    "made_up": "read as what is made up in noise",
    "implausible": "read as what nobody can have said amid silence",
    "no_words": "no words, by the model",
    "cut_off": "behind the most tokens that a reading may have",
    "filled": "filled in for a gap or damage",
    "crosstalk": "leaks in from another channel, where it has words",
}


def table(
    rows: Sequence[tuple[str, ...]],
    *,
    color: Callable[[tuple[str, ...]], str] = lambda row: "",
    whole: bool = False,
) -> str:
    """Return `rows` in aligned columns, of which the first is never wrapped, with `whole` none: a line for each row.

    `color` gives each row a rich style. Honours NO_COLOR, as rich does.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colored = on_terminal()
    grid = Table.grid(padding=(0, GAP))
    grid.add_column(no_wrap=True)
    for row in rows:
        grid.add_row(*(Text(printable(cell), overflow="fold") for cell in row), style=color(row))
    target = io.StringIO()
    Console(file=target, width=UNWRAPPED if whole else columns(), force_terminal=colored, highlight=False).print(grid)
    return "".join(f"{line.rstrip()}\n" for line in target.getvalue().splitlines())


def fits(rows: Sequence[tuple[str, ...]]) -> bool:
    """Return whether a table of these rows needs no wrapping."""
    return sum(max(map(len, cells)) + GAP for cells in zip(*rows, strict=True)) <= columns()


def columns() -> int:
    """Return the characters of a line: those of the terminal, `UNWRAPPED` in a pipe."""
    return shutil.get_terminal_size().columns if on_terminal() else UNWRAPPED


def on_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def size(count: int) -> str:
    """Return a number of bytes in MB or kB (10^6, 10^3)."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


class CoverageTable:
    """Writes the coverage of each file to stderr as it is done, and the sums when there were several."""

    def __init__(self) -> None:
        self._files = 0
        self._decoded = self._read = 0.0
        self._spoken: float | None = None  # while no gate was asked
        self._left: defaultdict[str, float] = defaultdict(float)

    def add(self, name: str, coverage: Coverage) -> None:
        """Write the lines of one file."""
        self._files += 1
        self._decoded += coverage.decoded
        if coverage.spoken is not None:
            self._spoken = (self._spoken or 0.0) + coverage.spoken
        self._read += coverage.read
        for each in coverage.left_out:
            self._left[each.why] += each.seconds
        complain(name)
        _write(coverage.decoded, coverage.spoken, coverage.read)
        for each in coverage.left_out:
            _line("left out", each.seconds, f"{_whose(each)}{REASONS[each.why]}, {_where(each)}")

    def end(self) -> None:
        """Write the sums, if there were several files."""
        if self._files < 2:
            return
        complain(f"all {self._files} files")
        _write(self._decoded, self._spoken, self._read)
        for why, seconds in self._left.items():
            _line("left out", seconds, REASONS[why])


def _write(decoded: float, spoken: float | None, read: float) -> None:
    _line("decoded", decoded)
    if spoken is not None:
        _line("spoken", spoken)
    _line("read", read)


def _line(label: str, seconds: float, note: str = "") -> None:
    complain(f"  {label:<8} {seconds:9.2f} s  {note}".rstrip())


def _whose(left: LeftOut) -> str:
    return "" if left.speaker is None else f"{printable(left.speaker)}: "


def _where(left: LeftOut) -> str:
    from ..types import SAMPLE_RATE

    first = left.spans[0].start / SAMPLE_RATE
    return f"at {first:.2f} s" if len(left.spans) == 1 else f"in {len(left.spans)} parts, the first at {first:.2f} s"
