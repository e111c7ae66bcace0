"""The view of `malsori live` on a terminal: finals scroll; below them open utterances, a level meter, and the lag."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.text import Text

from ..events import Event, Final, Partial, SpeechEnded, SpeechStarted, StreamWarning
from .console import emit, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..pipeline.live.stream import Stream

EVERY_S = 0.1  # seconds between two redraws
METER = 10  # characters
QUIETEST_DB = -50.0  # dBFS where the meter begins
LOUD_DB = -1.0  # dBFS from which on it is red: sound is about to be clipped
FALL = 0.9  # factor by which the level falls at most from one block to the next, so that it does not jump
MOST_LINES = 6  # of open utterances; of more the last ones are shown


class Region:
    """The last lines on a terminal, which are redrawn. The cursor stays behind the last of them.

    Each change is one write, and unchanged lines are not written, so that nothing flickers. A terminal that has become
    narrower has wrapped the lines, so rows are counted anew before they are erased.
    """

    def __init__(self, console: Console, *, write: Callable[[str], None] = emit) -> None:
        self._console = console
        self._write = write
        self._shown: list[str] = []
        self._columns = 0

    @property
    def width(self) -> int:
        """Columns that a line may fill: all but the last, behind which terminals put the cursor differently."""
        return max(1, self._console.width - 1)

    def draw(self, content: RenderableType) -> None:
        """Replace the lines with `content`."""
        lines = self._lines(content)
        if (lines, self._console.width) != (self._shown, self._columns):
            self._replace("", lines)

    def scroll(self, line: RenderableType, content: RenderableType) -> None:
        """Write `line`, which the terminal may wrap and scroll away, and draw `content` below it."""
        self._replace(self._ansi(line, soft_wrap=True), self._lines(content))

    def erase(self) -> None:
        """Erase the lines."""
        if self._shown:
            self._replace("", [])

    def _replace(self, above: str, lines: list[str]) -> None:
        self._write(self._erased() + above + "\n".join(lines))
        self._shown, self._columns = lines, self._console.width

    def _erased(self) -> str:
        """Return the escapes that clear the lines and move the cursor to where they begin.

        Row by row: some terminals keep what is cleared at once in their history, as tmux does at the top of a screen.
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


class View:
    """Draws the state of a stream on `console`, at most ten times a second and only what has changed.

    The text of an utterance that may still change is dimmed; so is all of it between its end and its final. But for the
    text only ASCII is drawn: terminals differ in the width of other characters.
    """

    def __init__(self, console: Console | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(highlight=False, soft_wrap=False)
        self._region = Region(self._console)
        self._clock = clock
        self._drawn = -math.inf
        self._spoken: dict[int, Text] = {}  # by utterance, those without a final
        self._level = self._lag = self._seconds = 0.0
        self._who = ""

    def begin(self, name: str) -> None:
        """Show the name of the source."""
        self._who = f"listening to {printable(name)}"
        self._draw()

    def take(self, event: Event) -> None:
        """Show an event."""
        if isinstance(event, SpeechStarted):
            self._spoken[event.seq] = _stamp(event.at)
        elif isinstance(event, Partial):
            self._spoken[event.seq] = _partial(event)
            self._who = printable(event.model)
        elif isinstance(event, SpeechEnded):
            self._spoken.get(event.seq, Text()).stylize("dim")
        elif isinstance(event, Final):
            self._final(event)
        elif isinstance(event, StreamWarning):
            if event.code == "engine_error" and event.seq is not None:  # of others the final is still to come
                self._spoken.pop(event.seq, None)
            self._scroll(Text(f"warning, {printable(event.message)}", "yellow"))
        self._draw_if_due()

    def tick(self, stream: Stream) -> None:
        """Take level, lag and length from the stream, and draw when that is due."""
        self._level = max(stream.level, FALL * self._level)
        self._lag, self._seconds = stream.lag, stream.seconds
        self._draw_if_due()

    def end(self) -> None:
        """Erase the lines below the finals."""
        self._region.erase()

    def content(self) -> Group:
        """Return the lines below the finals."""
        lines = [line for text in self._spoken.values() for line in self._wrapped(text)]
        room = max(0, min(MOST_LINES, self._console.height - 2))
        return Group(*lines[len(lines) - room if len(lines) > room else 0 :], self._status())

    def _final(self, event: Final) -> None:
        self._spoken.pop(event.seq, None)
        self._who = printable(event.model)
        if event.text:
            self._scroll(_stamp(event.start).append(printable(event.text)))

    def _scroll(self, line: Text) -> None:
        self._region.scroll(line, self.content())
        self._drawn = self._clock()

    def _draw_if_due(self) -> None:
        if self._clock() - self._drawn >= EVERY_S:
            self._draw()

    def _draw(self) -> None:
        self._region.draw(self.content())
        self._drawn = self._clock()

    def _wrapped(self, text: Text) -> list[Text]:
        return list(text.wrap(self._console, self._region.width, overflow="fold"))

    def _status(self) -> Text:
        minutes, seconds = divmod(int(self._seconds), 60)
        status = Text(no_wrap=True, overflow="crop").append_text(_meter(self._level))
        return status.append(f" {minutes}:{seconds:02d}  lag {self._lag:.1f} s  {self._who}", "dim")


def _stamp(seconds: float) -> Text:
    minutes, rest = divmod(round(seconds, 1), 60)
    return Text().append(f"{minutes:3.0f}:{rest:04.1f}  ", "dim")


def _partial(event: Partial) -> Text:
    stable = printable(event.stable)
    return _stamp(event.start).append(stable).append(printable(event.text)[len(stable) :], "dim")


def _meter(level: float) -> Text:
    decibels = 20 * math.log10(level) if level > 0 else -math.inf
    filled = round(METER * min(1.0, max(0.0, 1 - decibels / QUIETEST_DB))) if level > 0 else 0
    style = "red" if decibels >= LOUD_DB else "green"
    return Text("[").append("=" * filled, style).append(" " * (METER - filled)).append("]")
