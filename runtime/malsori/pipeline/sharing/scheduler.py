"""One worker for each engine, shared by streams and files: finals before partials before batch work.

with Scheduler() as scheduler:
    files = transcriber.shared(scheduler)           # goes on while no stream wants anything
    scheduler.final(engine, clip, options, done)    # what a stream does at the end of an utterance
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from types import TracebackType
from typing import TypeVar

from ...engines.base import DecodeOptions, Engine
from ...errors import Cancelled, EngineError
from ...types import SAMPLE_RATE, Audio, Hypothesis
from .engine import SharedEngine
from .lane import Lane, clock, guarded, settle
from .queue import BatchWork, ClipRequest, FinalRequest, PartialRequest
from .scheduling import Hear, Outcome, SchedulerCounters

Result = TypeVar("Result")

GATHER_MS = 5.0
PATIENCE_S = 10.0
CANCELLED_S = 0.05  # seconds between two questions whether what is waited for is still wanted
CLOSED = "the scheduler is closed; make a new one"


class Scheduler:
    """Decides which work each engine does next. May be shared by threads; `close` it, or use it in a `with`.

    gather_ms: milliseconds that a final waits for others to share its call, while other streams are active.
    patience_s: seconds after which batch work goes before partials; it always waits for finals.
    waited: gets the seconds that each final and each clip of a file has waited, in the thread that takes it up.

    Each engine, by identity, has one thread, started at its first request: two calls at a time on one device would only
    make both late.
    """

    def __init__(
        self,
        *,
        gather_ms: float = GATHER_MS,
        patience_s: float = PATIENCE_S,
        waited: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self.counters = SchedulerCounters()
        self._settings = (gather_ms / 1000, patience_s, waited)
        self._lock = threading.Lock()
        self._lanes: dict[int, Lane] = {}
        self._ending: weakref.WeakSet[Lane] = (
            weakref.WeakSet()
        )  # of engines that were released; their threads hold them
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

    def drop(self, owner: object, *, finals: bool = False) -> None:
        """Drop the waiting partials of an owner, whose utterance has ended; they count as stale. Running ones go on.

        With `finals` also its finals, whose `done` gets `Cancelled`: nobody wants them any more.
        """
        with self._lock:
            lanes = [*self._lanes.values(), *self._ending]
            self.counters.stale += sum(lane.waiting.drop(owner) for lane in lanes)
            unwanted = [(lane, each) for lane in lanes for each in lane.waiting.drop_finals(owner)] if finals else []
        for lane, request in unwanted:
            lane.report(request, Cancelled())

    def backlog(self, engine: Engine) -> float:
        """Return the seconds of sound that wait for their finals in the engine's queue."""
        with self._lock:
            lane = self._lanes.get(id(bare(engine)))
            return 0.0 if lane is None else lane.samples / SAMPLE_RATE

    def batch(
        self, engine: Engine, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        """Return one hypothesis per clip, in order, as `transcribe` does, in calls behind the work of streams.

        Calls are short, of a single clip while streams are active: finals wait for one of them at most. Else they may
        have clips with equal options that others ask for at the same time. Raises what the engine raises for these
        clips, `EngineError` on a scheduler that is or gets closed, `Cancelled` soon after `cancelled` says so.
        """
        engine = bare(engine)
        heard: dict[int, Hypothesis] = {}
        for batch in engine.batches([len(clip) for clip in clips], replace(options, live=True)):
            for some in [[index] for index in batch] if self._active(engine) else [batch]:
                options.check_cancelled()
                sound, said = [clips[index] for index in some], [previous[index] for index in some if previous]
                heard |= dict(zip(some, self._heard(engine, sound, options, said), strict=True))
        return [heard[index] for index in range(len(clips))]

    def _heard(
        self, engine: Engine, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str]
    ) -> Sequence[Hypothesis]:
        alike, owner, now = replace(options, cancelled=None, progress=None), object(), clock()
        requests = [
            ClipRequest(clip, alike, said, owner, now, options.progress)
            for clip, said in zip(clips, previous or [""] * len(clips), strict=True)
        ]
        return self._done(engine, requests, options.cancelled, lambda: engine.transcribe(clips, options, previous))

    def run(self, engine: Engine, work: Callable[[], Result], cancelled: Callable[[], bool] | None = None) -> Result:
        """Return the result of `work`, which uses the engine, done behind finals and partials. Raises as `batch`."""
        engine = bare(engine)
        return self._done(engine, [BatchWork(work, clock())], cancelled, lambda: [work()])[0]

    def _done(
        self,
        engine: Engine,
        work: Sequence[BatchWork] | Sequence[ClipRequest],
        cancelled: Callable[[], bool] | None,
        inside: Callable[[], Sequence[Result]],
    ) -> Sequence[Result]:
        """Queue some work and return its results; those of `inside` where the worker asks, which would wait for itself.

        Raises `Cancelled` soon after `cancelled` says so: what has not begun then is not done.
        """
        with self._lock:
            lane = self._lane(engine)
            from_worker = lane is not None and lane.thread is threading.current_thread()
            if lane is not None and not from_worker:
                lane.add_batch_work(work)
        if lane is None:
            raise EngineError(CLOSED)
        if from_worker:
            return inside()
        try:
            return [awaited(each.future, cancelled) for each in work]
        finally:
            for each in work:
                each.future.cancel()  # where the wait was interrupted, the work is not needed any more

    def release(self, engine: Engine) -> None:
        """Forget an engine that nobody will use any more, and end its thread as soon as all that waits is done.

        A later request begins anew.
        """
        with self._lock:
            lane = self._lanes.pop(id(bare(engine)), None)
            if lane is not None:
                self._ending.add(lane)
                lane.end()

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
            lanes = [*self._lanes.values(), *self._ending]
            batch_work = [work for lane in lanes for work in lane.close()]
        for work in batch_work:
            settle(work, EngineError(CLOSED))
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
            self._lanes[id(engine)] = Lane(engine, self._lock, self.counters, *self._settings)
        return None if self.closed else self._lanes[id(engine)]

    def _active(self, engine: Engine) -> bool:
        with self._lock:
            lane = self._lanes.get(id(engine))
            return lane is not None and lane.waiting.active(clock())


def awaited(future: Future[Result], cancelled: Callable[[], bool] | None) -> Result:
    """Return the result of a future. Raises `Cancelled` soon after `cancelled` said so."""
    while cancelled is not None and not wait([future], CANCELLED_S).done:
        if cancelled():
            raise Cancelled
    return future.result()


def bare(engine: Engine) -> Engine:
    """Return the engine behind a `SharedEngine`, any other as it is."""
    return engine.bare if isinstance(engine, SharedEngine) else engine
