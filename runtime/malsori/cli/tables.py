"""Columns for people: aligned, coloured on a terminal only, and never wrapped where another program reads them."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence

from .console import printable

UNWRAPPED = 10_000  # columns; lines in a pipe are as long as they are


def table(rows: Sequence[tuple[str, ...]], *, color: Callable[[tuple[str, ...]], str] = lambda row: "") -> str:
    """Return `rows` in aligned columns; `color` gives each row a rich style. Honours NO_COLOR, as rich does."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    grid = Table.grid(padding=(0, 2))
    for row in rows:
        grid.add_row(*(Text(printable(cell), overflow="fold") for cell in row), style=color(row))
    target = io.StringIO()
    width = None if on_terminal else UNWRAPPED
    Console(file=target, width=width, force_terminal=on_terminal, highlight=False).print(grid)
    return "".join(f"{line.rstrip()}\n" for line in target.getvalue().splitlines())
