"""Clips of several recordings through one engine: a few minutes are gathered and read in shared batches."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ...audio import AudioSource, Blocks
from ...audio.source import can_seek
from ...bundles.manifest import Manifest
from ...engines.base import DecodeOptions, Engine
from ...errors import MalsoriError
from ...types import SAMPLE_RATE, Hypothesis, Transcript
from ..alignment.placing import Placer
from ..isolation import isolate_failures
from ..options import TranscribeOptions
from .mending import Mender
from .reading import RecordingReader
from .recording import Job, Progress, Recording
from .stitch import stitch
from .telling import SegmentTeller

MOST_GATHERED_S = 480.0  # seconds of speech gathered at most, 30 MB, unless a single clip is longer
MOST_TOLD_S = 120.0  # the same where somebody waits for the segments: four windows of Whisper
SHORT_S = 240.0  # seconds of sound; shorter recordings share engine calls
SHORT_BYTES = 1 << 20  # of a file that does not say its length: four minutes of an MP3 of 32 kbit/s


class Pool:
    """Gathers jobs and runs them; each job's recording gets the hypothesis or the error, a `teller` what was heard."""

    def __init__(
        self,
        engine: Engine,
        options: TranscribeOptions,
        progress: Callable[[Progress], None] | None,
        placer: Placer | None = None,
        teller: SegmentTeller | None = None,
    ) -> None:
        self._engine, self._teller = engine, teller
        self._placer = placer
        self._options = options
        self._progress = progress
        self._jobs: list[Job] = []
        self.gathered = 0.0  # seconds of speech
        self._found_s = self._heard_s = self._heard_before_s = 0.0
        self._running: list[int] = []  # numbers of the recordings whose clips are read now

    def push(self, job: Job) -> None:
        """Take a job, for which there must be `room`."""
        job.recording.waiting += 1
        job.recording.queued += job.clip.seconds
        job.recording.reached = job.clip.span.stop / SAMPLE_RATE
        if self._teller is not None:
            self._teller.expect(job.clip)
        self._jobs.append(job)
        self.gathered += job.clip.seconds

    def room(self, job: Job) -> bool:
        """Return whether a job can be gathered beside the others."""
        most = MOST_GATHERED_S if self._teller is None else MOST_TOLD_S
        return not self._jobs or self.gathered + job.clip.seconds <= most

    def run(self) -> Iterator[None]:
        """Run the gathered jobs, yielding behind each call of the engine, when recordings may be done.

        Calls with clips of the first recordings come first; where clips are read behind previous text, in their order.
        """
        jobs, self._jobs, self.gathered = self._jobs, [], 0.0
        self._heard_before_s, self._found_s = self._heard_s, self._heard_s + sum(job.clip.seconds for job in jobs)
        self._running = sorted({job.recording.number for job in jobs})
        calls: list[tuple[DecodeOptions, list[Job]]] = []
        for decoding, group in self._by_decoding(jobs):
            for wave in waves(group) if decoding.whisper.condition_on_previous_text else [group]:
                batches = self._engine.batches([len(job.clip.audio) for job in wave], decoding)
                calls += [(decoding, [wave[index] for index in batch]) for batch in batches]
        if not self._options.decoding.whisper.condition_on_previous_text:
            calls.sort(key=lambda call: min((job.recording.number, job.clip.span.start) for job in call[1]))
        for decoding, batch in calls:
            self._recognise(batch, decoding)
            yield
        self._heard_s = self._found_s  # jobs of failed recordings count as done

    def reading(self, recording: Recording) -> None:
        """Report progress as more of a recording was decoded."""
        if not self._jobs or self._jobs[0].recording is recording:  # else the caller waits for an earlier one
            self._report(recording, 0.0)

    def _by_decoding(self, jobs: Sequence[Job]) -> list[tuple[DecodeOptions, list[Job]]]:
        """Return the jobs by the options of their engine call: the language, and the prefix for first clips only.

        Jobs of failed recordings are dropped.
        """
        prefixed = self._options.decoding.whisper.prefix is not None
        groups: dict[tuple[str | None, bool], list[Job]] = {}
        for job in jobs:
            if job.recording.error is None:
                groups.setdefault((job.recording.language, prefixed and not job.first), []).append(job)
        return [(self._decoding(*key), group) for key, group in groups.items()]

    def _decoding(self, language: str | None, goes_on: bool) -> DecodeOptions:
        """Return the engine's options, without the prefix for clips that are not the first of their recording."""
        decoding = replace(self._options.decoding, language=language)
        return replace(decoding, whisper=replace(decoding.whisper, prefix=None)) if goes_on else decoding

    def _recognise(self, jobs: Sequence[Job], decoding: DecodeOptions) -> None:
        decoding = replace(decoding, progress=self._progress_of(jobs))
        for job, found in zip(jobs, isolate_failures(lambda some: self._retimed(some, decoding), jobs), strict=True):
            if isinstance(found, MalsoriError):
                job.recording.error = found
            else:
                hypothesis, kept = found
                job.recording.heard.append((job.clip, hypothesis))
                job.recording.not_aligned += kept
                if self._teller is not None:
                    self._teller.heard(job.clip, hypothesis)
            self._count_done(job)
        self._report(_first(jobs), 0.0)

    def _progress_of(self, jobs: Sequence[Job]) -> Callable[[float], None] | None:
        """Return a callback for the seconds that the engine has read of these jobs, each second counted once."""
        if self._progress is None:
            return None
        first, most = _first(jobs), sum(job.clip.seconds for job in jobs)
        read = 0.0

        def advance(seconds: float) -> None:
            nonlocal read
            read = min(read + seconds, most)
            self._report(first, read)

        self._report(first, 0.0)
        return advance

    def _retimed(self, jobs: Sequence[Job], decoding: DecodeOptions) -> list[tuple[Hypothesis, int]]:
        """Return hypotheses, mended and aligned as the options say, and how many segments kept the engine's times."""
        chained = decoding.whisper.condition_on_previous_text
        previous = [job.recording.last_text if chained else "" for job in jobs]
        heard = self._engine.transcribe([job.clip.audio for job in jobs], decoding, previous)
        if self._engine.fills_windows and all(job.recording.gated for job in jobs):
            heard = Mender(self._engine, decoding).mended([job.clip for job in jobs], heard)
        if self._placer is None:
            return [(hypothesis, 0) for hypothesis in heard]
        return [self._placer.retimed(job.clip.audio, said) for job, said in zip(jobs, heard, strict=True)]

    def _count_done(self, job: Job) -> None:
        job.recording.waiting -= 1
        job.recording.queued -= job.clip.seconds
        self._heard_s += job.clip.seconds

    def _report(self, recording: Recording, within: float) -> None:
        """Report the progress of a recording, of whose engine call `within` seconds were read."""
        if self._progress is not None:
            behind = recording.reported = max(recording.reported, recording.behind + min(within, recording.queued))
            found, heard = max(self._found_s, self._heard_s + within), self._heard_s + within
            done = self._done(recording, behind, heard)
            self._progress(Progress(recording.name, found, heard, recording.number, behind, recording.length, done))

    def _done(self, recording: Recording, behind: float, heard: float) -> float:
        """Return how many recordings are done; several that share calls advance together by the seconds read."""
        if len(self._running) > 1 and recording.number in self._running:
            share = (heard - self._heard_before_s) / (self._found_s - self._heard_before_s)
            return self._running[0] - 1 + share * len(self._running)
        return recording.number - 1 + (min(1.0, behind / recording.length) if recording.length else 0.0)


def _first(jobs: Sequence[Job]) -> Recording:
    return min((job.recording for job in jobs), key=lambda recording: recording.number)


def waves(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Yield the first clips of all recordings, then the second ones, and so on: each may need the text before it."""
    numbered: dict[int, list[Job]] = {}
    counts: Counter[int] = Counter()
    for job in jobs:
        counts[id(job.recording)] += 1
        numbered.setdefault(counts[id(job.recording)], []).append(job)
    yield from numbered.values()


def transcripts(
    sources: Iterable[AudioSource],
    reader: RecordingReader,
    pool: Pool,
    manifest: Manifest,
    options: TranscribeOptions,
    *,
    warnings: tuple[str, ...],
) -> Iterator[Transcript | MalsoriError]:
    """Yield one result per source, in order, each with the `warnings`."""
    certain, words = options.decoding.language or manifest.only_language, options.decoding.word_timestamps
    for recording in heard(sources, reader, pool, warnings):
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
