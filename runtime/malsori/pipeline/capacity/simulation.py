"""A simulation of one engine and several streams on a clock of its own: how long finals would take.

Speakers talk and pause at random, and the engine does what the scheduler's own queue gives it, for as long as was
measured. The wait of a final begins when the gate closes its utterance; the silence that the gate waits for does not
depend on the number of streams.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...engines.base import DecodeOptions
from ...engines.wav2vec2.batches import Grouping, plan
from ...types import SAMPLE_RATE, Audio
from ..sharing.queue import Batches, EngineQueue, FinalRequest, Job, PartialRequest
from ..sharing.scheduler import GATHER_MS, PATIENCE_S
from .costs import OPTIONS, Costs

SHARE = 0.95  # of the finals
FINALS = 400  # simulated at least
LEAST_S = 120.0  # seconds simulated at least: just above its capacity the queue of an engine grows slowly
MOST_LISTENING = 0.99  # share of the machine; above, streams could not even take in sound


@dataclass(frozen=True, slots=True)
class Talk:
    """How people talk to a machine, in seconds: utterances are log-normal around a median, pauses exponential.

    `pause_s` is the mean of a pause beyond `shortest_pause_s`. These are assumptions, not measurements: people who
    dictate speak more of the time, and an engine bears fewer of them.
    """

    speech_s: float = 2.5
    spread: float = 0.6
    shortest_s: float = 0.5
    longest_s: float = 15.0
    shortest_pause_s: float = 0.7
    pause_s: float = 2.5

    def utterances(self, rng: random.Random) -> Iterator[tuple[float, float]]:
        """Yield start and length of one speaker's utterances, endlessly; the clock starts at random in a pause."""
        now = rng.expovariate(1 / (self.pause_s + self.speech_s))
        while True:
            drawn = rng.lognormvariate(math.log(self.speech_s), self.spread)
            length = min(max(drawn, self.shortest_s), self.longest_s)
            yield now, length
            now += length + self.shortest_pause_s + rng.expovariate(1 / self.pause_s)

    @property
    def period_s(self) -> float:
        """Mean seconds from one utterance to the next, without the clipping of lengths."""
        return self.speech_s * math.exp(self.spread**2 / 2) + self.shortest_pause_s + self.pause_s


TALK = Talk()


@dataclass(frozen=True, slots=True)
class Load:
    """The outcome of a simulation: the median and 95th percentile of the finals' waits, in seconds.

    `busy` is the share of time in which the engine works, `stale` the share of partials dropped because late. `p95_s`
    is infinite where the simulation ended as soon as it was above the limit.
    """

    streams: int
    finals: int
    p50_s: float
    p95_s: float
    busy: float
    stale: float


def similar(lengths: Sequence[int], options: DecodeOptions) -> list[list[int]]:
    """Return the indices of clips by call, those of similar length together: for engines unknown."""
    return list(plan(lengths, Grouping.MASKED, options.batch_size))


def simulated(
    costs: Costs,
    streams: int,
    *,
    batches: Batches = similar,
    options: DecodeOptions = OPTIONS,
    talk: Talk = TALK,
    limit_s: float = math.inf,
    seconds: float | None = None,
    seed: int = 0,
) -> Load:
    """Return the load of `streams` streams in `seconds`, by default long enough for some hundred finals.

    Ends early, with an infinite `p95_s`, as soon as that is certain to be above `limit_s`.
    """
    options = replace(options, live=True)
    costs = costs.scaled(1 / (1 - min(streams * costs.listening, MOST_LISTENING)))
    length = max(LEAST_S, FINALS * talk.period_s / streams) if seconds is None else seconds
    speakers = [_Speaker(talk, random.Random(f"{seed} {number}"), length, costs) for number in range(streams)]
    day = _Day(
        costs, options, EngineQueue(batches, GATHER_MS / 1000, PATIENCE_S), sum(each.finals for each in speakers)
    )
    return day.run([event for speaker in speakers for event in speaker.events], streams, limit_s)


