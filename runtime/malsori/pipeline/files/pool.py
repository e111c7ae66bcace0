"""Clips of several recordings through one engine: a few minutes are gathered and read in shared batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ...engines.base import DecodeOptions, Engine
from ...errors import MalsoriError, OptionError
from ...types import SAMPLE_RATE, Hypothesis
from ..alignment.placing import Placer
from ..isolation import isolate_failures
from .mending import Mender
from .recording import Job, Progress, Recording
from .telling import SegmentTeller

MOST_GATHERED_S = 480.0  # seconds of speech gathered at most, 30 MB, unless a single clip is longer
MOST_TOLD_S = 120.0  # the same where somebody waits for the segments: four windows of Whisper


class Pool:
    """Gathers jobs and runs them; each job's recording gets the hypothesis or the error, a `teller` what was heard."""

    def __init__(
        self,
        engine: Engine,
        progress: Callable[[Progress], None] | None,
        placer: Placer | None = None,
        teller: SegmentTeller | None = None,
    ) -> None:
        self._engine, self._teller = engine, teller
        self._placer = placer
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
        for decoding, batch in self._calls(jobs):
            self._recognise(batch, decoding)
            yield
        self._heard_s = self._found_s  # jobs of failed recordings count as done

    def reading(self, recording: Recording) -> None:
        """Report progress as more of a recording was decoded."""
        if not self._jobs or self._jobs[0].recording is recording:  # else the caller waits for an earlier one
            self._report(recording, 0.0)

    def _calls(self, jobs: Sequence[Job]) -> list[tuple[DecodeOptions, list[Job]]]:
        """Return the jobs of each engine call with its options, in the order in which `run` makes them."""
        free, chained = list[tuple[DecodeOptions, list[Job]]](), list[tuple[DecodeOptions, list[Job]]]()
        for decoding, group in by_decoding(jobs):
            in_order = decoding.whisper.condition_on_previous_text
            for wave in waves(group) if in_order else [group]:
                batches = self._engine.batches([len(job.clip.audio) for job in wave], decoding)
                (chained if in_order else free).extend(
                    (decoding, [wave[index] for index in batch]) for batch in batches
                )
        free.sort(key=lambda call: min((job.recording.number, job.clip.span.start) for job in call[1]))
        return free + chained

    def _recognise(self, jobs: Sequence[Job], decoding: DecodeOptions) -> None:
        decoding = replace(decoding, progress=self._progress_of(jobs))
        # Wrong options of the run end it; those that recordings asked for cost these.
        theirs = (OptionError,) if all(job.recording.asked for job in jobs) else ()
        results = isolate_failures(lambda some: self._retimed(some, decoding), jobs, *theirs)
        for job, found in zip(jobs, results, strict=True):
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


def by_decoding(jobs: Sequence[Job]) -> list[tuple[DecodeOptions, list[Job]]]:
    """Return the jobs by the options of their engine call: their recording's, with its language.

    Only first clips have the prefix. Jobs of failed recordings are dropped.
    """
    groups: dict[DecodeOptions, list[Job]] = {}
    for job in jobs:
        if job.recording.error is None:
            groups.setdefault(_decoding_of(job), []).append(job)
    return list(groups.items())


def _decoding_of(job: Job) -> DecodeOptions:
    decoding = replace(job.recording.options.decoding, language=job.recording.language)
    goes_on = decoding.whisper.prefix is not None and not job.first
    return replace(decoding, whisper=replace(decoding.whisper, prefix=None)) if goes_on else decoding


def waves(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Yield the first clips of all recordings, then the second ones, and so on: each may need the text before it."""
    numbered: dict[int, list[Job]] = {}
    counts: Counter[int] = Counter()
    for job in jobs:
        counts[id(job.recording)] += 1
        numbered.setdefault(counts[id(job.recording)], []).append(job)
    yield from numbered.values()
