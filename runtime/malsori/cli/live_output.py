"""Where the events of `malsori live` go: JSON lines, plain text or the view, and a file beside."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..formats import GROWING, ending_of
from .console import complain, emit, printable
from .live_flags import EVENTS

if TYPE_CHECKING:
    from ..events import Event
    from ..output.files import Growing
    from ..pipeline.live.stream import Stream
    from ..types import Transcript

JSON_EVERY = 1.0  # seconds: a day's transcript is a megabyte, and what is said comes in sentences


class Sink(Protocol):
    """Takes the events of a stream, one by one, and shows or keeps what there is to be shown or kept."""

    def begin(self, name: str) -> None:
        """Be told that `name` is listened to now."""
        return

    def tick(self, stream: Stream) -> None:
        """Be told, many times a second, that the stream goes on."""
        return

    def take(self, event: Event) -> None:
        """Take the next event."""
        ...

    def end(self) -> None:
        """Be told that it is over, however it ended, also before it began."""
        return


class JsonLines(Sink):
    """One JSON object a line on stdout, each written at once."""

    def take(self, event: Event) -> None:
        """Write the event."""
        emit(_line(event))


class PlainText(Sink):
    """The finals on stdout, a line each; warnings on stderr."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def take(self, event: Event) -> None:
        """Write the event, if it is one of these."""
        from ..events import Final, StreamWarning

        if isinstance(event, Final) and event.text:
            emit(f"{printable(event.text)}\n")
        elif isinstance(event, StreamWarning) and not self._quiet:
            complain(f"warning, {event.message}")


class EventFile(Sink):
    """The events appended to a file as JSON lines, each written at once."""

    def __init__(self, path: Path) -> None:
        from ..output.files import Records

        self._records = Records(path)

    def take(self, event: Event) -> None:
        """Append the event."""
        self._records.add(_line(event))

    def end(self) -> None:
        """Close the file."""
        self._records.close()


class TranscriptFile(Sink):
    """What was said as a transcript, each final behind the others as soon as it is there.

    JSON, which is one object, is written whole, at most once in `JSON_EVERY` seconds. A transcript that is there
    already is kept under another name; where no sound came, it stays as it is.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._format = ending_of(path)
        self._clock = clock
        self._written = -math.inf
        self._told: list[Event] = []
        self._stream: Stream | None = None
        self._file: Growing | None = None
        self._begun = self._put_off = False

    def tick(self, stream: Stream) -> None:
        """Note which stream it is, and write what was put off."""
        self._stream = stream
        if self._put_off:
            self._write_whole_if_due()

    def take(self, event: Event) -> None:
        """Write what the transcript is made of."""
        from ..events import Final, StreamWarning

        if not isinstance(event, (Final, StreamWarning)):
            return
        if self._format not in GROWING:
            self._told.append(event)
            if isinstance(event, Final):
                self._write_whole_if_due()
        elif isinstance(event, Final):
            self._begin()
            assert self._file is not None  # begun
            self._file.add(_transcript([event], event.end))

    def end(self) -> None:
        """Write what is still to be written."""
        if self._stream is not None and self._stream.seconds:
            if self._format not in GROWING:
                self._write_whole()
            else:
                self._begin()  # of silence, too, there is a transcript
        if self._file is not None:
            self._file.close()

    def _write_whole_if_due(self) -> None:
        self._put_off = self._clock() - self._written < JSON_EVERY
        if not self._put_off:
            self._write_whole()

    def _write_whole(self) -> None:
        from ..output import write

        self._keep_earlier()
        seconds = self._stream.seconds if self._stream is not None else 0.0
        write(_transcript(self._told, seconds), self._path, self._format)
        self._written = self._clock()

    def _begin(self) -> None:
        from ..output.files import Growing

        if self._file is None:
            self._keep_earlier()
            self._file = Growing(self._path, self._format)

    def _keep_earlier(self) -> None:
        from ..output.files import set_aside

        if not self._begun and (kept := set_aside(self._path)) is not None:
            complain(f"{self._path}: was there already and is kept as {kept}")
        self._begun = True


class Outputs(Sink):
    """All places that the events go to, as one."""

    def __init__(self, sinks: Sequence[Sink], shown: Sink) -> None:
        """`shown` is the one that goes to whoever looks on; it comes last, because they may go away."""
        self._sinks = [*sinks, shown]
        self._shown = shown
        self.alone = False  # whether nobody looks on any more, for whom it would be a fault not to be told

    @classmethod
    def of(cls, args: argparse.Namespace) -> Outputs:
        """Return what the flags ask for. Raises `OutputError` for a file that cannot be opened."""
        if args.output is None:
            return cls([], _shown(args))
        file = EventFile(args.output) if ending_of(args.output) == EVENTS else TranscriptFile(args.output)
        return cls([file], _shown(args))

    def begin(self, name: str) -> None:
        """Tell all that `name` is listened to now."""
        for sink in self._sinks:
            sink.begin(name)

    def tick(self, stream: Stream) -> None:
        """Tell all that the stream goes on."""
        for sink in self._sinks:
            with self._perhaps(sink):
                sink.tick(stream)

    def take(self, event: Event) -> None:
        """Hand on the next event."""
        for sink in self._sinks:
            with self._perhaps(sink):
                sink.take(event)

    def end(self) -> None:
        """Tell all that it is over, the last one first, whatever the others raise."""
        with ExitStack() as ends:
            for sink in self._sinks:
                ends.enter_context(self._perhaps(sink))
                ends.callback(sink.end)

    @contextmanager
    def _perhaps(self, sink: Sink) -> Iterator[None]:
        """Let it pass that nothing can be shown where nobody looks on."""
        from ..errors import OutputError

        try:
            yield
        except (OutputError, BrokenPipeError):
            if not (self.alone and sink is self._shown):
                raise


def _shown(args: argparse.Namespace) -> Sink:
    if args.output_format == "text":
        return PlainText(quiet=args.quiet)
    if args.output_format is None and _on_terminal():
        from .live_view import View

        return View()
    return JsonLines()


def _line(event: Event) -> str:
    return json.dumps(event.to_dict(), ensure_ascii=False) + "\n"


def _transcript(events: Sequence[Event], seconds: float) -> Transcript:
    from ..pipeline.live.listen import transcript_of

    return transcript_of(events, seconds)


def _on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
