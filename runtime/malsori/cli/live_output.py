"""Where the events of `malsori live` go: JSON lines, plain text or the view, and a file beside."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from .console import complain, emit, printable
from .live_flags import EVENTS

if TYPE_CHECKING:
    from ..events import Event
    from ..pipeline.live.stream import Stream


class Sink:
    """Takes the events of a stream, one by one, and shows or keeps what there is to be shown or kept."""

    def begin(self, name: str) -> None:
        """Be told that `name` is listened to now."""

    def tick(self, stream: Stream) -> None:
        """Be told, many times a second, that the stream goes on."""

    def take(self, event: Event) -> None:
        """Take the next event."""
        raise NotImplementedError

    def end(self) -> None:
        """Be told that it is over, however it ended, also before it began."""


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
        self._path = path
        self._file: TextIO = _appending(path)

    def take(self, event: Event) -> None:
        """Append the event."""
        from ..errors import OutputError

        try:
            self._file.write(_line(event))
            self._file.flush()
        except OSError as error:
            raise OutputError(f"{self._path}: cannot be written, {error.strerror or error}") from error

    def end(self) -> None:
        """Close the file."""
        self._file.close()


class TranscriptFile(Sink):
    """What was said as a transcript, written whole in the end. Where no sound came, the file stays as it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: list[Event] = []
        self._stream: Stream | None = None

    def tick(self, stream: Stream) -> None:
        """Note which stream it is."""
        self._stream = stream

    def take(self, event: Event) -> None:
        """Keep what the transcript is made of."""
        from ..events import Final, StreamWarning

        if isinstance(event, (Final, StreamWarning)):
            self._told.append(event)

    def end(self) -> None:
        """Write the transcript."""
        from ..output import write
        from ..pipeline.live.listen import transcript_of

        if self._stream is not None and self._stream.seconds:
            write(transcript_of(self._told, self._stream.seconds), self._path, self._path.suffix.lower()[1:])


class Outputs(Sink):
    """All places that the events go to, as one."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks

    @classmethod
    def of(cls, args: argparse.Namespace) -> Outputs:
        """Return what the flags ask for. Raises `OutputError` for a file that cannot be opened."""
        if args.output is None:
            return cls([_shown(args)])
        file = EventFile(args.output) if args.output.suffix.lower() == f".{EVENTS}" else TranscriptFile(args.output)
        return cls([file, _shown(args)])  # the file first, because whoever reads the other may go away

    def begin(self, name: str) -> None:
        """Tell all that `name` is listened to now."""
        for sink in self._sinks:
            sink.begin(name)

    def tick(self, stream: Stream) -> None:
        """Tell all that the stream goes on."""
        for sink in self._sinks:
            sink.tick(stream)

    def take(self, event: Event) -> None:
        """Hand on the next event."""
        for sink in self._sinks:
            sink.take(event)

    def end(self) -> None:
        """Tell all that it is over, the last one first, whatever the others raise."""
        with ExitStack() as ends:
            for sink in self._sinks:
                ends.callback(sink.end)


def _shown(args: argparse.Namespace) -> Sink:
    if args.output_format == "text":
        return PlainText(quiet=args.quiet)
    if args.output_format is None and _on_terminal():
        from .live_view import View

        return View()
    return JsonLines()


def _line(event: Event) -> str:
    return json.dumps(event.to_dict(), ensure_ascii=False) + "\n"


def _on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _appending(path: Path) -> TextIO:
    from ..errors import OutputError

    try:
        return open(path, "a", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written, {error.strerror or error}") from error