@dataclass(frozen=True, slots=True, eq=False)
class _Event:
    """At `at` a step of sound has come (`length` 0), or an utterance of `length` seconds has ended."""

    at: float
    speaker: _Speaker
    begun: float
    length: float


class _Speaker:
    """One stream: its events, and how much of its open utterance the session has read."""

    def __init__(self, talk: Talk, rng: random.Random, seconds: float, costs: Costs) -> None:
        self.events: list[_Event] = []
        self.finals = 0
        self.begun = self.read = 0.0
        for begun, length in talk.utterances(rng):
            if begun + length > seconds:
                return
            steps = math.ceil(length / costs.step_s) - 1 if costs.partials else 0
            self.events += [_Event(begun + step * costs.step_s, self, begun, 0.0) for step in range(1, steps + 1)]
            self.events.append(_Event(begun + length, self, begun, length))
            self.finals += 1

    def listen(self, now: float) -> tuple[float, float]:
        """Return the length of the utterance so far and of its sound that is new to the session, in seconds."""
        said = now - self.begun
        new, self.read = said - self.read, said
        return said, new


class _Day:
    """One run of the simulation: an engine and its queue, from the first event to the last final."""

    def __init__(self, costs: Costs, options: DecodeOptions, waiting: EngineQueue, finals: int) -> None:
        self._costs, self._options, self._waiting = costs, options, waiting
        self._finals = finals
        self._waits: list[float] = []
        self._asked = self._stale = 0
        self._busy = self._late = 0.0

    def run(self, events: list[_Event], streams: int, limit_s: float) -> Load:
        """Process the events in order; end when the last final is done, or too many are late."""
        heap = [(event.at, index, event) for index, event in enumerate(events)]
        heapq.heapify(heap)
        now = 0.0
        while self._late <= (1 - SHARE) * self._finals:
            while heap and heap[0][0] <= now:
                self._happen(heapq.heappop(heap)[2])
            wait = self._waiting.due(now)
            if wait == 0:
                now += self._work(now, limit_s)
            elif heap or not math.isinf(wait):
                # A wait may be too small to be seen in the sum.
                now = min(math.nextafter(now, math.inf) + wait, heap[0][0] if heap else math.inf)
            else:
                return self._load(streams, max(now, 1e-9))
        return Load(streams, self._finals, math.inf, math.inf, 1.0, self._stale / max(self._asked, 1))

    def _happen(self, event: _Event) -> None:
        speaker = event.speaker
        if event.begun != speaker.begun:
            speaker.begun, speaker.read = event.begun, 0.0
        if event.length:
            self._stale += self._waiting.drop(speaker)
            clip = _silence(round(event.length * SAMPLE_RATE))
            self._waiting.final(FinalRequest(clip, self._options, _ignore, speaker, event.at))
        else:
            self._asked += 1
            self._stale += self._waiting.partial(PartialRequest(speaker, _ignore), event.at)

    def _work(self, now: float, limit_s: float) -> float:
        """Take the next work out of the queue; return the seconds that it takes."""
        job = self._waiting.take(now)
        seconds = self._seconds(job, now)
        self._busy += seconds
        if isinstance(job, list):
            waits = [now + seconds - request.since for request in job]
            self._waits += waits
            self._late += sum(wait >= limit_s for wait in waits)
        return seconds

    def _seconds(self, job: Job, now: float) -> float:
        if isinstance(job, list):
            return self._costs.call([len(request.clip) / SAMPLE_RATE for request in job])
        assert isinstance(job, PartialRequest)
        assert isinstance(job.owner, _Speaker)
        return self._costs.partial(*job.owner.listen(now))

    def _load(self, streams: int, now: float) -> Load:
        waits = sorted(self._waits) or [0.0]
        half, most = (waits[math.ceil(share * len(waits)) - 1] for share in (0.5, SHARE))
        return Load(streams, len(self._waits), half, most, self._busy / now, self._stale / max(self._asked, 1))


def _ignore(_: object = None) -> None:
    """Ignore an outcome; the simulation counts by itself."""


def _silence(samples: int) -> Audio:
    """Return silence of `samples` samples in the memory of one."""
    return np.broadcast_to(np.zeros(1, np.float32), (samples,))
