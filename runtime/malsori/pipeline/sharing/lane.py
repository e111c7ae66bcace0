"""The worker of one engine: a thread that does the queued work in the queue's order, whatever of it fails."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import InvalidStateError
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ...engines.base import Engine
from ...errors import EngineError, MalsoriError
from ...types import Hypothesis
from ..isolation import as_engine_error, isolate_failures
from .queue import BatchWork, Call, ClipCall, ClipRequest, EngineQueue, FinalRequest, Job, PartialRequest
from .scheduling import Outcome, SchedulerCounters

clock = time.monotonic


class Lane:
    """One engine, its queue `waiting`, and its thread. `lock` is the scheduler's, and guards queue and counters.

    Call the public methods with the lock held, except `report` and `abandon`.
    """

    def __init__(
        self,
        engine: Engine,
        lock: threading.Lock,
        counters: SchedulerCounters,
        gather_s: float,
        patience_s: float,
        waited: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self.engine = engine
        self._waited = waited
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

    def add_batch_work(self, work: Sequence[BatchWork | ClipRequest]) -> None:
        """Queue work that can wait."""
        self.waiting.batch_work.extend(work)
        self._changed.notify()

    def close(self) -> list[BatchWork | ClipRequest]:
        """Let the thread end when all finals are reported; return the batch work that will not be done."""
        self._counters.stale += self.waiting.drop_all()
        batch_work = list(self.waiting.batch_work)
        self.waiting.batch_work.clear()
        self.end()
        return batch_work

    def end(self) -> None:
        """Let the thread end when all that waits is done; nothing may be queued any more."""
        self._closing = True
        self._changed.notify()

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
            self._tell_waited(job)
            if isinstance(job, list):
                self._finals(job)
            elif isinstance(job, ClipCall):
                self._clips(job.requests)
            elif isinstance(job, BatchWork):
                self._batch_work(job)
            else:
                guarded(job.work)
            del job  # so that an idle worker holds no sound

    def _tell_waited(self, job: Job) -> None:
        requests = job if isinstance(job, list) else job.requests if isinstance(job, ClipCall) else []
        now = clock()
        for request in requests:
            guarded(self._waited, now - request.since)

    def _next(self) -> Job | None:
        """Wait for work and take it; return None once the lane is to end and nothing waits."""
        with self._changed:
            while (wait := self.waiting.due(clock())) > 0:
                if self._closing and math.isinf(wait):
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

    def _batch_work(self, job: BatchWork) -> None:
        if job.future.set_running_or_notify_cancel():
            try:
                job.future.set_result(as_engine_error(job.work, self.engine))
            except BaseException as error:
                job.future.set_exception(error)

    def _clips(self, call: Sequence[ClipRequest]) -> None:
        """Hear clips of files; where one fails in a call with others' clips, its owner only is to have the error."""
        try:
            heard = self._heard_clips(call)
        except BaseException as error:
            if any(each.owner is not call[0].owner for each in call):
                self._put_back(call)
                return
            for each in call:
                settle(each, error)
        else:
            for each, found in zip(call, heard, strict=True):
                settle(each, found)

    def _put_back(self, call: Sequence[ClipRequest]) -> None:
        """Let the clips be heard apart, before other batch work."""
        with self._changed:
            for each in call:
                each.apart = True
            self.waiting.batch_work.extendleft(reversed(call))

    def _heard_clips(self, call: Sequence[ClipRequest]) -> list[Hypothesis]:
        """Return a hypothesis for each clip. Raises `Cancelled` once nobody waits for any of them."""
        progress = call[0].progress if all(each.owner is call[0].owner for each in call) else None
        options = replace(
            call[0].options, cancelled=lambda: all(each.future.cancelled() for each in call), progress=progress
        )
        clips, previous = [each.clip for each in call], [each.previous for each in call]
        return self._checked(call, lambda: self.engine.transcribe(clips, options, previous))

    def _heard(self, call: Sequence[FinalRequest]) -> list[Hypothesis]:
        with self._changed:
            self._counters.calls += 1
        if (hear := call[0].hear) is not None:  # such a request is alone in its call
            return [as_engine_error(hear, self.engine)]
        clips = [each.clip for each in call]
        return self._checked(call, lambda: self.engine.transcribe(clips, call[0].options))

    def _checked(self, call: Sequence[object], work: Callable[[], list[Hypothesis]]) -> list[Hypothesis]:
        """Return what `work` gives, one for each of the call. Raises `EngineError` where it does not."""
        heard = as_engine_error(work, self.engine)
        if len(heard) != len(call):
            raise EngineError(f"{self.engine.manifest.name} gave {len(heard)} results for {len(call)} clips")
        return heard


def settle(request: ClipRequest | BatchWork, outcome: Hypothesis | BaseException) -> None:
    """Give the outcome to whoever waits for it, if anybody does."""
    with suppress(InvalidStateError):  # it was cancelled
        if isinstance(outcome, BaseException):
            request.future.set_exception(outcome)
        else:
            request.future.set_result(outcome)


def guarded(call: Callable[..., None], *arguments: Any) -> None:
    """Call a function that must not raise; pass an exception to `threading.excepthook` and return."""
    try:
        call(*arguments)
    except BaseException as error:  # also SystemExit: requests of a worker that ended would wait for ever
        told = (type(error), error, error.__traceback__, threading.current_thread())
        threading.excepthook(threading.ExceptHookArgs(told))
