"""Who uses an engine when: with engines that answer when the test says so, and by thousands of random operations."""

from __future__ import annotations

import gc
import random
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.audio import decode
from malsori.audio.ring import RingBuffer
from malsori.engines.base import DecodeOptions, Follower, HasLogits, TellsLanguages
from malsori.errors import Cancelled, EngineError, MalsoriError, OptionError, SoundGone
from malsori.events import Event
from malsori.pipeline import Transcriber
from malsori.pipeline.alignment.text import align
from malsori.pipeline.live.stream import Stream
from malsori.pipeline.options import Loading
from malsori.pipeline.sharing.lane import Lane
from malsori.pipeline.sharing.queue import BatchWork, ClipCall, ClipRequest, EngineQueue, FinalRequest, PartialRequest
from malsori.pipeline.sharing.scheduler import Scheduler
from malsori.pipeline.sharing.scheduling import Inline, Outcome
from malsori.types import SAMPLE_RATE, Audio, Hypothesis, Segment
from tests.loudness import LoudnessDetector, LoudnessEngine, manifest, recording
from tests.shipped import ROOT, ctc_engine, model

OPTIONS = DecodeOptions()
SOON = 30.0  # seconds after which a test that waits has failed
LONG = 3_600_000.0  # milliseconds: whoever were to gather for so long would not be through


class NumberedEngine:
    """Hears the number that a clip is made of; while it is held, a call does not end. Chokes on some numbers."""

    longest_clip = 30.0
    long_form = False
    fills_windows = False

    def __init__(self, *, chokes: Sequence[int] = (), breaks: Sequence[int] = ()) -> None:
        self.manifest = manifest(("ko",), "wav2vec2-ctc")
        self.calls: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.thread = threading.current_thread()  # of its last call
        self._free = threading.Event()
        self._free.set()
        self._chokes, self._breaks = set(chokes), set(breaks)

    @contextmanager
    def held(self) -> Iterator[None]:
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    def check(self, options: DecodeOptions) -> tuple[str, ...]:
        return ()

    def batches(self, lengths: Sequence[int], options: DecodeOptions) -> list[list[int]]:
        """The longest first, which is not the order in which they came."""
        order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
        return [order[start : start + options.batch_size] for start in range(0, len(order), options.batch_size)]

    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        options.check_cancelled()
        numbers = [number_of(clip) for clip in clips]
        self.calls.append(numbers)
        self.thread = threading.current_thread()
        self.begun.release()
        assert self._free.wait(SOON)
        if self._chokes & set(numbers):
            raise EngineError("the engine choked")
        if self._breaks & set(numbers):
            raise ZeroDivisionError("somebody else's error")
        return [said(number) for number in numbers]

    def open(self, options: DecodeOptions, session: Any = None) -> Any:
        return None

    def detect_language(self, clip: Audio, options: DecodeOptions = OPTIONS) -> dict[str, float]:
        return {"ko": 1.0}

    def embed(self, clip: Audio, layer: Any = -1) -> Any:
        return clip[None]


class Inbox:
    """Takes outcomes from any thread, and waits for so many."""

    def __init__(self) -> None:
        self.got: list[tuple[object, Outcome]] = []
        self._changed = threading.Condition()

    def taker(self, label: object) -> Callable[[Outcome], None]:
        return partial(self.take, label)

    def take(self, label: object, outcome: Outcome) -> None:
        with self._changed:
            self.got.append((label, outcome))
            self._changed.notify_all()

    def wait(self, count: int) -> list[tuple[object, Outcome]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.got) >= count, SOON), self.got
            return list(self.got)

    @property
    def texts(self) -> dict[object, str]:
        return {label: text_of(outcome) for label, outcome in self.got}


def clip(number: int, samples: int = 160) -> Audio:
    return np.full(samples, number / 1024, np.float32)


def number_of(audio: Audio) -> int:
    return round(float(audio[0]) * 1024)


def said(number: int) -> Hypothesis:
    return Hypothesis((Segment(f"w{number}", 0.0, 0.01, 1.0),), "ko", 1.0)


def text_of(outcome: Outcome) -> str:
    return type(outcome).__name__ if isinstance(outcome, MalsoriError) else outcome.segments[0].text


def waits(semaphore: threading.Semaphore) -> None:
    assert semaphore.acquire(timeout=SOON)


