"""The sources of a run, opened, decoded and gated by threads before the run asks for them, in bounded memory.

The threads take sources in turn, each reads one to its end, and the run takes their steps in the order of the sources.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial

from ...audio import AudioSource
from .reading import RecordingReader
from .serial import is_pipe
from .source_request import SourceRequest, request_of
from .steps import ClipsFound, SourceEnded, Step

MOST_TAKEN = 64  # sources that are taken before the run asks for them
MOST_AHEAD_S = 240.0  # seconds of speech held of the source that the run is at, and as much of all behind it: 30 MB
PATIENCE_S = 0.5  # seconds for which the run waits before it hears what was gathered
CLOSING_S = 5.0  # seconds for which threads are waited for at the end of a run: they stop at the next block


class Stopped(Exception):
    """Raised in a thread whose work nobody wants any more."""


class Ahead:
    """Reads sources in `threads`, which begin with the first call and end with `close`."""

    hurries = False  # who reads ahead asks for all recordings soon, and not for one of them at once

    def __init__(self, sources: Iterable[AudioSource | SourceRequest], reader: RecordingReader, threads: int) -> None:
        self._sources = iter(sources)
        self._reader = reader
        lock = threading.Lock()  # of all that follows
        self._arrived = threading.Condition(lock)  # for the run
        self._room = threading.Condition(lock)  # for the threads
        self._taken: deque[AheadReading] = deque()
        self._current: AheadReading | None = None  # that the run is at
        self._asking = self._exhausted = self._closed = False  # `_asking`: one thread at a time asks the iterable
        self._error: BaseException | None = None  # of the iterable
        self._outside: set[threading.Thread] = set()  # those in code of the caller, which may wait for ever
        names = (f"malsori-ahead-{number}" for number in range(1, threads + 1))
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]

    def waits(self) -> bool:
        """Return whether the next source was not given within `PATIENCE_S`."""
        self._start()
        with self._arrived:
            return not self._arrived.wait_for(self._has_next, PATIENCE_S)

    def __iter__(self) -> Iterator[AheadReading]:
        return self

    def __next__(self) -> AheadReading:
        """Return the reading of the next source. Raises as the iterable did, behind all that it gave."""
        self._start()
        with self._arrived:
            self._arrived.wait_for(self._has_next)
            self._current = self._taken.popleft() if self._taken else None
            self._room.notify_all()
            if self._current is not None:
                return self._current
            error, self._error = self._error, None
        if error is not None:
            raise error
        raise StopIteration

    def close(self) -> None:
        """End the threads, but for those that wait in the caller's code: they end when it returns."""
        with self._room:
            self._closed = True
            self._taken.clear()
            self._room.notify_all()
            ending = [thread for thread in self._threads if thread.ident and thread not in self._outside]
        latest = time.monotonic() + CLOSING_S
        for thread in ending:
            thread.join(max(0.0, latest - time.monotonic()))

    def step_of(self, reading: AheadReading, told: int) -> Step | BaseException | int:
        """Return the next step of a reading, or the samples decoded so far where these are more than `told` first."""
        with self._arrived:
            self._arrived.wait_for(lambda: reading.found or reading.samples > told)
            if not reading.found:
                return reading.samples
            self._room.notify_all()
            return reading.found.popleft()

    def arrives(self, reading: AheadReading) -> bool:
        """Return whether the next step of a reading comes within `PATIENCE_S`."""
        with self._arrived:
            return self._arrived.wait_for(lambda: bool(reading.found), PATIENCE_S)

    def drop(self, reading: AheadReading) -> None:
        """End the reading of a source."""
        with self._room:
            reading.dropped = True
            self._room.notify_all()

    def _start(self) -> None:
        for thread in self._threads:
            if not thread.ident:
                thread.start()

    def _has_next(self) -> bool:
        return bool(self._taken) or self._exhausted

    @property
    def _ended(self) -> bool:
        return self._closed or self._exhausted

    def _work(self) -> None:
        while (reading := self._take()) is not None:
            with suppress(Stopped):
                self._read(reading)

    def _take(self) -> AheadReading | None:
        """Take the next source when there is room for it; return None behind the last one, and when it is closed."""
        with self._room:
            self._room.wait_for(lambda: self._ended or (not self._asking and len(self._taken) < MOST_TAKEN))
            if self._ended:
                return None
            self._asking = True
        reading, error = self._ask()
        with self._room:
            self._room.notify_all()
            self._arrived.notify_all()
            self._asking, self._exhausted, self._error = False, reading is None, error
            if self._closed or reading is None:
                return None
            self._taken.append(reading)
            return reading

    def _ask(self) -> tuple[AheadReading | None, BaseException | None]:
        """Ask the iterable for the next source; return its reading, or the error that was raised, or neither."""
        try:
            with self._in_callers_code():
                return AheadReading(request_of(next(self._sources)), self), None
        except (StopIteration, Stopped):
            return None, None
        except BaseException as error:
            return None, error

    def _read(self, reading: AheadReading) -> None:
        with closing(self._reader.steps(reading.request, partial(self._advance, reading))) as steps:
            try:
                if is_pipe(reading.request.source):
                    with self._in_callers_code():
                        first = next(steps)
                    self._put(reading, first)
                for step in steps:
                    self._put(reading, step)
            except Stopped:
                raise
            except BaseException as error:  # of the run, or of the caller's code: the run raises it in its place
                self._put(reading, error)

    def _advance(self, reading: AheadReading, samples: int) -> None:
        with self._arrived:
            self._check_wanted(reading)
            reading.samples = samples
            if reading is self._current:
                self._arrived.notify_all()

    def _put(self, reading: AheadReading, step: Step | BaseException) -> None:
        with self._room:
            self._room.wait_for(lambda: self._closed or reading.dropped or self._fits(reading, seconds_of(step)))
            self._check_wanted(reading)
            reading.found.append(step)
            self._arrived.notify_all()

    def _fits(self, reading: AheadReading, seconds: float) -> bool:
        """Return whether so much more speech of a source may be held."""
        if reading is self._current:
            return not reading.found or reading.held + seconds <= MOST_AHEAD_S
        return not seconds or sum(each.held for each in self._taken) + seconds <= MOST_AHEAD_S

    def _check_wanted(self, reading: AheadReading) -> None:
        if self._closed or reading.dropped:
            raise Stopped

    @contextmanager
    def _in_callers_code(self) -> Iterator[None]:
        with self._room:
            if self._closed:
                raise Stopped
            self._outside.add(threading.current_thread())
        try:
            yield
        finally:
            with self._room:
                self._outside.discard(threading.current_thread())


class AheadReading:
    """The reading of one source by a thread of `Ahead`, whose lock guards it."""

    def __init__(self, request: SourceRequest, ahead: Ahead) -> None:
        self.request = request
        self.found: deque[Step | BaseException] = deque()
        self.samples = 0  # decoded so far
        self.dropped = False
        self._ahead = ahead

    @property
    def held(self) -> float:
        """Seconds of speech held."""
        return sum(map(seconds_of, self.found))

    def waits(self) -> bool:
        """Return whether the next step did not come within `PATIENCE_S`."""
        return not self._ahead.arrives(self)

    def steps(self, advanced: Callable[[int], None]) -> Generator[Step, None, None]:
        """Yield the steps as they come; what the thread raised is raised in its place."""
        told = 0
        try:
            while True:
                step = self._ahead.step_of(self, told)
                if isinstance(step, int):
                    told = step
                    advanced(told)
                elif isinstance(step, BaseException):
                    raise step
                else:
                    yield step
                    if isinstance(step, SourceEnded):
                        return
        finally:
            self._ahead.drop(self)


def seconds_of(step: Step | BaseException) -> float:
    """Return the seconds of speech that a step holds."""
    return sum(clip.seconds for clip in step.clips) if isinstance(step, ClipsFound) else 0.0
