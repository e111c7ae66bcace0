"""Timings of two bundles in alternating rounds, so that other load on the machine slows down both."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import numpy as np

from ...engines.base import Engine
from ...engines.machine.cpus import cpu_threads
from ...types import SAMPLE_RATE, Audio
from .hearing import work
from .verdict import Speed

LENGTHS = (0.5, 2.0, 10.0)  # seconds
LEAST_ROUNDS, MOST_ROUNDS = 7, 31  # rounds at each length; the least where there is no other bundle
BUDGET = 5.0  # seconds for the rounds of one length beyond the least

clock = perf_counter


def measure(engine: Engine, against: Engine | None, speech: Audio, length: float) -> Speed:
    """Return the speed on `length` seconds of `speech`, repeated where it is shorter.

    Times are medians, `ratio` the median of the rounds' ratios. A bundle that comes out slower is measured again for
    twice as many rounds.
    """
    clip = np.resize(speech, round(length * SAMPLE_RATE))
    works = [work(one, clip) for one in (engine, against) if one is not None]
    warm = sum(_seconds(one) for one in works)
    rounds = int(np.clip(BUDGET / max(warm, 1e-9), LEAST_ROUNDS, MOST_ROUNDS)) if against else LEAST_ROUNDS
    times = alternate(works, rounds)
    if _speed(length, times).slower:
        times = [first + second for first, second in zip(times, alternate(works, 2 * rounds), strict=True)]
    return _speed(length, times)


def alternate(works: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Return the seconds of each work in each round; the order is reversed every other round."""
    times: list[list[float]] = [[] for _ in works]
    for number in range(rounds):
        for index in sorted(range(len(works)), reverse=number % 2 == 1):
            times[index].append(_seconds(works[index]))
    return times


def _speed(length: float, times: Sequence[Sequence[float]]) -> Speed:
    if len(times) == 1:
        return Speed(length, median(times[0]), len(times[0]))
    ours, theirs = times
    low, middle, high = quantiles([other / own for own, other in zip(ours, theirs, strict=True)], method="inclusive")
    return Speed(length, median(ours), len(ours), median(theirs), middle, (low, high))


def host() -> dict[str, Any]:
    """Return the processor's name and the number of threads that an engine starts."""
    return {"cpu": _processor(), "threads": cpu_threads()}


def _seconds(once: Callable[[], object]) -> float:
    start = clock()
    once()
    return clock() - start


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
