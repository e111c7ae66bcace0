"""The steps of all sources to transcripts, in order: clips are pooled, and a recording is stitched when it is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing
from functools import partial

from ...engines.base import Engine
from ...errors import MalsoriError
from ...types import Transcript
from .pool import Pool
from .reading import concerns_run
from .recording import Job, Recording
from .spoken_language import LanguageDetection
from .steps import ClipsFound, SourceOpened, SourceReading, SourceReadings
from .stitch import stitch


def transcripts(
    readings: SourceReadings, pool: Pool, engine: Engine
) -> Generator[Transcript | MalsoriError, None, None]:
    """Yield one result per source, in order: its transcript or its error."""
    with closing(readings):
        for recording in Gatherer(pool, engine).heard(readings):
            decoding = recording.options.decoding
            certain, words = decoding.language or engine.manifest.only_language, decoding.word_timestamps
            yield recording.error or stitch(recording, model=engine.manifest.name, certain=certain, words=words)


class Gatherer:
    """Gathers the clips of several recordings in the pool, and runs it when it is full or would have to wait."""

    def __init__(self, pool: Pool, engine: Engine) -> None:
        self._pool = pool
        self._engine = engine
        self._queue: deque[Recording] = deque()

    def heard(self, readings: SourceReadings) -> Iterator[Recording]:
        """Yield the recording of each source when it is done, in order."""
        number = 0
        while True:
            if self._pool.gathered and readings.waits():
                yield from self._run()
            try:
                reading = next(readings, None)
            except Exception:  # of the caller's iterable: the sources that it gave are heard
                yield from self._run()
                raise
            if reading is None:
                break
            number += 1
            self._queue.append(Recording(number=number))
            yield from self._gather(reading, self._queue[-1], hurries=readings.hurries)
        yield from self._run()

    def _gather(self, reading: SourceReading, recording: Recording, *, hurries: bool) -> Iterator[Recording]:
        """Take the steps of a reading, to its end or to the first error; yield recordings that are done meanwhile."""
        alone = False
        with closing(reading.steps(partial(self._advance, recording))) as steps:
            while recording.error is None and not recording.read:
                if self._pool.gathered and reading.waits():
                    yield from self._run()
                step = next(steps)
                if isinstance(step, SourceOpened):
                    recording.begin(step)
                    alone = hurries and not step.short
                    if alone:
                        yield from self._run()
                elif isinstance(step, ClipsFound):
                    yield from self._take(step, recording)
                else:
                    recording.end(step)
        if alone:
            yield from self._run()
        yield from self._done()

    def _take(self, found: ClipsFound, recording: Recording) -> Iterator[Recording]:
        """Push clips into the pool, which is run when it has no room for one."""
        recording.samples = found.samples
        if found.first:
            self._set_language(found, recording)
        for index, clip in enumerate(found.clips):
            job = Job(recording, clip, first=found.first and index == 0)
            if not self._pool.room(job):
                yield from self._run()
            if recording.error is None:  # its earlier clips may have failed meanwhile
                self._pool.push(job)

    def _set_language(self, found: ClipsFound, recording: Recording) -> None:
        detection = LanguageDetection(self._engine, recording.options)
        try:
            if language := detection.language(found.clips):
                recording.language, recording.language_probability = language
        except MalsoriError as error:
            if concerns_run(error, asked=recording.asked):
                raise
            recording.error = error

    def _advance(self, recording: Recording, samples: int) -> None:
        """Report that so many samples of a recording were decoded."""
        recording.samples = samples
        self._pool.reading(recording)

    def _run(self) -> Iterator[Recording]:
        for _ in self._pool.run():
            yield from self._done()
        yield from self._done()

    def _done(self) -> Iterator[Recording]:
        """Yield the recordings that are done from the front of the queue."""
        while self._queue and self._queue[0].done:
            yield self._queue.popleft()
