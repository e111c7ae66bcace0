"""One worker for each engine, shared by streams and files: finals before partials before batch work.

with Scheduler() as scheduler:
    files = transcriber.shared(scheduler)           # goes on while no stream wants anything
    scheduler.final(engine, clip, options, done)    # what a stream does at the end of an utterance
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import TypeVar

from ...engines.base import DecodeOptions, Engine
from ...errors import EngineError
from ...types import SAMPLE_RATE, Audio, Hypothesis
from ..isolation import as_engine_error
from .engine import SharedEngine
from .lane import Lane, clock, guarded
from .queue import BatchWork, FinalRequest, PartialRequest
from .scheduling import Hear, Outcome, SchedulerCounters

Result = TypeVar("Result")

GATHER_MS = 5.0
PATIENCE_S = 10.0
CLOSED = "the scheduler is closed; make a new one"


class Scheduler:
    """Decides which work each engine does next. May be shared by threads; `close` it, or use it in a `with`.

    gather_ms: milliseconds that a final waits for others to share its call, while other streams are active.
    patience_s: seconds after which batch work goes before partials; it always waits for finals.

    Each engine, by identity, has one thread, started at its first request: two calls at a time on one device would only
    make both late.
    """

    def __init__(self, *, gather_ms: float = GATHER_MS, patience_s: float = PATIENCE_S) -> None:
        self.counters = SchedulerCounters()
        self._times = (gather_ms / 1000, patience_s)
        self._lock = threading.Lock()
        self._lanes: dict[int, Lane] = {}
        self.closed = False

    def final(
        self,
        engine: Engine,
        clip: Audio,
        options: DecodeOptions,
        done: Callable[[Outcome], None],
        owner: object = None,
        hear: Hear | None = None,
    ) -> None:
        """Queue the recognition of an utterance; the worker calls `done` once, with its hypothesis or error.

        For each `owner` in the order of the requests. `hear`, if given, recognises the utterance instead, in a call of
        its own. On a closed scheduler `done` gets an error at once.
        """
        with self._lock:
            lane = self._lane(engine)
            if lane is not None:
                lane.final(FinalRequest(clip, options, done, owner, clock(), hear))
        if lane is None:
            guarded(done, EngineError(CLOSED))

    def partial(self, engine: Engine, owner: object, work: Callable[[], None]) -> bool:
        """Queue `work` behind finals, in place of a waiting partial of the same owner; return whether there was one.

        The replaced one counts as stale, on a closed scheduler each.
        """
        with self._lock:
            lane = self._lane(engine)
            if lane is None:
                self.counters.stale += 1
                return False
            return lane.partial(PartialRequest(owner, work))

    def drop(self, owner: object) -> None:
        """Drop the waiting partials of an owner, whose utterance has ended; they count as stale. Running ones go on."""
        with self._lock:
            self.counters.stale += sum(lane.waiting.drop(owner) for lane in self._lanes.values())

    def backlog(self, engine: Engine) -> float:
        """Return the seconds of sound that wait for their finals in the engine's queue."""
        with self._lock:
            lane = self._lanes.get(id(bare(engine)))
            return 0.0 if lane is None else lane.samples / SAMPLE_RATE

    def batch(
        self, engine: Engine, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        """Return one hypothesis per clip, in order, as `transcribe` does, in calls behind the work of streams.

        Calls are short, of a single clip while streams are active: finals wait for one of them at most. Raises what the
        engine raises, and `EngineError` on a scheduler that is or gets closed.
        """
        engine = bare(engine)
        heard: dict[int, Hypothesis] = {}
        for batch in engine.batches([len(clip) for clip in clips], replace(options, live=True)):
            for some in [[index] for index in batch] if self._active(engine) else [batch]:
                sound, said = [clips[index] for index in some], [previous[index] for index in some if previous]
                found = self.run(engine, partial(engine.transcribe, sound, options, said))
                heard |= dict(zip(some, found, strict=True))
        return [heard[index] for index in range(len(clips))]

    def run(self, engine: Engine, work: Callable[[], Result]) -> Result:
        """Return the result of `work`, which uses the engine, done behind finals and partials. Raises as `batch`."""
        engine = bare(engine)
        future: Future[Result] = Future()

        def compute() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(as_engine_error(work, engine))
                except BaseException as error:
                    future.set_exception(error)

        def abandon() -> None:
            if future.set_running_or_notify_cancel():
                future.set_exception(EngineError(CLOSED))

        with self._lock:
            lane = self._lane(engine)
            inside = lane is not None and lane.thread is threading.current_thread()
            if lane is not None and not inside:
                lane.add_batch_work(BatchWork(compute, abandon, clock()))
        if lane is None:
            raise EngineError(CLOSED)
        if inside:  # called from the worker, which would wait for itself
            return work()
        try:
            return future.result()
        finally:
            future.cancel()  # where the wait was interrupted, the work is not needed any more

    def engine(self, engine: Engine) -> Engine:
        """Return the engine with calls that go through this scheduler, for a `Transcriber` of files beside streams."""
        return SharedEngine(bare(engine), self)

    def close(self, timeout: float | None = None) -> None:
        """Wait until all finals are reported, and end the threads; partials are dropped, batch work gets `EngineError`.

        So do finals that are not reported after `timeout` seconds; a call that runs then goes on to its end.
        """
        until = None if timeout is None else clock() + timeout
        with self._lock:
            self.closed = True
            lanes = list(self._lanes.values())
            batch_work = [work for lane in lanes for work in lane.close()]
        for work in batch_work:
            guarded(work.abandon)
        for lane in lanes:
            if lane.thread is not threading.current_thread():
                lane.thread.join(None if until is None else max(0.0, until - clock()))
                lane.abandon(EngineError(f"the scheduler was closed and did not wait longer than {timeout} s for this"))

    def __enter__(self) -> Scheduler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lane(self, engine: Engine) -> Lane | None:
        """Return the engine's lane, None on a closed scheduler. To be called with the lock held."""
        engine = bare(engine)
        if not self.closed and id(engine) not in self._lanes:
            self._lanes[id(engine)] = Lane(engine, self._lock, self.counters, *self._times)
        return None if self.closed else self._lanes[id(engine)]

    def _active(self, engine: Engine) -> bool:
        with self._lock:
            lane = self._lanes.get(id(engine))
            return lane is not None and lane.waiting.active(clock())


def bare(engine: Engine) -> Engine:
    """Return the engine behind a `SharedEngine`, any other as it is."""
    return engine.bare if isinstance(engine, SharedEngine) else engine
