"""One worker for each engine, shared by streams and files: finals before partials before batch work.

with Scheduler() as scheduler:
    files = transcriber.shared(scheduler)               # goes on while no stream wants anything
    scheduler.final(engine, clip, options, done)        # what a stream does at the end of an utterance
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

    gather_ms: how long a final waits for those of other streams that could share its call, where others are active.
    patience_s: how long batch work waits at most for partials to leave room; it always waits for finals.

    Each engine has one thread, started when it is first asked for something: an engine is on one device, and two calls
    at a time would only make both late. Engines are told apart by identity.
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
        """Have a whole utterance recognised; `done` gets what was heard, or the error, once, from the worker's thread.

        Those of one `owner` are told in the order given. On a closed scheduler `done` gets an error at once. `hear`, if
        given, is what recognises it, in a call of its own, when those of its owner before it have been told.
        """
        with self._lock:
            lane = self._lane(engine)
            if lane is not None:
                lane.final(FinalRequest(clip, options, done, owner, clock(), hear))
        if lane is None:
            guarded(done, EngineError(CLOSED))

    def partial(self, engine: Engine, owner: object, work: Callable[[], None]) -> bool:
        """Have `work` done when nothing more urgent waits; it replaces what waits of the same owner, which is counted.

        Return whether something was replaced. On a closed scheduler it is only counted.
        """
        with self._lock:
            lane = self._lane(engine)
            if lane is None:
                self.counters.stale += 1
                return False
            return lane.partial(PartialRequest(owner, work))

    def drop(self, owner: object) -> None:
        """Forget what waits of an owner, whose utterance has ended; it is counted. What is being done goes on."""
        with self._lock:
            self.counters.stale += sum(lane.waiting.drop(owner) for lane in self._lanes.values())

    def backlog(self, engine: Engine) -> float:
        """Return the seconds of sound whose finals the engine owes."""
        with self._lock:
            lane = self._lanes.get(id(bare(engine)))
            return 0.0 if lane is None else lane.samples / SAMPLE_RATE

    def batch(
        self, engine: Engine, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        """Return one hypothesis per clip, in order, as `transcribe` does, when no stream wants the engine.

        A final waits for one engine call of it at most; that is of a single clip while streams are active. Raises what
        the engine raises, and `EngineError` on a scheduler that is or gets closed.
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
        """Return what `work` gives, which uses the engine, when nothing more urgent waits. Raises as `batch` does."""
        engine = bare(engine)
        future: Future[Result] = Future()

        def add_batch_work() -> None:
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
                lane.add_batch_work(BatchWork(add_batch_work, abandon, clock()))
        if lane is None:
            raise EngineError(CLOSED)
        if inside:  # it would wait for itself
            return work()
        try:
            return future.result()
        finally:
            future.cancel()  # where the wait was interrupted, nobody wants it any more

    def engine(self, engine: Engine) -> Engine:
        """Return the engine as one that waits for its turn: for a `Transcriber` of files beside streams."""
        return SharedEngine(bare(engine), self)

    def close(self, timeout: float | None = None) -> None:
        """Wait until all finals are out, and end the threads; partials are dropped, batch work gets an `EngineError`.

        Finals that are not out after `timeout` seconds get one, too; a call that runs then ends with its thread.
        """
        until = None if timeout is None else clock() + timeout
        with self._lock:
            self.closed = True
            lanes = list(self._lanes.values())
            batch_work = [add_batch_work for lane in lanes for add_batch_work in lane.close()]
        for add_batch_work in batch_work:
            guarded(add_batch_work.abandon)
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
        """Return the engine's worker, None on a closed scheduler. To be called with the lock held."""
        engine = bare(engine)
        if not self.closed and id(engine) not in self._lanes:
            self._lanes[id(engine)] = Lane(engine, self._lock, self.counters, *self._times)
        return None if self.closed else self._lanes[id(engine)]

    def _active(self, engine: Engine) -> bool:
        with self._lock:
            lane = self._lanes.get(id(engine))
            return lane is not None and lane.waiting.active(clock())


def bare(engine: Engine) -> Engine:
    """Return the engine itself where it is one that waits for its turn."""
    return engine.bare if isinstance(engine, SharedEngine) else engine