def in_thread(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def joined(thread: threading.Thread) -> None:
    thread.join(SOON)
    assert not thread.is_alive()


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Is released whenever batch work has been handed over to an engine's thread."""
    return after(monkeypatch, "add_batch_work")


def after(monkeypatch: pytest.MonkeyPatch, method: str) -> threading.Semaphore:
    """Return what is released when a lane's method is through."""
    through, called = threading.Semaphore(0), getattr(Lane, method)

    def tell(lane: Lane, *arguments: Any) -> Any:
        given = called(lane, *arguments)
        through.release()
        return given

    monkeypatch.setattr(Lane, method, tell)
    return through


@pytest.fixture
def uncaught(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What was told as the uncaught error of a thread."""
    found: list[BaseException] = []
    monkeypatch.setattr(threading, "excepthook", lambda told: found.append(told.exc_value))
    return found


def test_a_listener_of_waits_that_fails_stops_no_engine(uncaught: list[BaseException]) -> None:
    engine, inbox = NumberedEngine(), Inbox()
    with Scheduler(waited=lambda seconds: 1 / 0) as scheduler:
        scheduler.final(engine, clip(0), OPTIONS, inbox.taker(0))
    assert list(inbox.texts) == [0]
    assert [type(each) for each in uncaught] == [ZeroDivisionError]


def test_a_slow_engine_drops_partials_only_and_counts_them() -> None:
    engine, inbox, heard = NumberedEngine(), Inbox(), []
    owners = ["a", "b", "c"]
    with Scheduler() as scheduler:
        with engine.held():
            scheduler.final(engine, clip(0), OPTIONS, inbox.taker(0))
            waits(engine.begun)
            for turn in range(10):
                for index, owner in enumerate(owners):
                    scheduler.partial(engine, owner, partial(heard.append, (owner, turn)))
                    scheduler.final(
                        engine, clip(1 + 3 * turn + index), OPTIONS, inbox.taker(1 + 3 * turn + index), owner
                    )
        inbox.wait(31)
        done = threading.Semaphore(0)
        scheduler.partial(engine, "last", done.release)
        waits(done)
    assert inbox.texts == {number: f"w{number}" for number in range(31)}
    assert heard == [("a", 9), ("b", 9), ("c", 9)]
    assert (scheduler.counters.finals, scheduler.counters.partials, scheduler.counters.stale) == (31, 4, 27)


def test_finals_go_before_partials_and_partials_before_batch_work(handed_over: threading.Semaphore) -> None:
    engine, order, inbox = NumberedEngine(), [], Inbox()
    with Scheduler() as scheduler:
        with engine.held():
            scheduler.final(engine, clip(0), OPTIONS, inbox.taker(0))
            waits(engine.begun)
            files = in_thread(lambda: scheduler.run(engine, lambda: order.append("batch work")))
            waits(handed_over)
            scheduler.partial(engine, "a", lambda: order.append("partial"))
            scheduler.final(engine, clip(1), OPTIONS, lambda _: order.append("final"))
        joined(files)
    assert order == ["final", "partial", "batch work"]


def test_batch_work_that_has_waited_too_long_goes_before_partials_but_never_before_finals(
    handed_over: threading.Semaphore,
) -> None:
    engine, order = NumberedEngine(), []
    with Scheduler(patience_s=0.0) as scheduler:
        with engine.held():
            scheduler.final(engine, clip(0), OPTIONS, lambda _: None)
            waits(engine.begun)
            files = in_thread(lambda: scheduler.run(engine, lambda: order.append("batch work")))
            waits(handed_over)
            scheduler.partial(engine, "a", lambda: order.append("partial"))
            scheduler.final(engine, clip(1), OPTIONS, lambda _: order.append("final"))
        joined(files)
        done = threading.Semaphore(0)
        scheduler.partial(engine, "b", done.release)
        waits(done)
    assert order == ["final", "batch work", "partial"]


def test_finals_that_wait_share_a_call_and_hear_what_they_would_hear_alone() -> None:
    engine, together, alone = NumberedEngine(), Inbox(), Inbox()
    with Scheduler() as scheduler, engine.held():
        scheduler.final(engine, clip(0), OPTIONS, together.taker(0))
        waits(engine.begun)
        for number in range(1, 5):
            scheduler.final(engine, clip(number, 100 * number), OPTIONS, together.taker(number), owner=object())
    inline = Inline()
    for number in range(5):
        inline.final(NumberedEngine(), clip(number, 100), OPTIONS, alone.taker(number))
    assert [sorted(call) for call in engine.calls] == [[0], [1, 2, 3, 4]]
    assert (scheduler.counters.finals, scheduler.counters.calls) == (5, 2)
    assert dict(together.got) == dict(alone.got)


def test_finals_with_other_options_do_not_share_a_call() -> None:
    engine, inbox = NumberedEngine(), Inbox()
    with Scheduler() as scheduler, engine.held():
        scheduler.final(engine, clip(0), OPTIONS, inbox.taker(0))
        waits(engine.begun)
        for number, beam in ((1, None), (2, 4), (3, None)):
            scheduler.final(engine, clip(number), DecodeOptions(beam_size=beam), inbox.taker(number))
    assert engine.calls == [[0], [1, 3], [2]]


def test_the_call_is_that_of_the_oldest_final_also_where_the_engine_would_have_another_first() -> None:
    engine, inbox, pairs = NumberedEngine(), Inbox(), DecodeOptions(batch_size=2)
    with Scheduler() as scheduler, engine.held():
        scheduler.final(engine, clip(0), pairs, inbox.taker(0))
        waits(engine.begun)
        for number in range(1, 5):
            scheduler.final(engine, clip(number, 100 * number), pairs, inbox.taker(number))
    assert [sorted(call) for call in engine.calls] == [[0], [1, 2], [3, 4]]


def test_finals_of_a_stream_are_told_in_their_order_however_long_they_are() -> None:
    engine, inbox, pairs = NumberedEngine(), Inbox(), DecodeOptions(batch_size=2)
    with Scheduler() as scheduler, engine.held():
        scheduler.final(engine, clip(0), pairs, inbox.taker(0), "a")
        waits(engine.begun)
        for number, owner in enumerate("baaba", start=1):
            scheduler.final(engine, clip(number, 200 * (number % 3) + 100), pairs, inbox.taker((owner, number)), owner)
    order = [label for label, _ in inbox.got[1:]]
    assert [label for label in order if label[0] == "a"] == [("a", 2), ("a", 3), ("a", 5)]
    assert [label for label in order if label[0] == "b"] == [("b", 1), ("b", 4)]


def test_a_final_waits_a_moment_for_the_other_active_streams() -> None:
    engine, inbox, heard = NumberedEngine(), Inbox(), threading.Semaphore(0)
    with Scheduler(gather_ms=LONG) as scheduler:
        scheduler.partial(engine, "a", heard.release)
        waits(heard)
        scheduler.final(engine, clip(1), OPTIONS, inbox.taker(1), "b")
        scheduler.final(engine, clip(2), OPTIONS, inbox.taker(2), "a")
        inbox.wait(2)
    assert engine.calls == [[1, 2]]


def test_a_lone_stream_waits_for_nobody() -> None:
    engine, inbox, heard = NumberedEngine(), Inbox(), threading.Semaphore(0)
    with Scheduler(gather_ms=LONG) as scheduler:
        scheduler.partial(engine, "a", heard.release)
        waits(heard)
        scheduler.final(engine, clip(1), OPTIONS, inbox.taker(1), "a")
        assert [label for label, _ in inbox.wait(1)] == [1]  # before it is closed, which gathers no longer


def test_a_call_that_is_full_waits_for_nobody() -> None:
    engine, inbox, heard = NumberedEngine(), Inbox(), threading.Semaphore(0)
    with Scheduler(gather_ms=LONG) as scheduler:
        scheduler.partial(engine, "a", heard.release)
        waits(heard)
        scheduler.final(engine, clip(1), DecodeOptions(batch_size=1), inbox.taker(1), "b")
        assert [label for label, _ in inbox.wait(1)] == [1]


def test_an_error_costs_its_own_clip_only() -> None:
    engine, inbox = NumberedEngine(chokes=[2], breaks=[3]), Inbox()
    with Scheduler() as scheduler, engine.held():
        scheduler.final(engine, clip(0), OPTIONS, inbox.taker(0))
        waits(engine.begun)
        for number in range(1, 5):
            scheduler.final(engine, clip(number), OPTIONS, inbox.taker(number))
    assert inbox.texts == {0: "w0", 1: "w1", 2: "EngineError", 3: "EngineError", 4: "w4"}
    broken = dict(inbox.got)[3]
    assert str(broken) == "loudness failed: ZeroDivisionError: somebody else's error"
    assert isinstance(broken, EngineError)
    assert isinstance(broken.__cause__, ZeroDivisionError)


def test_a_final_that_nobody_wants_any_more_is_told_so() -> None:
    inbox = Inbox()
    with Scheduler() as scheduler:
        scheduler.final(NumberedEngine(), clip(1), DecodeOptions(cancelled=lambda: True), inbox.taker(1))
    assert inbox.texts == {1: "Cancelled"}


def test_files_are_given_to_an_engine_in_the_calls_that_a_final_may_have_to_wait_for() -> None:
    class Generous(NumberedEngine):
        def batches(self, lengths: Sequence[int], options: DecodeOptions) -> list[list[int]]:
            return super().batches(lengths, options if options.live else replace(options, batch_size=100))

    engine = Generous()
    with Scheduler() as scheduler:
        scheduler.batch(engine, [clip(number) for number in range(1, 6)], DecodeOptions(batch_size=2))
    assert [len(call) for call in engine.calls] == [2, 2, 1]


class ForgetfulEngine(NumberedEngine):
    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        return []

    def batches(self, lengths: Sequence[int], options: DecodeOptions) -> list[list[int]]:
        raise IndexError


def test_an_engine_that_gives_too_few_results_or_cannot_count_is_an_error_and_the_worker_goes_on() -> None:
    inbox = Inbox()
    with Scheduler() as scheduler:
        engine = ForgetfulEngine()
        for number in range(3):
            scheduler.final(engine, clip(number), OPTIONS, inbox.taker(number))
        inbox.wait(3)
    assert {str(outcome) for _, outcome in inbox.got} == {"loudness gave 0 results for 1 clips"}


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1)])
def test_callbacks_that_raise_are_told_of_and_the_worker_goes_on(
    error: BaseException, uncaught: list[BaseException]
) -> None:
    def fail(*_: object) -> None:
        raise error

    engine, inbox = NumberedEngine(), Inbox()
    with Scheduler() as scheduler:
        scheduler.final(engine, clip(1), OPTIONS, fail)
        scheduler.partial(engine, "a", fail)
        scheduler.run(engine, lambda: None)
        scheduler.final(engine, clip(2), OPTIONS, inbox.taker(2))
        inbox.wait(1)
    assert uncaught == [error, error]
    assert (scheduler.counters.finals, scheduler.counters.partials) == (2, 1)


def test_the_newest_partial_of_a_stream_takes_the_place_of_the_one_that_waits() -> None:
    engine, order, inbox = NumberedEngine(), [], Inbox()
    with Scheduler() as scheduler:
        with engine.held():
            scheduler.final(engine, clip(0), OPTIONS, inbox.taker(0))
            waits(engine.begun)
            for owner in ("a", "b", "a"):
                scheduler.partial(engine, owner, partial(order.append, owner))
            assert scheduler.counters.stale == 1
        scheduler.run(engine, lambda: None)
    assert order == ["a", "b"]


def test_a_partial_whose_utterance_has_ended_is_forgotten_and_counted() -> None:
    engine, order = NumberedEngine(), []
    with Scheduler() as scheduler:
        with engine.held():
            scheduler.final(engine, clip(0), OPTIONS, lambda _: None)
            waits(engine.begun)
            scheduler.partial(engine, "a", lambda: order.append("a"))
            scheduler.partial(engine, "b", lambda: order.append("b"))
            scheduler.drop("a")
            scheduler.drop("a")
        scheduler.run(engine, lambda: None)
    assert order == ["b"]
    assert (scheduler.counters.stale, scheduler.counters.partials) == (1, 1)


def test_owners_are_told_apart_by_identity_and_need_not_be_hashable() -> None:
    engine, order = NumberedEngine(), []
    with Scheduler() as scheduler:
        with engine.held():
            scheduler.final(engine, clip(0), OPTIONS, lambda _: None)
            waits(engine.begun)
            for owner in ([], []):
                scheduler.partial(engine, owner, lambda: order.append(1))
        scheduler.run(engine, lambda: None)
    assert len(order) + scheduler.counters.stale == 2


def test_a_partial_that_comes_so_late_that_its_sound_is_gone_is_told_and_costs_no_final(
    uncaught: list[BaseException],
) -> None:
    engine, inbox, ring = NumberedEngine(), Inbox(), RingBuffer(100)
    ring.write(clip(1, 60))
    with Scheduler() as scheduler:
        with engine.held():
            scheduler.final(engine, clip(0), OPTIONS, inbox.taker(0))
            waits(engine.begun)
            scheduler.partial(engine, "a", lambda: ring.read(0, 60) and None)
            scheduler.final(engine, ring.read(0, 60), OPTIONS, inbox.taker(1))
            ring.write(clip(2, 80))
        scheduler.run(engine, lambda: None)
    assert [type(error) for error in uncaught] == [SoundGone]
    assert inbox.texts == {0: "w0", 1: "w1"}


def test_backlog_is_the_seconds_of_sound_whose_finals_are_owed() -> None:
    engine, inbox = NumberedEngine(), Inbox()
    with Scheduler() as scheduler:
        assert scheduler.backlog(engine) == 0.0
        with engine.held():
            scheduler.final(engine, clip(1, SAMPLE_RATE), OPTIONS, inbox.taker(1))
            waits(engine.begun)
            scheduler.final(engine, clip(2, SAMPLE_RATE // 2), OPTIONS, inbox.taker(2))
            assert scheduler.backlog(engine) == scheduler.backlog(scheduler.engine(engine)) == 1.5
            assert scheduler.backlog(NumberedEngine()) == 0.0
        inbox.wait(2)
        assert scheduler.backlog(engine) == 0.0


def test_each_engine_has_its_own_worker() -> None:
    held, free, inbox = NumberedEngine(), NumberedEngine(), Inbox()
    with Scheduler() as scheduler, held.held():
        scheduler.final(held, clip(1), OPTIONS, inbox.taker(1))
        waits(held.begun)
        scheduler.final(free, clip(2), OPTIONS, inbox.taker(2))
        assert [label for label, _ in inbox.wait(1)] == [2]


def test_an_idle_worker_holds_nobody_s_sound() -> None:
    engine, inbox, sound = NumberedEngine(), Inbox(), clip(1)
    gone = weakref.ref(sound)
    with Scheduler() as scheduler:
        scheduler.final(engine, sound, OPTIONS, inbox.taker(1))
        inbox.wait(1)
        del sound
        for _ in range(200):  # the outcome is told a little before the worker is through
            gc.collect()
            if gone() is None:
                break
            threading.Event().wait(0.01)
        assert gone() is None


def test_closing_waits_for_finals_and_ends_the_threads() -> None:
    engine, inbox = NumberedEngine(), Inbox()
    scheduler = Scheduler()
    with engine.held():
        for number in range(20):
            scheduler.final(engine, clip(number), OPTIONS, inbox.taker(number))
        waits(engine.begun)
        closing = in_thread(scheduler.close)
    joined(closing)
    assert inbox.texts == {number: f"w{number}" for number in range(20)}
    assert not engine.thread.is_alive()
    scheduler.close()


def test_closing_gathers_no_longer() -> None:
    engine, inbox, heard = NumberedEngine(), Inbox(), threading.Semaphore(0)
    scheduler = Scheduler(gather_ms=LONG)
    scheduler.partial(engine, "a", heard.release)
    waits(heard)
    scheduler.final(engine, clip(1), OPTIONS, inbox.taker(1), "b")
    joined(in_thread(scheduler.close))
    assert inbox.texts == {1: "w1"}


def test_what_cannot_run_any_more_is_told_so(handed_over: threading.Semaphore) -> None:
    engine, inbox, errors = NumberedEngine(), Inbox(), []

    def batch() -> None:
        with pytest.raises(EngineError, match="the scheduler is closed; make a new one") as raised:
            scheduler.batch(engine, [clip(5)], OPTIONS)
        errors.append(raised.value)

    scheduler = Scheduler()
    with engine.held():
        scheduler.final(engine, clip(0), OPTIONS, inbox.taker(0))
        waits(engine.begun)
        scheduler.partial(engine, "a", lambda: errors.append("a partial was done"))
        waiting = in_thread(batch)
        waits(handed_over)
        closing = in_thread(scheduler.close)
        joined(waiting)
    joined(closing)
    scheduler.final(engine, clip(1), OPTIONS, inbox.taker(1))
    scheduler.partial(engine, "a", lambda: errors.append("a partial was done"))
    batch()
    assert inbox.texts == {0: "w0", 1: "EngineError"}
    assert [type(error) for error in errors] == [EngineError, EngineError]
    assert scheduler.counters.stale == 2


def test_batch_work_whose_wait_was_interrupted_is_nobody_s_when_the_scheduler_is_closed(
    monkeypatch: pytest.MonkeyPatch, uncaught: list[BaseException]
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    engine, done, taken_back = NumberedEngine(), [], after(monkeypatch, "close")
    monkeypatch.setattr(Future, "result", interrupted)
    scheduler = Scheduler()
    with engine.held():
        scheduler.final(engine, clip(0), OPTIONS, lambda _: None)
        waits(engine.begun)
        with pytest.raises(KeyboardInterrupt):
            scheduler.run(engine, lambda: done.append("batch work"))
        closing = in_thread(scheduler.close)
        waits(taken_back)
    joined(closing)
    assert (uncaught, done) == ([], [])


def test_closing_with_a_limit_of_time_tells_an_error_to_the_finals_that_are_not_out() -> None:
    engine, inbox = NumberedEngine(), Inbox()
    scheduler = Scheduler()
    with engine.held():
        scheduler.final(engine, clip(0), OPTIONS, inbox.taker(0))
        waits(engine.begun)
        scheduler.final(engine, clip(1), OPTIONS, inbox.taker(1))
        scheduler.close(timeout=0.01)
        assert inbox.texts == {0: "EngineError", 1: "EngineError"}
    joined(engine.thread)
    assert len(inbox.got) == 2  # the call that ran is told nobody once more


def test_a_callback_may_ask_for_more_and_may_close() -> None:
    engine, inbox = NumberedEngine(), Inbox()
    scheduler = Scheduler()

    def more(_: Outcome) -> None:
        inbox.take("inside", scheduler.batch(engine, [clip(7)], OPTIONS)[0])
        scheduler.final(engine, clip(2), OPTIONS, inbox.taker(2))
        scheduler.close()

    scheduler.final(engine, clip(1), OPTIONS, more)
    inbox.wait(2)
    scheduler.close()
    assert inbox.texts == {"inside": "w7", 2: "w2"}


def test_batch_work_gives_what_the_engine_gives_in_the_order_of_the_clips() -> None:
    engine = NumberedEngine()
    with Scheduler() as scheduler:
        heard = scheduler.batch(engine, [clip(n, 100 * n) for n in range(1, 11)], DecodeOptions(batch_size=4))
    assert [each.segments[0].text for each in heard] == [f"w{n}" for n in range(1, 11)]
    assert engine.calls == [[10, 9, 8, 7], [6, 5, 4, 3], [2, 1]]


@pytest.mark.parametrize(
    ("options", "number", "error"),
    [(OPTIONS, 1, EngineError), (OPTIONS, 2, EngineError), (DecodeOptions(cancelled=lambda: True), 3, Cancelled)],
)
def test_batch_work_raises_what_the_engine_raises(
    options: DecodeOptions, number: int, error: type[MalsoriError]
) -> None:
    with Scheduler() as scheduler, pytest.raises(error):
        scheduler.batch(NumberedEngine(chokes=[1], breaks=[2]), [clip(number)], options)


def test_a_final_waits_for_one_clip_of_the_batch_work_where_streams_are_active() -> None:
    engine, inbox, heard = NumberedEngine(), Inbox(), threading.Semaphore(0)
    with Scheduler() as scheduler:
        scheduler.partial(engine, "a", heard.release)
        waits(heard)
        with engine.held():
            files = in_thread(lambda: scheduler.batch(engine, [clip(n) for n in range(1, 5)], OPTIONS))
            waits(engine.begun)
            scheduler.final(engine, clip(9), OPTIONS, inbox.taker(9), "a")
        joined(files)
    assert engine.calls == [[1], [9], [2], [3], [4]]


def busy(scheduler: Scheduler, engine: NumberedEngine) -> None:
    """Give the engine a call that it is at, so that others wait; it must be held."""
    scheduler.final(engine, clip(0), OPTIONS, lambda _: None)
    waits(engine.begun)


def asked(scheduler: Scheduler, engine: NumberedEngine, options: DecodeOptions, *numbers: int) -> Callable[[], str]:
    """Ask for some clips in a thread of its own; return what waits for their texts or for the name of the error."""
    inbox = Inbox()

    def ask() -> None:
        try:
            heard = scheduler.batch(engine, [clip(number) for number in numbers], options)
            inbox.take(0, said(0) if heard == [said(number) for number in numbers] else EngineError("others"))
        except MalsoriError as error:
            inbox.take(0, error)

    in_thread(ask)
    return lambda: text_of(inbox.wait(1)[0][1])


def test_clips_of_several_files_that_wait_share_a_call(handed_over: threading.Semaphore) -> None:
    engine = NumberedEngine()
    with Scheduler() as scheduler:
        with engine.held():
            busy(scheduler, engine)
            found = []
            for first in (1, 11, 21):
                found.append(asked(scheduler, engine, replace(OPTIONS, cancelled=lambda: False), first, first + 1))
                waits(handed_over)
            found.append(asked(scheduler, engine, DecodeOptions(beam_size=2), 31))
            waits(handed_over)
            found.append(asked(scheduler, engine, OPTIONS, 41, 42, 43))
            waits(handed_over)
        assert [each() for each in found] == ["w0"] * 5
    assert engine.calls == [[0], [1, 2, 11, 12, 21, 22, 41, 42], [31], [43]]


def test_a_clip_that_fails_in_a_call_with_others_costs_its_own_file_only(handed_over: threading.Semaphore) -> None:
    engine = NumberedEngine(chokes=[11], breaks=[21])
    with Scheduler() as scheduler:
        with engine.held():
            busy(scheduler, engine)
            found = []
            for first in (1, 11, 21, 31):
                found.append(asked(scheduler, engine, OPTIONS, first, first + 1))
                waits(handed_over)
        assert [each() for each in found] == ["w0", "EngineError", "EngineError", "w0"]
    assert engine.calls == [[0], [1, 2, 11, 12, 21, 22, 31, 32], [1, 2], [11, 12], [21, 22], [31, 32]]


def test_the_texts_before_clips_stay_with_them(handed_over: threading.Semaphore) -> None:
    class Chained(NumberedEngine):
        def transcribe(
            self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
        ) -> list[Hypothesis]:
            super().transcribe(clips, options, previous)
            return [Hypothesis((Segment(said, 0.0, 0.01, 1.0),), "ko", 1.0) for said in previous or [""] * len(clips)]

    engine, found = Chained(), []
    with Scheduler() as scheduler:
        with engine.held():
            busy(scheduler, engine)
            threads = []
            for name in "ab":
                sounds, before = [clip(n, 100 * n) for n in (1, 2)], [f"{name}1", f"{name}2"]
                work = partial(scheduler.batch, engine, sounds, OPTIONS, before)
                threads.append(in_thread(lambda work=work: found.append([text_of(each) for each in work()])))
                waits(handed_over)
        for thread in threads:
            joined(thread)
    assert sorted(found) == [["a1", "a2"], ["b1", "b2"]]
    assert [len(call) for call in engine.calls] == [1, 4]


def test_who_has_left_is_told_at_once_and_his_clips_are_never_heard(handed_over: threading.Semaphore) -> None:
    engine, gone = NumberedEngine(), threading.Event()
    with Scheduler() as scheduler:
        with engine.held():
            busy(scheduler, engine)
            left = asked(scheduler, engine, replace(OPTIONS, cancelled=gone.is_set), 1, 2)
            stays = asked(scheduler, engine, OPTIONS, 3)
            for _ in range(2):
                waits(handed_over)
            gone.set()
            assert left() == "Cancelled"  # while the engine is still at its call
        assert stays() == "w0"
    assert engine.calls == [[0], [3]]


def test_the_call_of_who_has_left_stops_and_one_that_others_share_goes_on(handed_over: threading.Semaphore) -> None:
    class Patient(NumberedEngine):
        """Notes whether a call was told to stop."""

        stopped: Any = None

        def transcribe(
            self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
        ) -> list[Hypothesis]:
            heard = super().transcribe(clips, options, previous)
            self.stopped = options.cancelled is not None and options.cancelled()
            return heard

    engine, gone = Patient(), threading.Event()
    leaving = replace(OPTIONS, cancelled=gone.is_set)
    with Scheduler() as scheduler:
        with engine.held():
            left = asked(scheduler, engine, leaving, 1, 2)
            waits(engine.begun)
            gone.set()
            assert left() == "Cancelled"
        scheduler.run(engine, lambda: None)
        assert engine.stopped
        gone.clear()
        free = threading.Event()
        before = in_thread(partial(scheduler.run, engine, partial(free.wait, SOON)))
        left, stays = asked(scheduler, engine, leaving, 3), asked(scheduler, engine, OPTIONS, 4)
        for _ in range(5):  # two were there before
            waits(handed_over)
        with engine.held():
            free.set()
            waits(engine.begun)
            gone.set()
            assert left() == "Cancelled"
        assert stays() == "w0"
        assert not engine.stopped
    joined(before)
    assert sorted(engine.calls[-1]) == [3, 4]


@pytest.mark.parametrize("name", ["batch", "detect_language"])
def test_who_has_left_before_is_not_even_queued_or_soon_taken_back(name: str) -> None:
    engine, gone = NumberedEngine(), threading.Event()
    options = DecodeOptions(cancelled=gone.is_set)
    with Scheduler() as scheduler, engine.held():
        busy(scheduler, engine)
        shared: Any = scheduler.engine(engine)
        work = partial(shared.transcribe, [clip(1)]) if name == "batch" else partial(shared.detect_language, clip(1))
        gone.set()
        with pytest.raises(Cancelled):
            work(options)
    assert engine.calls == [[0]]


def test_a_failure_in_a_shared_call_does_not_tell_one_s_progress_to_another(handed_over: threading.Semaphore) -> None:
    told: list[DecodeOptions] = []

    class Telling(NumberedEngine):
        def transcribe(
            self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
        ) -> list[Hypothesis]:
            told.append(options)
            return super().transcribe(clips, options, previous)

    engine, heard = Telling(), []
    mine = replace(OPTIONS, progress=heard.append)
    with Scheduler() as scheduler:
        assert asked(scheduler, engine, mine, 1, 2)() == "w0"
        with engine.held():
            waits(engine.begun)
            busy(scheduler, engine)
            found = [asked(scheduler, engine, each, 3) for each in (mine, OPTIONS)]
            for _ in range(3):
                waits(handed_over)
        assert [each() for each in found] == ["w0", "w0"]
    assert [each.progress for each in told] == [mine.progress, None, None]


@pytest.mark.parametrize("name", ["nano-ctc-ko", "nano-whisper"])
def test_files_of_several_threads_share_calls_and_have_the_texts_that_each_has_alone(
    name: str, handed_over: threading.Semaphore
) -> None:
    own = model(name)
    sample = decode(ROOT / "samples" / "numbers.wav").samples
    sounds = [sample[start * SAMPLE_RATE : (start + 3) * SAMPLE_RATE] for start in range(8)]
    alone = [own.transcribe(sound, language="ko") for sound in sounds]
    calls: list[int] = []

    class Counting:
        """The engine, whose first call begins once everybody waits."""

        def __init__(self, engine: Any) -> None:
            self._engine = engine

        def __getattr__(self, name: str) -> Any:
            return getattr(self._engine, name)

        def transcribe(self, clips: Sequence[Audio], *rest: Any) -> list[Hypothesis]:
            calls.append(len(clips))
            return self._engine.transcribe(clips, *rest)

    counting: Any = Counting(own.engine)
    free = threading.Event()
    with Scheduler() as scheduler, ThreadPoolExecutor(9) as threads:
        held = threads.submit(scheduler.run, counting, partial(free.wait, SOON))
        shared = Transcriber(counting, detector=own.detector).shared(scheduler)
        asked_for = [threads.submit(shared.transcribe, sound, language="ko") for sound in sounds]
        for _ in range(1 + len(sounds)):
            waits(handed_over)
        free.set()
        assert held.result()
        found = [each.result() for each in asked_for]
    assert [each.text for each in found] == [each.text for each in alone]
    assert sum(calls) >= 8
    assert name != "nano-whisper" or max(calls) > 1  # a CTC model in int8 reads clips one after another


def test_an_engine_that_is_released_is_let_go_of_and_a_later_request_begins_anew() -> None:
    with Scheduler() as scheduler:
        engine = NumberedEngine()
        gone = weakref.ref(engine)
        with engine.held():
            busy(scheduler, engine)
            found = asked(scheduler, engine, OPTIONS, 1)
            scheduler.release(engine)
            scheduler.release(engine)
            first = scheduler.backlog(engine)
        assert (found(), first) == ("w0", 0.0)
        assert scheduler.batch(engine, [clip(2)], OPTIONS) == [said(2)]
        scheduler.release(scheduler.engine(engine))
        joined(engine.thread)
        del engine, found
        gc.collect()
        assert gone() is None


def test_closing_waits_for_finals_of_an_engine_that_was_released_too() -> None:
    engine, inbox = NumberedEngine(), Inbox()
    scheduler = Scheduler()
    with engine.held():
        busy(scheduler, engine)
        scheduler.final(engine, clip(1), OPTIONS, inbox.taker(1))
        scheduler.release(engine)
        closing = in_thread(scheduler.close)
        assert inbox.got == []
    joined(closing)
    assert inbox.texts == {1: "w1"}
    assert not engine.thread.is_alive()


def test_files_share_an_engine_with_streams_and_get_the_transcripts_that_they_would_get_alone() -> None:
    recordings = [recording((n, 1.0), (n + 1, 0.5)) for n in range(10, 40, 2)]
    alone = Transcriber(LoudnessEngine("ko", "en"), detector=LoudnessDetector)
    engine, inbox = LoudnessEngine("ko", "en"), Inbox()
    with Scheduler() as scheduler:
        beside = Transcriber(scheduler.engine(scheduler.engine(engine)), detector=LoudnessDetector)
        for number in range(50):
            scheduler.final(engine, clip(100 * number, 1_000), OPTIONS, inbox.taker(number), number % 5)
        found = list(beside.transcribe_many(recordings))
    assert found == list(alone.transcribe_many(recordings))
    assert len(engine.detections) == 15
    assert len(inbox.got) == 50


def test_a_bad_recording_costs_only_itself_beside_streams_too() -> None:
    engine = LoudnessEngine(poison=20)
    with Scheduler() as scheduler:
        files = Transcriber(scheduler.engine(engine), detector=LoudnessDetector)
        sounds = [recording((n, 0.5)) for n in (10, 20, 30)]
        found = list(files.transcribe_many(sounds, on_error="return"))
    assert [type(each).__name__ for each in found] == ["Transcript", "EngineError", "Transcript"]


def test_a_shared_engine_is_otherwise_the_engine_itself() -> None:
    engine = ctc_engine()
    with Scheduler() as scheduler:
        shared: Any = scheduler.engine(engine)
        assert (shared.manifest, shared.longest_clip, shared.long_form) == (engine.manifest, 120.0, False)
        assert shared.check(OPTIONS) == ()
        assert shared.batches([1, 2], OPTIONS) == engine.batches([1, 2], OPTIONS)
        sound = clip(1, 3200)
        assert shared.embed(sound, 1).tolist() == engine.embed(sound, 1).tolist()
        assert (shared.frames, shared.vocabulary) == (engine.frames, engine.vocabulary)
        assert shared.logits([sound])[0].tolist() == engine.logits([sound])[0].tolist()
        assert shared.hidden([sound], batch_size=1)[0].tolist() == engine.hidden([sound])[0].tolist()


def test_a_shared_engine_keeps_the_protocols_that_its_engine_keeps() -> None:
    several: list[Any] = [ctc_engine(), LoudnessEngine("ko", "en"), LoudnessEngine("ko", kind="wav2vec2-ctc")]
    with Scheduler() as scheduler:
        kept = [
            [isinstance(each, protocol) for protocol in (HasLogits, TellsLanguages, Follower)]
            for engine in several
            for each in (engine, scheduler.engine(engine))
        ]
    assert kept == [[True, False, False]] * 2 + [[False, True, False]] * 2 + [[False, False, False]] * 2


@pytest.mark.parametrize("kind", ["whisper", "wav2vec2-ctc"])
def test_a_shared_transcriber_behaves_as_its_original(kind: str) -> None:
    languages = ("ko", "en") if kind == "whisper" else ("ko",)
    loading = Loading(device="cpu", threads=1, verify=False)
    original = Transcriber(
        LoudnessEngine(*languages, kind=kind), detector=LoudnessDetector, loading=loading, warnings=("a demonstration",)
    )
    sounds = [recording((n, 1.0), (n + 1, 0.5)) for n in (10, 20, 30)]
    with Scheduler() as scheduler:
        shared = original.shared(scheduler)
        assert shared.loading == loading
        found, expected = (list(used.transcribe_many(sounds, hotwords="a")) for used in (shared, original))
        assert found == expected
        assert found[0].warnings == ("a demonstration", "the hot word 'a' is left out")
        assert shared.check() == original.check() == ("a demonstration",)
        assert shared.detect_language(sounds[0]) == original.detect_language(sounds[0])
        assert shared.embed(sounds[0], layer=1).tolist() == original.embed(sounds[0], layer=1).tolist()
        told = [[event.to_dict() for event in _said(used.stream(), sounds[0])] for used in (shared, original)]
        assert told[0] == told[1]
        assert told[0][0]["code"] == "demonstration"


def _said(stream: Stream, sound: Audio) -> list[Event]:
    return [*stream.push(sound), *stream.flush()]


class NetworkEngine(NumberedEngine):
    """Notes which thread runs its network, by whatever way."""

    acoustic = poison = None

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[str] = []

    def logits(self, clips: Sequence[Audio], batch_size: int = 8) -> list[Audio]:
        self.threads.append(threading.current_thread().name)
        return list(clips)

    hidden = logits


@pytest.mark.parametrize("name", ["logits", "hidden"])
def test_what_else_uses_the_network_waits_for_its_turn_too(name: str, handed_over: threading.Semaphore) -> None:
    engine, order = NetworkEngine(), []
    with Scheduler() as scheduler:
        network = getattr(scheduler.engine(engine), name)
        with engine.held():
            scheduler.final(engine, clip(0), OPTIONS, lambda _: None)
            waits(engine.begun)
            waiting = in_thread(lambda: order.append(network([clip(1)], batch_size=2)))
            waits(handed_over)
            scheduler.final(engine, clip(1), OPTIONS, lambda _: order.append("final"))
        joined(waiting)
    assert order[0] == "final"
    assert len(order[1]) == 1
    assert engine.threads == ["malsori loudness"]


@pytest.mark.parametrize("name", ["acoustic", "poison", "nothing_of_that_name"])
def test_a_shared_engine_gives_no_way_past_the_queue(name: str) -> None:
    with Scheduler() as scheduler:
        shared = scheduler.engine(NetworkEngine())
        assert not hasattr(shared, name)
        assert not hasattr(scheduler.engine(NumberedEngine()), "logits")
        with pytest.raises(AttributeError, match=f"an engine that is shared has no {name!r}"):
            getattr(shared, name)


def test_a_text_is_placed_by_a_shared_engine_as_by_the_engine_itself() -> None:
    text = "내일 아침"
    sound = recording((30, 1.0))
    with Scheduler() as scheduler:
        shared = Transcriber(scheduler.engine(ctc_engine()), detector=LoudnessDetector)
        own = Transcriber(ctc_engine(), detector=LoudnessDetector)
        assert align(sound, text, shared, sample_rate=SAMPLE_RATE) == align(sound, text, own, sample_rate=SAMPLE_RATE)


def test_batch_work_of_an_option_that_there_is_not_is_refused_as_ever() -> None:
    class Refusing(NumberedEngine):
        def transcribe(self, *_: Any) -> list[Hypothesis]:
            raise OptionError("no such option")

    with Scheduler() as scheduler, pytest.raises(OptionError, match="no such option"):
        scheduler.batch(Refusing(), [clip(1)], OPTIONS)


def request(owner: object, since: float, batch_size: int = 8) -> FinalRequest:
    return FinalRequest(clip(1), DecodeOptions(batch_size=batch_size), lambda _: None, owner, since)


def test_gathering_ends_when_its_time_is_over_or_nobody_else_can_come() -> None:
    waiting = EngineQueue(NumberedEngine().batches, 0.005, 10.0)
    a, b, c = object(), object(), object()
    for owner in (a, b):
        waiting.partial(PartialRequest(owner, lambda: None), 1.0)
    waiting.final(request(c, 1.0))
    assert waiting.due(1.0) == pytest.approx(0.005)
    assert waiting.due(1.004) == pytest.approx(0.001)
    assert waiting.due(1.005) == 0
    waiting.final(request(a, 1.001))
    assert waiting.due(1.001) == pytest.approx(0.004)
    waiting.final(request(b, 1.002))
    assert waiting.due(1.002) == 0
    assert len(waiting.take(1.002)) == 3


def test_a_stream_that_was_not_heard_of_for_long_is_waited_for_no_more() -> None:
    waiting = EngineQueue(NumberedEngine().batches, 5.0, 10.0)
    often, seldom = object(), object()
    for owner, now in ((often, 1.0), (seldom, 2.0), (often, 11.0)):
        waiting.partial(PartialRequest(owner, lambda: None), now)
    waiting.final(request(often, 11.0))
    assert waiting.due(11.0) > 0
    assert waiting.due(12.5) == 0
    assert waiting.active(12.5)
    assert not waiting.active(21.5)


# What waits, against a model of it: lists in which everything is looked for anew.

operations = st.lists(
    st.one_of(
        st.tuples(st.just("final"), st.integers(0, 3), st.integers(1, 5), st.integers(1, 2)),
        st.tuples(st.just("partial"), st.integers(0, 3)),
        st.tuples(st.just("drop"), st.integers(0, 3)),
        st.tuples(st.just("batch work")),
        st.tuples(st.just("clip"), st.integers(0, 3), st.integers(1, 5), st.integers(1, 2), st.booleans()),
        st.tuples(st.just("take back"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.integers(1, 20)),
        st.tuples(st.just("take")),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(operations)
def test_what_is_taken_is_the_most_urgent_in_order_and_nothing_is_lost(steps: list[tuple[Any, ...]]) -> None:
    owners = [object() for _ in range(4)]
    waiting = EngineQueue(NumberedEngine().batches, 0.005, 0.05)
    finals: list[FinalRequest] = []
    partials: dict[int, PartialRequest] = {}
    batch_work: list[BatchWork | ClipRequest] = []
    now = 0.0
    for step in [*steps, *[("wait", 20), ("take",)] * len(steps)]:
        kind, rest = step[0], step[1:]
        if kind == "final":
            owner, length, beam = rest
            finals.append(
                FinalRequest(
                    clip(1, length), DecodeOptions(beam_size=beam, batch_size=3), lambda _: None, owners[owner], now
                )
            )
            waiting.final(finals[-1])
        elif kind == "partial":
            partial_ = PartialRequest(owners[rest[0]], lambda: None)
            assert waiting.partial(partial_, now) == (rest[0] in partials)
            partials[rest[0]] = partial_
        elif kind == "drop":
            assert waiting.drop(owners[rest[0]]) == (partials.pop(rest[0], None) is not None)
        elif kind == "batch work":
            batch_work.append(BatchWork(lambda: None, now))
            waiting.batch_work.append(batch_work[-1])
        elif kind == "clip":
            owner, length, beam, apart = rest
            options = DecodeOptions(beam_size=beam, batch_size=3)
            batch_work.append(ClipRequest(clip(1, length), options, "", owners[owner], now, apart=apart))
            waiting.batch_work.append(batch_work[-1])
        elif kind == "take back":
            if rest[0] < len(batch_work):
                batch_work.pop(rest[0]).future.cancel()
        elif kind == "wait":
            now += rest[0] / 1000
        elif waiting.due(now) == 0:
            _check_taken(waiting.take(now), now, finals, partials, batch_work, active=waiting.active(now))
        else:  # either nothing is there, or a final is no older than the time in which others are gathered
            assert not (finals or partials or batch_work) or now - finals[0].since < 0.005
    assert not finals
    assert not partials
    assert not batch_work


def _check_taken(
    job: Any,
    now: float,
    finals: list[FinalRequest],
    partials: dict[int, PartialRequest],
    batch_work: list[BatchWork | ClipRequest],
    *,
    active: bool,
) -> None:
    """Check a job against the model, and take it out of that."""
    if isinstance(job, list):
        assert job[0] is finals[0]
        assert len(job) <= 3
        for each in job:
            assert each.options == job[0].options
            assert each is next(other for other in finals if other.owner is each.owner)
            finals.remove(each)
    elif isinstance(job, BatchWork):
        assert not finals
        assert job is batch_work.pop(0)
        assert not partials or now - job.since >= 0.05
    elif isinstance(job, ClipCall):
        assert not finals
        assert job.requests[0] is batch_work[0]
        assert not partials or now - batch_work[0].since >= 0.05
        assert len(job.requests) <= (1 if active else 3)
        assert len({each.options for each in job.requests}) == 1
        if any(each.apart for each in job.requests):
            assert len({id(each.owner) for each in job.requests}) == 1
        for each in job.requests:
            batch_work.remove(each)
    else:
        assert not finals
        assert not batch_work or now - batch_work[0].since < 0.05
        assert job is partials.pop(next(owner for owner, step in partials.items() if step is job))


def test_thousands_of_operations_from_several_threads_lose_nothing() -> None:
    engines = [NumberedEngine(chokes=range(0, 1000, 17)), NumberedEngine(breaks=range(0, 1000, 13))]
    scheduler, told = Scheduler(gather_ms=0.2), defaultdict(list)
    asked: dict[object, list[int]] = {f"{thread}": [] for thread in range(4)}
    partials, batches = [0] * 4, [0] * 4
    listened: list[int] = []

    def stream(thread: int) -> None:
        rng, owner = random.Random(thread), f"{thread}"
        engine = engines[thread % 2]
        for _ in range(1000):
            kind = rng.random()
            if kind < 0.4:
                number = rng.randrange(1000)
                asked[owner].append(number)
                options = DecodeOptions(beam_size=rng.choice((1, 2)), batch_size=rng.choice((1, 3)))
                scheduler.final(engine, clip(number, rng.randrange(1, 50)), options, told[owner].append, owner)
            elif kind < 0.8:
                partials[thread] += 1
                scheduler.partial(engine, owner, partial(listened.append, thread))
            elif kind < 0.95:
                scheduler.drop(owner)
            else:
                number = 1 + 17 * 13 * rng.randrange(1, 4)
                batches[thread] += scheduler.batch(engine, [clip(number)], OPTIONS) == [said(number)]

    told.update({owner: [] for owner in asked})
    threads = [in_thread(partial(stream, thread)) for thread in range(4)]
    for thread in threads:
        joined(thread)
    scheduler.close()
    for owner, numbers in asked.items():
        bad = 17 if int(owner) % 2 == 0 else 13
        expected = ["EngineError" if number % bad == 0 else f"w{number}" for number in numbers]
        assert [text_of(outcome) for outcome in told[owner]] == expected
    assert scheduler.counters.finals == sum(map(len, asked.values()))
    assert scheduler.counters.partials + scheduler.counters.stale == sum(partials)
    assert len(listened) == scheduler.counters.partials
    assert all(batches)
