"""The worker of one engine: a thread that does the queued work in the queue's order, whatever of it fails."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from ...engines.base import Engine
from ...errors import EngineError, MalsoriError
from ...types import Hypothesis
from ..isolation import as_engine_error, isolate_failures
from .queue import BatchWork, Call, EngineQueue, FinalRequest, Job, PartialRequest
from .scheduling import Outcome, SchedulerCounters

clock = time.monotonic


class Lane:
    """One engine, its queue `waiting`, and its thread. `lock` is the scheduler's, and guards queue and counters.

    Call the public methods with the lock held, except `report` and `abandon`.
    """

    def __init__(
        self, engine: Engine, lock: threading.Lock, counters: SchedulerCounters, gather_s: float, patience_s: float
    ) -> None:
        self.engine = engine
        self.waiting = EngineQueue(engine.batches, gather_s, patience_s)
        self.samples = 0  # of clips whose finals have not been reported
        self._counters = counters
        self._changed = threading.Condition(lock)
        self._running: Call = []
        self._closing = False
        self.thread = threading.Thread(target=self._work, name=f"malsori {engine.manifest.name}", daemon=True)
        self.thread.start()

    def final(self, request: FinalRequest) -> None:
        """Queue a final."""
        self.waiting.final(request)
        self.samples += len(request.clip)
        self._changed.notify()

    def partial(self, request: PartialRequest) -> bool:
        """Queue a partial in place of one of the same owner, which counts as stale; return whether there was one."""
        stale = self.waiting.partial(request, clock())
        self._counters.stale += stale
        self._changed.notify()
        return stale

    def add_batch_work(self, work: BatchWork) -> None:
        """Queue work that can wait."""
        self.waiting.batch_work.append(work)
        self._changed.notify()

    def close(self) -> list[BatchWork]:
        """Let the thread end when all finals are reported; return the batch work that will not be done."""
        self._closing = True
        self._counters.stale += self.waiting.drop_all()
        batch_work = list(self.waiting.batch_work)
        self.waiting.batch_work.clear()
        self._changed.notify()
        return batch_work

    def abandon(self, error: MalsoriError) -> None:
        """Report `error` for all finals that have no outcome yet."""
        with self._changed:
            requests = [*self._running, *self.waiting.finals]
            self.waiting.finals = []
        for request in requests:
            self.report(request, error)

    def report(self, request: FinalRequest, outcome: Outcome) -> None:
        """Call the request's `done` with the outcome, unless that was done before."""
        with self._changed:
            if request.reported:
                return
            request.reported = True
            self.samples -= len(request.clip)
            self._counters.finals += 1
        guarded(request.done, outcome)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            if isinstance(job, list):
                self._finals(job)
            else:
                guarded(job.work)
            del job  # so that an idle worker holds no sound

    def _next(self) -> Job | None:
        """Wait for work and take it; return None once the lane is closed and all finals are done."""
        with self._changed:
            while (wait := self.waiting.due(clock())) > 0:
                if self._closing and not self.waiting.finals:
                    return None
                if self._closing:
                    break  # no further finals will come to gather
                self._changed.wait(None if math.isinf(wait) else wait)
            job = self.waiting.take(clock())
            if isinstance(job, list):
                self._running = job
            elif isinstance(job, PartialRequest):
                self._counters.partials += 1
            return job

    def _finals(self, call: Call) -> None:
        for request, outcome in zip(call, isolate_failures(self._heard, call, MalsoriError), strict=True):
            self.report(request, outcome)
        with self._changed:
            self._running = []

    def _heard(self, call: Sequence[FinalRequest]) -> list[Hypothesis]:
        with self._changed:
            self._counters.calls += 1
        if (hear := call[0].hear) is not None:  # such a request is alone in its call
            return [as_engine_error(hear, self.engine)]
        clips = [each.clip for each in call]
        heard = as_engine_error(lambda: self.engine.transcribe(clips, call[0].options), self.engine)
        if len(heard) != len(call):
            raise EngineError(f"{self.engine.manifest.name} gave {len(heard)} results for {len(call)} clips")
        return heard


def guarded(call: Callable[..., None], *arguments: Any) -> None:
    """Call a function that must not raise; pass an exception to `threading.excepthook` and return."""
    try:
        call(*arguments)
    except BaseException as error:  # also SystemExit: requests of a worker that ended would wait for ever
        told = (type(error), error, error.__traceback__, threading.current_thread())
        threading.excepthook(threading.ExceptHookArgs(told))
