"""A feed: sound goes to a stream in a thread, events come back, and nothing is lost or done twice in between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from malsori.events import Event, Final
from malsori.service.feed import Feed
from malsori.service.telemetry import Metrics

LAST = Final(1, "끝", 0.0, 1.0, (), "ko", 1.0, "nano-ctc-ko")


class Scripted:
    """A stream that takes any sound; `during` is called in the thread that pushes, `waiting` is what `poll` finds."""

    def __init__(self, during: Callable[[], None] = lambda: None) -> None:
        self.wake: Callable[[], None] | None = None
        self.pushed: list[Any] = []
        self.waiting: list[Event] = []
        self.did: list[str] = []
        self.done = self.behind = False
        self.seconds = 0.0
        self._during = during

    def push(self, sound: Any) -> list[Event]:
        self.pushed.append(sound)
        self._during()
        self.did.append("push")
        return []

    def finish(self) -> list[Event]:
        self.done = True
        return []

    def poll(self) -> list[Event]:
        found, self.waiting = self.waiting, []
        return found

    def abandon(self) -> None:
        self.did.append("abandon")
        self.done = True


def with_feed(stream: Scripted, work: Callable[[Feed], Any]) -> Any:
    """Return what a coroutine gives that works with a feed of the stream."""

    async def run() -> Any:
        with ThreadPoolExecutor(2) as threads:
            return await asyncio.wait_for(work(Feed(stream, threads, Metrics())), 10)  # type: ignore[arg-type]

    return asyncio.run(run())


def test_a_final_that_came_after_the_last_look_is_told() -> None:
    stream = Scripted()

    async def read(feed: Feed) -> list[Event]:
        await feed.finish()
        stream.waiting = [LAST]  # of another thread, whose call of `wake` the loop has not come to yet
        return [event async for event in feed]

    assert with_feed(stream, read) == [LAST]


def test_a_stream_is_not_abandoned_while_a_thread_still_pushes() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def during() -> None:
        inside.set()
        go_on.wait(5)

    stream = Scripted(during)

    async def leave(feed: Feed) -> None:
        pushing = asyncio.create_task(feed.push(np.zeros(160, np.int16)))
        await asyncio.to_thread(inside.wait, 5)
        pushing.cancel()
        closing = asyncio.create_task(feed.close())
        await asyncio.wait({pushing})
        assert pushing.cancelled()
        await asyncio.wait({closing}, timeout=0.1)
        go_on.set()
        await closing

    with_feed(stream, leave)
    assert stream.did == ["push", "abandon"]


def test_events_of_a_push_whose_caller_was_cancelled_are_told() -> None:
    inside, go_on = threading.Event(), threading.Event()

    class Telling(Scripted):
        def push(self, sound: Any) -> list[Event]:
            inside.set()
            go_on.wait(5)
            return [LAST]

    async def read(feed: Feed) -> list[Event]:
        pushing = asyncio.create_task(feed.push(np.zeros(160, np.int16)))
        await asyncio.to_thread(inside.wait, 5)
        pushing.cancel()
        await asyncio.wait({pushing})
        go_on.set()
        await feed.finish()
        return [event async for event in feed]

    assert with_feed(Telling(), read) == [LAST]


def test_a_long_block_is_taken_in_parts_so_that_the_client_is_slowed_and_nothing_dropped() -> None:
    stream, samples = Scripted(), np.arange(100_000, dtype=np.int32).astype(np.int16)

    async def push(feed: Feed) -> None:
        await feed.push(samples)
        await feed.push(samples.tobytes()[:-1])

    with_feed(stream, push)
    arrays = [each for each in stream.pushed if not isinstance(each, bytes)]
    pieces = [each for each in stream.pushed if isinstance(each, bytes)]
    assert np.array_equal(np.concatenate(arrays), samples)
    assert b"".join(pieces) == samples.tobytes()[:-1]
    assert max(map(len, arrays)) <= 16_000
    assert max(map(len, pieces)) <= 32_000
