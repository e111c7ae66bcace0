"""Sources to transcripts: which recordings share engine calls, and when each of them is done."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ...audio import AudioSource, Blocks
from ...audio.source import can_seek
from ...engines.base import Engine
from ...errors import MalsoriError
from ...types import Transcript
from ...vad import Detector
from ..alignment.placing import placer_of
from ..options import Loading, TranscribeOptions
from .pool import Pool
from .reading import RecordingReader
from .recording import Progress, Recording
from .stitch import stitch
from .telling import OnSegments, SegmentTeller

SHORT_S = 240.0  # seconds of sound; shorter recordings share engine calls
SHORT_BYTES = 1 << 20  # of a file that does not say its length: four minutes of an MP3 of 32 kbit/s


class FileRun:
    """One run of a model over recordings, with options that were checked; each transcript has the `warnings`.

    `on_segments` is for a run with a single recording. `loading` says how a model is loaded that an option names.
    """

    def __init__(
        self,
        engine: Engine,
        detector: Callable[[], Detector],
        loading: Loading,
        options: TranscribeOptions,
        warnings: tuple[str, ...],
        *,
        progress: Callable[[Progress], None] | None = None,
        on_segments: OnSegments | None = None,
    ) -> None:
        """Raise as `load` where a model that an option names cannot be had."""
        self._engine, self._options, self._warnings = engine, options, warnings
        words = options.decoding.word_timestamps
        placer = None if options.align_with is None else placer_of(options.align_with, loading)
        teller = None if on_segments is None else SegmentTeller(on_segments, words=words)
        self._pool = Pool(engine, options, progress, placer, teller)
        self._reader = RecordingReader(engine, detector, options, self._pool.reading)

    def transcript(self, source: AudioSource) -> Transcript:
        """Return the result of a single source, or raise its error."""
        found = next(self.transcripts([source], raising=True))
        assert isinstance(found, Transcript)
        return found

    def transcripts(self, sources: Iterable[AudioSource], *, raising: bool) -> Iterator[Transcript | MalsoriError]:
        """Yield one result per source, in order; with `raising` raise the first error."""
        manifest, decoding = self._engine.manifest, self._options.decoding
        certain, words = decoding.language or manifest.only_language, decoding.word_timestamps
        for recording in heard(sources, self._reader, self._pool, self._warnings):
            if recording.error is not None and raising:
                raise recording.error
            yield recording.error or stitch(recording, model=manifest.name, certain=certain, words=words)


def heard(
    sources: Iterable[AudioSource], reader: RecordingReader, pool: Pool, warnings: tuple[str, ...]
) -> Iterator[Recording]:
    """Yield the recording of each source when it is done, in order; each begins with the `warnings`."""
    queue: deque[Recording] = deque()

    def run() -> Iterator[Recording]:
        for _ in pool.run():
            yield from _done(queue)

    for number, source in enumerate(sources, 1):
        if _may_wait(source):
            yield from run()
        queue.append(Recording(number=number, warnings=warnings))
        blocks = reader.begin(source, queue[-1])
        short = blocks is None or _is_short(source, blocks)
        if not short:
            yield from run()
        for job in reader.jobs(blocks, queue[-1]) if blocks is not None else ():
            if not pool.room(job):
                yield from run()
            pool.push(job)
        if not short:
            yield from run()
        yield from _done(queue)
    yield from run()
    yield from _done(queue)


def _done(queue: deque[Recording]) -> Iterator[Recording]:
    """Yield the recordings that are done from the front of the queue."""
    while queue and queue[0].done:
        yield queue.popleft()


def _may_wait(source: AudioSource) -> bool:
    """Return whether a source is a pipe, whose opening waits until all of it was written."""
    return hasattr(source, "read") and not can_seek(source)


def _is_short(source: AudioSource, blocks: Blocks) -> bool:
    if blocks.promised is not None:
        return blocks.promised <= SHORT_S
    if isinstance(source, (str, Path)):
        with suppress(OSError):  # opened, and taken away since
            return os.path.getsize(source) <= SHORT_BYTES
    return isinstance(source, (bytes, bytearray, memoryview)) and len(source) <= SHORT_BYTES
