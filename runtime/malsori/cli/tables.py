"""Columns for people: aligned, coloured on a terminal only, and never wrapped where another program reads them."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable, Sequence

from .console import printable

GAP = 2  # characters between columns
UNWRAPPED = 10_000  # columns; lines in a pipe are as long as they are


def table(
    rows: Sequence[tuple[str, ...]],
    *,
    color: Callable[[tuple[str, ...]], str] = lambda row: "",
    whole: bool = False,
) -> str:
    """Return `rows` in aligned columns, the first never wrapped, with `whole` none and so a line for each row.

    `color` gives each row a rich style. Honours NO_COLOR, as rich does.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    on_terminal = _on_terminal()
    grid = Table.grid(padding=(0, GAP))
    grid.add_column(no_wrap=True)
    for row in rows:
        grid.add_row(*(Text(printable(cell), overflow="fold") for cell in row), style=color(row))
    target = io.StringIO()
    Console(file=target, width=UNWRAPPED if whole else columns(), force_terminal=on_terminal, highlight=False).print(
        grid
    )
    return "".join(f"{line.rstrip()}\n" for line in target.getvalue().splitlines())


def fits(rows: Sequence[tuple[str, ...]]) -> bool:
    """Whether a table of these rows needs no wrapping."""
    return sum(max(map(len, cells)) + GAP for cells in zip(*rows, strict=True)) <= columns()


def columns() -> int:
    """Return how many characters a line has room for: those of the terminal, more than enough in a pipe."""
    return shutil.get_terminal_size().columns if _on_terminal() else UNWRAPPED


def _on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def size(count: int) -> str:
    """Return a number of bytes for people."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
