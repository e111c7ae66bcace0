"""Outputs for the events of `malsori live`: JSON lines, plain text or the view, and a file."""

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

JSON_EVERY = 1.0  # seconds between writes: a day's transcript is a megabyte


class Sink(Protocol):
    """Shows or stores the events of a stream, one by one."""

    def begin(self, name: str) -> None:
        """Start: the source called `name` is open."""
        return

    def tick(self, stream: Stream) -> None:
        """Update from the stream; called many times a second."""
        return

    def take(self, event: Event) -> None:
        """Take the next event."""
        ...

    def end(self) -> None:
        """Finish; called at any end, also before `begin`."""
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
        """Write the event if it is a final or a warning."""
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
    """The finals as a transcript file, each appended as soon as it comes.

    JSON, which is one object, is written whole, at most once in `JSON_EVERY` seconds. An earlier transcript is kept
    under another name; where no sound came, it stays as it is.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._format = ending_of(path)
        self._clock = clock
        self._written = -math.inf
        self._events: list[Event] = []
        self._stream: Stream | None = None
        self._file: Growing | None = None
        self._begun = self._postponed = False

    def tick(self, stream: Stream) -> None:
        """Keep the stream, and write what was postponed."""
        self._stream = stream
        if self._postponed:
            self._write_whole_if_due()

    def take(self, event: Event) -> None:
        """Write a final; keep warnings for JSON."""
        from ..events import Final, StreamWarning

        if not isinstance(event, (Final, StreamWarning)):
            return
        if self._format not in GROWING:
            self._events.append(event)
            if isinstance(event, Final):
                self._write_whole_if_due()
        elif isinstance(event, Final):
            self._open_file()
            assert self._file is not None  # begun
            self._file.add(_transcript([event], event.end))

    def end(self) -> None:
        """Write the rest and close the file."""
        if self._stream is not None and self._stream.seconds:
            if self._format not in GROWING:
                self._write_whole()
            else:
                self._open_file()  # an empty transcript of a stream without speech
        if self._file is not None:
            self._file.close()

    def _write_whole_if_due(self) -> None:
        self._postponed = self._clock() - self._written < JSON_EVERY
        if not self._postponed:
            self._write_whole()

    def _write_whole(self) -> None:
        from ..output import write

        self._keep_earlier()
        seconds = self._stream.seconds if self._stream is not None else 0.0
        write(_transcript(self._events, seconds), self._path, self._format)
        self._written = self._clock()

    def _open_file(self) -> None:
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
    """All outputs of a run as one."""

    def __init__(self, sinks: Sequence[Sink], shown: Sink) -> None:
        """`shown` is the one on stdout, which comes last, because its reader may go away."""
        self._sinks = [*sinks, shown]
        self._shown = shown
        self.hung_up = False  # whether the terminal is gone, so that failing to write there is no error

    @classmethod
    def of(cls, args: argparse.Namespace) -> Outputs:
        """Return the outputs that the flags ask for. Raises `OutputError` for a file that cannot be opened."""
        if args.output is None:
            return cls([], _shown(args))
        file = EventFile(args.output) if ending_of(args.output) == EVENTS else TranscriptFile(args.output)
        return cls([file], _shown(args))

    def begin(self, name: str) -> None:
        """Start all outputs."""
        for sink in self._sinks:
            sink.begin(name)

    def tick(self, stream: Stream) -> None:
        """Update all outputs from the stream."""
        for sink in self._sinks:
            with self._ignoring_hangup(sink):
                sink.tick(stream)

    def take(self, event: Event) -> None:
        """Pass the next event to all outputs."""
        for sink in self._sinks:
            with self._ignoring_hangup(sink):
                sink.take(event)

    def end(self) -> None:
        """Finish all outputs, the last one first, even if others raise."""
        with ExitStack() as ends:
            for sink in self._sinks:
                ends.enter_context(self._ignoring_hangup(sink))
                ends.callback(sink.end)

    @contextmanager
    def _ignoring_hangup(self, sink: Sink) -> Iterator[None]:
        """Ignore errors of the output on stdout once the terminal is gone."""
        from ..errors import OutputError

        try:
            yield
        except (OutputError, BrokenPipeError):
            if not (self.hung_up and sink is self._shown):
                raise


def _shown(args: argparse.Namespace) -> Sink:
    if args.output_format == "txt":
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
