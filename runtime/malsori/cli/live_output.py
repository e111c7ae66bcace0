"""Where the events of `malsori live` go: JSON lines, plain text or the view, and a file beside."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from .console import complain, emit, printable
from .live_flags import EVENTS

if TYPE_CHECKING:
    from ..events import Event
    from ..pipeline.live.stream import Stream


class Sink:
    """Takes the events of a stream, one by one, and shows what there is to be shown. A context, while it is in use."""

    def __enter__(self) -> Sink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def begin(self, name: str) -> None:
        """Be told that `name` is listened to now."""

    def tick(self, stream: Stream) -> None:
        """Be told, many times a second, that the stream goes on."""

    def take(self, event: Event) -> None:
        """Take the next event."""
        raise NotImplementedError


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


class EventFile:
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

    def close(self, seconds: float) -> None:
        """Close the file."""
        self._file.close()


class TranscriptFile:
    """What was said as a transcript, written whole when the stream ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: list[Event] = []

    def take(self, event: Event) -> None:
        """Keep what the transcript is made of."""
        from ..events import Final, StreamWarning

        if isinstance(event, (Final, StreamWarning)):
            self._told.append(event)

    def close(self, seconds: float) -> None:
        """Write the transcript of a stream of `seconds`."""
        from ..output import write
        from ..pipeline.live.listen import transcript_of

        write(transcript_of(self._told, seconds), self._path, self._path.suffix.lower()[1:])


class Outputs:
    """All places that the events go to. A context: the transcript is written in the end."""

    def __init__(self, shown: Sink, file: EventFile | TranscriptFile | None) -> None:
        self._shown, self._file = shown, file
        self._seconds = 0.0

    @classmethod
    def of(cls, args: argparse.Namespace) -> Outputs:
        """Return what the flags ask for. Raises `OutputError` for a file that cannot be opened."""
        file = None
        if args.output is not None:
            file = EventFile(args.output) if args.output.suffix.lower() == f".{EVENTS}" else TranscriptFile(args.output)
        return cls(_shown(args), file)

    def __enter__(self) -> Outputs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shown.__exit__(kind, error, trace)
        if self._file is not None:
            self._file.close(self._seconds)

    def begin(self, name: str) -> None:
        """Show that `name` is listened to now."""
        self._shown.begin(name)

    def take(self, event: Event, stream: Stream) -> None:
        """Take the next event."""
        self._seconds = stream.seconds
        if self._file is not None:  # first, because whoever reads the other may go away
            self._file.take(event)
        self._shown.take(event)

    def tick(self, stream: Stream) -> None:
        """Be told that the stream goes on."""
        self._seconds = stream.seconds
        self._shown.tick(stream)


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
