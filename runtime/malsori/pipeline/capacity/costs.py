"""The seconds that an engine works for live streams on this machine, measured: finals by length, and partials."""

from __future__ import annotations

import time
from bisect import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean, median
from typing import TypeAlias

import numpy as np

from ...engines.base import DecodeOptions, Engine
from ...engines.machine.cpus import cpu_threads
from ...engines.session import SessionOptions
from ...types import SAMPLE_RATE, Audio

Points: TypeAlias = tuple[tuple[float, float], ...]
"""(seconds of sound, seconds of work), ascending; interpolated and extrapolated linearly."""

LENGTHS = (1.0, 4.0, 2.0, 8.0)  # seconds of sound; the first two are measured in any case
USUAL = 2.0  # seconds of sound of the finals in one call that are measured in any case
TOGETHER = 4  # finals in one call
CATCHING_UP = 3  # steps in one push
LISTENED_S = 3.0
RUNS = 3
BUDGET_S = 6.0
OPTIONS = DecodeOptions(live=True)
SESSION = SessionOptions()


@dataclass(frozen=True, slots=True)
class Costs:
    """The seconds that an engine works.

    alone: for a final, by its length. together: for a call of 4 finals, by their length.
    partials: for one step of a session, by the length of the utterance so far; empty where there are no partials.
    step_s: new sound between two partials. catch_up: what each further step in a push adds, as a share of the first.
    listening: the share of the machine that one stream's detector and gate take beside the engine.
    """

    alone: Points
    together: Points
    partials: Points = ()
    step_s: float = 1.0
    catch_up: float = 0.0
    listening: float = 0.0

    def call(self, lengths: Sequence[float]) -> float:
        """Return the seconds of a call for finals of these lengths, each counted as long as the longest."""
        longest = max(lengths)
        first, all_of_them = on_line(self.alone, longest), on_line(self.together, longest)
        return max(0.0, first + (all_of_them - first) * (len(lengths) - 1) / (TOGETHER - 1))

    def partial(self, said: float, new: float) -> float:
        """Return the seconds of a push of `new` seconds that makes the utterance `said` seconds long."""
        further = max(0.0, new / self.step_s - 1)
        return on_line(self.partials, said) * (1 + self.catch_up * further)

    def scaled(self, factor: float) -> Costs:
        """Return the costs on a machine where everything takes `factor` times as long."""

        def slower(points: Points) -> Points:
            return tuple((length, factor * seconds) for length, seconds in points)

        return replace(self, alone=slower(self.alone), together=slower(self.together), partials=slower(self.partials))


def on_line(points: Points, at: float) -> float:
    """Return the work for `at` seconds of sound, at least 0; with a single point in proportion to the length."""
    if len(points) == 1:
        points = ((0.0, 0.0), *points)
    index = min(max(bisect([length for length, _ in points], at), 1), len(points) - 1)
    (low, less), (high, more) = points[index - 1], points[index]
    return max(0.0, less + (more - less) * (at - low) / (high - low))


def costs_of(
    engine: Engine,
    speech: Audio,
    options: DecodeOptions = OPTIONS,
    session: SessionOptions | None = SESSION,
    listen: Callable[[Audio], object] | None = None,
    *,
    budget_s: float = BUDGET_S,
    clock: Callable[[], float] = time.perf_counter,
) -> Costs:
    """Measure an engine that nobody else uses meanwhile. Without a `session` there are no partials.

    `speech` must be real speech, on which Whisper's time depends; it is repeated to the lengths measured. `listen` is
    called with each block of a stream beside the engine, such as a detector's `push`, and slows the engine down where
    both run on the same cores.

    After about `budget_s` seconds no measurement is begun, and longer sound is extrapolated. Where partials are another
    engine's on the same cores, measure both and give the one's `partials` to the other.

    Raises as `transcribe` and `open` do.
    """
    options = replace(options, live=True)
    watch = _Watch(clock, clock() + budget_s)
    engine.transcribe([sound(speech, LENGTHS[0])], options)  # warms up: allocates memory, starts threads

    def finals(count: int) -> Callable[[float], object]:
        return lambda length: engine.transcribe([sound(speech, length)] * count, options)

    listening = 0.0 if listen is None else _listening(listen, speech, watch)
    alone = watch.points(finals(1), LENGTHS, 2, 0.4)
    together = _together(alone, watch.points(finals(TOGETHER), (USUAL, 8.0, 1.0, 4.0), 1, 0.75))
    if session is None:
        return Costs(alone, together, listening=listening)
    step, partials = _steps(engine, speech, options, session, 1, watch)
    _, caught_up = _steps(engine, speech, options, session, CATCHING_UP, watch)
    ratio = _mean(caught_up) / max(_mean(partials), 1e-9)
    catch_up = min(max((ratio - 1) / (CATCHING_UP - 1), 0.0), 1.0)
    return Costs(alone, together, _smoothed(partials), step, catch_up, listening)


