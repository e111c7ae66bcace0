"""The last lines of a terminal, drawn over and over while others scroll by above them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .console import emit

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


class Region:
    """Keeps some lines at the end of what is on a terminal. The cursor stays behind the last of them.

    Each change is one write, and what has not changed is not written: nothing flickers. A terminal that has become
    narrower has wrapped the lines that stand there, so they are counted anew before they are erased.
    """

    def __init__(self, console: Console, *, write: Callable[[str], None] = emit) -> None:
        self._console = console
        self._write = write
        self._shown: list[str] = []
        self._columns = 0

    @property
    def width(self) -> int:
        """Columns that a line may fill: all but the last, behind which a cursor would be on the next line or not."""
        return max(1, self._console.width - 1)

    def draw(self, content: RenderableType) -> None:
        """Put `content` where the lines before were."""
        lines = self._lines(content)
        if (lines, self._console.width) != (self._shown, self._columns):
            self._replace("", lines)

    def scroll(self, line: RenderableType, content: RenderableType) -> None:
        """Leave `line` above, for the terminal to wrap and to scroll away, and draw `content` below it."""
        self._replace(self._ansi(line, soft_wrap=True), self._lines(content))

    def erase(self) -> None:
        """Take the lines away."""
        if self._shown:
            self._replace("", [])

    def _replace(self, above: str, lines: list[str]) -> None:
        self._write(self._erased() + above + "\n".join(lines))
        self._shown, self._columns = lines, self._console.width

    def _erased(self) -> str:
        """Return what clears the lines and brings the cursor to where they begin.

        Row by row: a terminal may keep what is cleared all at once in its history, as tmux does at the top of a screen.
        """
        rows = sum(self._rows(line) for line in self._shown)
        return "\r\x1b[2K" + "\x1b[1A\x1b[2K" * (rows - 1) if rows else ""

    def _rows(self, line: str) -> int:
        from rich.text import Text

        return max(1, -(-Text.from_ansi(line).cell_len // self._console.width))

    def _lines(self, content: RenderableType) -> list[str]:
        return self._ansi(content).rstrip("\n").split("\n")

    def _ansi(self, content: RenderableType, *, soft_wrap: bool = False) -> str:
        with self._console.capture() as captured:
            if soft_wrap:
                self._console.print(content, soft_wrap=True)
            else:
                self._console.print(content, width=self.width)
        return captured.get()
