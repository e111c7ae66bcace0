"""How much sound a layout hears in a second, measured with its processes side by side; and which layout is best."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ...errors import MalsoriError
from ..batch_items import BatchItem, ItemResult
from ..settings import WorkerSettings
from .local_runner import LocalRunner
from .trial_worker import SOUND, HeardPass
from .worker_layout import WorkerLayout

TRIAL_WORKER = "malsori.batch.local.trial_worker:TrialWorker"
TRIAL_S = 3.0  # in which all processes of a layout hear
BUDGET_S = 20.0  # after which no further layout is tried
CLEARLY = 1.05  # times as fast, for what takes more memory; the measure scatters by 3 %


@dataclass(frozen=True, slots=True)
class TriedLayout:
    """A layout, and how many seconds of sound it hears in a second; 0 where it cannot run here."""

    layout: WorkerLayout
    speed: float


def best_layout(
    layouts: Sequence[WorkerLayout],
    measure: Callable[[WorkerLayout], float],
    now: Callable[[], float] = time.monotonic,
    budget_s: float = BUDGET_S,
) -> list[TriedLayout]:
    """Return the layouts that were tried, the best one first.

    More workers are only tried on while they help, and while there is time; of equals the one with fewer is best.
    """
    until = now() + budget_s
    best = TriedLayout(layouts[0], measure(layouts[0]))
    others = []
    for layout in layouts[1:]:
        if now() >= until:
            break
        tried = TriedLayout(layout, measure(layout))
        if tried.speed <= best.speed * CLEARLY:
            others.append(tried)
            break
        others.append(best)
        best = tried
    return [best, *others]


def speed_of(
    settings: WorkerSettings,
    layout: WorkerLayout,
    sound: Sequence[str],
    entry: str = TRIAL_WORKER,
    trial_s: float = TRIAL_S,
) -> float:
    """Return the seconds of sound that a layout hears in a second, 0 where its processes do not run.

    Raises what the hearer raises where there is one worker: then the batch cannot run either.
    """
    trial = Trial(layout.workers, sound, trial_s)
    try:
        for event in LocalRunner(settings, layout, entry=entry).run(trial.items()):
            if isinstance(event, ItemResult) and not trial.took(event):
                return 0.0
    except MalsoriError:
        if layout.workers == 1:
            raise
        return 0.0
    return speed_together(trial.passes)


class Trial:
    """Gives each process the sound again, until all have heard it side by side for some seconds."""

    def __init__(self, workers: int, sound: Sequence[str], trial_s: float) -> None:
        self._workers, self._sound, self._trial_s = workers, tuple(sound), trial_s
        self._until: float | None = None
        self.passes: dict[int, list[HeardPass]] = defaultdict(list)  # by process, the first included

    def items(self) -> Iterator[BatchItem]:
        """Yield what the processes are to do next, while the trial lasts."""
        number = 0
        while self._until is None or time.monotonic() < self._until:
            yield BatchItem(number, "trial", "", options={SOUND: self._sound})
            number += 1

    def took(self, result: ItemResult) -> bool:
        """Note that a process has heard the sound; return whether it has."""
        if not isinstance(result, HeardPass):
            return False
        self.passes[result.process].append(result)
        if self._until is None and len(self.passes) == self._workers:
            self._until = time.monotonic() + self._trial_s
        return True


def speed_together(passes: dict[int, list[HeardPass]]) -> float:
    """Return the seconds of sound in a second, in the time when all processes were hearing; 0 where there was none.

    The first pass of each is its preparation. Of one that is only partly in that time its share counts.
    """
    if not passes or any(len(own) < 2 for own in passes.values()):
        return 0.0
    start = max(own[0].ended for own in passes.values())
    stop = min(own[-1].ended for own in passes.values())
    counted = [_within(each, start, stop) for own in passes.values() for each in own[1:]]
    return sum(counted) / (stop - start) if stop > start else 0.0


def _within(heard: HeardPass, start: float, stop: float) -> float:
    both = min(heard.ended, stop) - max(heard.began, start)
    return heard.seconds * max(0.0, both) / max(1e-9, heard.ended - heard.began)