def sound(speech: Audio, seconds: float) -> Audio:
    """Return `seconds` of the speech, repeated where it is shorter."""
    return np.resize(speech, round(seconds * SAMPLE_RATE))


class _Watch:
    """Measures times, fewer when less of the budget is left."""

    def __init__(self, clock: Callable[[], float], until: float) -> None:
        self.clock = clock
        self._begun, self._until = clock(), until

    def over(self, share: float = 1.0) -> bool:
        """Return whether that share of the budget is spent."""
        return self.clock() >= self._begun + share * (self._until - self._begun)

    def points(self, work: Callable[[float], object], lengths: Sequence[float], least: int, share: float) -> Points:
        """Return the seconds of `work` for the lengths, for the first `least` of them in any case."""
        found: list[tuple[float, float]] = []
        for length in lengths:
            if len(found) < least or not self.over(share):
                found.append((length, self._median(partial(work, length), share)))
        return tuple(sorted(found))

    def _median(self, work: Callable[[], object], share: float) -> float:
        times: list[float] = []
        while not times or (len(times) < RUNS and not self.over(share)):
            times.append(self.timed(work))
        return median(times)

    def timed(self, work: Callable[[], object]) -> float:
        """Return the seconds of a piece of work."""
        start = self.clock()
        work()
        return self.clock() - start


def _steps(
    engine: Engine, speech: Audio, options: DecodeOptions, session: SessionOptions, steps: int, watch: _Watch
) -> tuple[float, Points]:
    """Return the seconds of a session's step, and the work of at least two pushes of `steps` steps each."""
    opened = engine.open(options, session)
    push = steps * opened.step
    said = sound(speech, max(LENGTHS[-1], 2 * push / SAMPLE_RATE))
    found: list[tuple[float, float]] = []
    for start in range(0, len(said) - push + 1, push):
        if len(found) < 2 or not watch.over():
            block = said[start : start + push]
            seconds = watch.timed(partial(opened.push, block))
            found.append(((start + push) / SAMPLE_RATE, seconds))
    return opened.step / SAMPLE_RATE, tuple(found)


def _listening(listen: Callable[[Audio], object], speech: Audio, watch: _Watch) -> float:
    """Return the share of the machine's processors that `listen` takes for one stream."""
    blocks = sound(speech, LISTENED_S).reshape(-1, SAMPLE_RATE // 10)
    seconds = median(watch.timed(partial(listen, block)) for block in blocks)
    return seconds * len(blocks) / LISTENED_S / cpu_threads()


def _together(alone: Points, together: Points) -> Points:
    """Return at least two points; from a single one, in proportion to `alone`."""
    if len(together) > 1:
        return together
    ((length, seconds),) = together
    ratio = seconds / max(on_line(alone, length), 1e-9)
    return tuple((each, ratio * work) for each, work in alone)


def _mean(points: Points) -> float:
    return fmean(seconds for _, seconds in points)


def _smoothed(points: Points) -> Points:
    """Return the points averaged in up to four groups, since single steps are noisy."""
    size = -(-len(points) // 4)
    groups = [points[first : first + size] for first in range(0, len(points), size)]
    return tuple((fmean(at for at, _ in group), _mean(group)) for group in groups)
