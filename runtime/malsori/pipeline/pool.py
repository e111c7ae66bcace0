"""Speech of several recordings through one engine: a few minutes are gathered, sorted into batches, and handed back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ..engines.base import DecodeOptions, Engine
from ..errors import MalsoriError
from ..types import Hypothesis
from .blame import blamed
from .mending import Mender
from .options import TranscribeOptions
from .progress import Progress
from .recording import Job
from .word_times import Placer

WINDOW_SECONDS = 480.0  # of speech gathered at most, if in several pieces: 30 MB; more would only delay results


class Pool:
    """Gathers jobs and runs them; what was heard, or the error, is left in each job's recording."""

    def __init__(
        self,
        engine: Engine,
        options: TranscribeOptions,
        progress: Callable[[Progress], None] | None,
        placer: Placer | None = None,
    ) -> None:
        self._engine = engine
        self._placer = placer
        self._options = options
        self._progress = progress
        self._jobs: list[Job] = []
        self._gathered = 0.0
        self._heard = 0.0

    def push(self, job: Job) -> None:
        """Take a job, and run all that were gathered when they are enough."""
        if self._gathered + job.clip.seconds > WINDOW_SECONDS:
            self.flush()
        job.recording.waiting += 1
        self._jobs.append(job)
        self._gathered += job.clip.seconds
        if self._gathered >= WINDOW_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Run what was gathered."""
        jobs, self._jobs, self._gathered = self._jobs, [], 0.0
        found = self._heard + sum(job.clip.seconds for job in jobs)
        for decoding, group in self._alike(jobs):
            for wave in waves(group) if decoding.whisper.condition_on_previous_text else [group]:
                for batch in self._engine.batches([len(job.clip.audio) for job in wave], decoding):
                    self._tell(jobs, found)
                    self._recognise([wave[index] for index in batch], decoding)
        self._heard = found  # what fell away counts as done
        self._tell(jobs, found)

    def _alike(self, jobs: Sequence[Job]) -> list[tuple[DecodeOptions, list[Job]]]:
        """Return the jobs by what an engine call has one of: a language, and a prefix where their recordings begin.

        Those whose recording has failed fall away.
        """
        prefixed = self._options.whisper.prefix is not None
        groups: dict[tuple[str | None, bool], list[Job]] = {}
        for job in jobs:
            if job.recording.error is None:
                groups.setdefault((job.recording.language, prefixed and not job.opens), []).append(job)
        return [(self._decoding(*key), group) for key, group in groups.items()]

    def _decoding(self, language: str | None, goes_on: bool) -> DecodeOptions:
        """Return the engine's options, without the prefix for what goes on with a recording."""
        decoding = self._options.decoding(language)
        return replace(decoding, whisper=replace(decoding.whisper, prefix=None)) if goes_on else decoding

    def _recognise(self, jobs: Sequence[Job], decoding: DecodeOptions) -> None:
        for job, found in zip(jobs, blamed(lambda some: self._retimed(some, decoding), jobs), strict=True):
            if isinstance(found, MalsoriError):
                job.recording.error = found
            else:
                hypothesis, kept = found
                job.recording.heard.append((job.clip, hypothesis))
                job.recording.not_aligned += kept
            self._settle(job)

    def _retimed(self, jobs: Sequence[Job], decoding: DecodeOptions) -> list[tuple[Hypothesis, int]]:
        """Return what was heard, with its words' times as they are wanted; how many segments keep their engine's."""
        chained = decoding.whisper.condition_on_previous_text
        previous = [job.recording.last_text if chained else "" for job in jobs]
        heard = self._engine.transcribe([job.clip.audio for job in jobs], decoding, previous)
        if self._engine.fills_windows and all(job.recording.gated for job in jobs):
            heard = Mender(self._engine, decoding).mended([job.clip for job in jobs], heard)
        if self._placer is None:
            return [(hypothesis, 0) for hypothesis in heard]
        return [self._placer.retimed(job.clip.audio, said) for job, said in zip(jobs, heard, strict=True)]

    def _settle(self, job: Job) -> None:
        job.recording.waiting -= 1
        self._heard += job.clip.seconds

    def _tell(self, jobs: Sequence[Job], found: float) -> None:
        if self._progress is not None and jobs:
            self._progress(Progress(jobs[-1].recording.name, found, self._heard))


def waves(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Yield the first clip of each recording, then the second of each, and so on: each may hear what came before."""
    numbered: dict[int, list[Job]] = {}
    counts: Counter[int] = Counter()
    for job in jobs:
        counts[id(job.recording)] += 1
        numbered.setdefault(counts[id(job.recording)], []).append(job)
    yield from numbered.values()
