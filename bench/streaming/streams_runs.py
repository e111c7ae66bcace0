"""So many streams, fed in real time: how long their finals take, and how many streams an engine bears."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from malsori import SAMPLE_RATE, Audio, TranscribeOptions, Transcriber
from malsori.engines.base import DecodeOptions, Engine
from malsori.errors import EngineError, MalsoriError
from malsori.events import Event, StreamWarning
from malsori.pipeline.live.stream import Stream
from malsori.pipeline.sharing.scheduler import Scheduler
from malsori.pipeline.sharing.scheduling import Hear, Outcome

BLOCK = SAMPLE_RATE // 10
LIMIT_S = 1.0
MOST_STALE = 0.1  # share of partials that may be dropped
RUN_S = 20.0  # seconds of a run, and more where streams are few
FINALS = 40  # that a run should have, as far as `LONGEST_S` allows
LONGEST_S = 45.0
GIVEN_UP_S = 20.0  # after the last block
RUNS = 6  # of one case at most


@dataclass(frozen=True, slots=True)
class Case:
    """A loaded model, and whether its streams have partials."""

    name: str
    transcriber: Transcriber
    partials: bool


@dataclass(frozen=True, slots=True)
class Run:
    """So many streams: how long their finals took, partials done and dropped, how late 95 % of the blocks were fed."""

    streams: int
    waits: tuple[float, ...]
    partials: int
    stale: int
    late_s: float

    @property
    def p95_s(self) -> float:
        """Seconds that 95 % of the finals took at most."""
        return percentile(self.waits)

    @property
    def kept(self) -> bool:
        """Whether there were finals, they came in time, and the sound as well."""
        return bool(self.waits) and self.p95_s < LIMIT_S and self.late_s < LIMIT_S

    @property
    def dropped(self) -> float:
        """Share of the partials that were dropped."""
        return self.stale / max(self.partials + self.stale, 1)


def percentile(values: Sequence[float]) -> float:
    """Return what 95 % of the values are at most; 0 of none."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1] if values else 0.0


class TimedScheduler(Scheduler):
    """Notes how long each final takes, from the end of its utterance to its outcome, and which fail."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.errors: list[MalsoriError] = []
        self._asked = 0
        self._given_up = False

    def final(
        self,
        engine: Engine,
        clip: Audio,
        options: DecodeOptions,
        done: Callable[[Outcome], None],
        owner: object = None,
        hear: Hear | None = None,
    ) -> None:
        """As any scheduler, and note the time."""
        begun = time.perf_counter()
        self._asked += 1

        def told(outcome: Outcome) -> None:
            if isinstance(outcome, MalsoriError) and not self._given_up:
                self.errors.append(outcome)
            self.waits.append(time.perf_counter() - begun)
            done(outcome)

        super().final(engine, clip, options, told, owner, hear)

    def wait(self, timeout: float) -> None:
        """Wait for the finals; those that are not out in time are late from then on, and have not failed."""
        until = time.perf_counter() + timeout
        while len(self.waits) < self._asked and time.perf_counter() < until:
            time.sleep(0.01)
        self._given_up = True


def measured(case: Case, options: TranscribeOptions, tracks: Sequence[Audio], first: int, growth: float) -> list[Run]:
    """Return runs of ever more streams from `first` on, until one does not keep the limit, and one between the last.

    Where partials are wanted, also of ever fewer, until most of the partials come.
    """
    runs: list[Run] = []
    streams = max(1, first)
    while not runs or (runs[-1].kept and len(runs) < RUNS) or (streams >= 1 and not any(run.kept for run in runs)):
        runs.append(streamed(case, options, tracks, streams))
        streams = math.ceil(streams * growth + 0.01) if runs[-1].kept else streams // 2
    kept = max((run.streams for run in runs if run.kept), default=0)
    above = min((run.streams for run in runs if not run.kept), default=kept)
    if above - kept > max(1, kept // 8):
        runs.append(streamed(case, options, tracks, (kept + above) // 2))
    while (
        case.partials and (least := min(runs, key=lambda run: run.streams)).dropped > MOST_STALE and least.streams > 1
    ):
        runs.append(streamed(case, options, tracks, least.streams // 2))
    return sorted(runs, key=lambda run: run.streams)


def streamed(case: Case, options: TranscribeOptions, tracks: Sequence[Audio], streams: int) -> Run:
    """Feed so many streams in real time. Raises `EngineError` where the engine failed: no time is one of a failure."""
    seconds = min(max(RUN_S, FINALS * 6 / streams), LONGEST_S)
    scheduler = TimedScheduler()
    try:
        opened = [case.transcriber.stream(options, partials=case.partials, scheduler=scheduler) for _ in range(streams)]
        late = fed(opened, tracks, seconds)
        scheduler.wait(GIVEN_UP_S)
        for stream in opened:
            check(stream.poll())
    finally:
        scheduler.close(timeout=0.0)
    if scheduler.errors:
        raise scheduler.errors[0]
    counters = scheduler.counters
    run = Run(streams, tuple(scheduler.waits), counters.partials, counters.stale, late)
    print(
        f"  {streams}: p95 {run.p95_s:.3f} s of {len(run.waits)}, {run.dropped:.0%} dropped, {late:.2f} s late",
        flush=True,
    )
    return run


def fed(streams: Sequence[Stream], tracks: Sequence[Audio], seconds: float) -> float:
    """Push a block to each stream every 100 ms, in turn; return the seconds by which 95 % of them were late at most."""
    starts = [round(7.3 * SAMPLE_RATE) * index for index in range(len(streams))]
    begun, late = time.perf_counter(), []
    for turn in range(round(seconds * SAMPLE_RATE / BLOCK)):
        for index, stream in enumerate(streams):
            due = begun + (turn + index / len(streams)) * BLOCK / SAMPLE_RATE
            if (early := due - time.perf_counter()) > 0:
                time.sleep(early)
            late.append(max(0.0, -early))
            track = tracks[index % len(tracks)]
            check(stream.push(np.take(track, np.arange(BLOCK) + starts[index], mode="wrap")))
            starts[index] = (starts[index] + BLOCK) % len(track)
    return percentile(late)


def check(events: Iterable[Event]) -> None:
    """Raise `EngineError` where a stream warns of one."""
    for event in events:
        if isinstance(event, StreamWarning) and event.code == "engine_error":
            raise EngineError(event.message)
