"""A batch on a terminal, drawn on stderr: a bar, figures, the files that are being heard, and the latest failure."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from .batch_figures import RunFigures
from .console import printable
from .live_view import Region
from .progress import clock, within

if TYPE_CHECKING:
    from ..batch.batch_items import ItemResult
    from ..batch.batch_progress import BatchProgress, ItemBegun

SCREEN_EVERY = 0.25  # seconds between redraws
MOST_BEGUN = 8  # files shown that are being heard
WIDEST_BAR = 60  # characters


class BatchScreen:
    """Draws a few lines, of which none is wider than the terminal and which leave it a row."""

    every = SCREEN_EVERY

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=False)
        self._region = Region(self._console, write=_write)
        self._drawn: list[str] = []

    def start(self, progress: BatchProgress) -> None:
        """Draw nothing yet."""

    def take(self, progress: BatchProgress, result: ItemResult) -> None:
        """Leave the result to the next drawing."""

    def note(self, text: str) -> None:
        """Write a line above what is drawn, which stays there."""
        self._region.scroll(Text(f"malsori: {printable(text)}"), _joined(self._drawn))

    def show(self, figures: RunFigures) -> None:
        """Draw how far the run is."""
        self._drawn = lines(figures, self._region.width, max(2, self._console.height - 1))
        self._region.draw(_joined(self._drawn))

    def close(self) -> None:
        """Remove what is drawn."""
        self._region.erase()


def lines(figures: RunFigures, width: int, height: int) -> list[str]:
    """Return the lines to draw on a terminal of so many columns and rows."""
    done, total = figures.shares
    head = [bar(done / total if total else 0.0, min(width, WIDEST_BAR)), *wrapped(figures.parts, width)]
    failure = [_cut(f"last failure: {printable(figures.failure)}", width)] if figures.failure else []
    room = min(MOST_BEGUN, height - len(head) - len(failure))
    begun = _in_work(figures.progress)
    shown = begun if len(begun) <= room else begun[: max(0, room - 1)]
    more = [_cut(f"  and {len(begun) - len(shown)} more", width)] if len(shown) < len(begun) and room > 0 else []
    return [*head, *failure, *(_being_heard(each, width) for each in shown), *more][:height]


def _in_work(progress: BatchProgress) -> list[ItemBegun]:
    """Return what is being heard: others were begun ahead. Between two files it is the next one."""
    begun = [each for _, each in sorted(progress.begun.items())]
    return [each for each in begun if each.progress] or begun[:1]


def bar(share: float, width: int) -> str:
    """Return a bar of so many characters; ASCII, since terminals differ in the width of others."""
    inner = max(1, width - 2)
    full = min(inner, int(share * inner))
    return f"[{'#' * full}{'.' * (inner - full)}]"[:width]


def wrapped(parts: list[str], width: int) -> list[str]:
    """Return parts with commas between, on as many lines as they need."""
    found: list[str] = []
    for part in parts:
        if found and len(found[-1]) + 2 + len(part) <= width:
            found[-1] += f", {part}"
        else:
            found.append(_cut(part, width))
    return found


def _being_heard(each: ItemBegun, width: int) -> str:
    length = each.progress.length if each.progress else None
    position = f"  {clock(each.seconds)}{f' of {clock(length)}' if length else ''}  "
    return _cut(position + within(printable(each.item.source), max(1, width - len(position))), width)


def _cut(line: str, width: int) -> str:
    return line if cell_len(line) <= width else set_cell_size(line, width)


def _joined(drawn: list[str]) -> Text:
    return Text("\n".join(drawn), no_wrap=True)


def _write(text: str) -> None:
    """Write to stderr what the terminal shows; where that is gone, the run goes on."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
            sys.stderr.flush()
