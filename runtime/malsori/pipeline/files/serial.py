"""The sources of a run, each read when its turn comes, in the thread that asks for it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator

from ...audio import AudioSource
from ...audio.source import can_seek
from .reading import RecordingReader
from .source_request import SourceRequest, request_of
from .steps import Step


class Serial:
    """Reads the sources one after another."""

    hurries = True  # for a long recording, so that it comes as soon as it was heard

    def __init__(self, sources: Iterable[AudioSource | SourceRequest], reader: RecordingReader) -> None:
        self._sources = iter(sources)
        self._reader = reader

    def waits(self) -> bool:
        """Return False: an iterable does not tell."""
        return False

    def __iter__(self) -> Iterator[SerialReading]:
        return self

    def __next__(self) -> SerialReading:
        """Return the reading of the next source."""
        return SerialReading(request_of(next(self._sources)), self._reader)

    def close(self) -> None:
        """Do nothing: a reading ends with its steps."""


class SerialReading:
    """The reading of one source, which begins when its first step is asked for."""

    def __init__(self, request: SourceRequest, reader: RecordingReader) -> None:
        self._request = request
        self._reader = reader
        self._begun = False

    def waits(self) -> bool:
        """Return whether it is a pipe that is to be opened: that takes until all of it was written."""
        return not self._begun and is_pipe(self._request.source)

    def steps(self, advanced: Callable[[int], None]) -> Generator[Step, None, None]:
        """Yield the steps."""
        self._begun = True
        yield from self._reader.steps(self._request, advanced)


def is_pipe(source: AudioSource) -> bool:
    """Return whether a source is a pipe, whose opening waits until all of it was written."""
    return hasattr(source, "read") and not can_seek(source)
