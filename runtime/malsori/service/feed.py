"""A live session: sound of one client in, events of its stream out, for all sockets alike."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Executor
from typing import Any

from numpy.typing import NDArray

from ..events import Event, SpeechStarted
from ..pipeline.live.stream import Stream
from .session_figures import SessionFigures
from .telemetry import Metrics

LOOK_EVERY = 0.1  # seconds between two looks at a stream that is behind


class Feed:
    """One stream in an event loop. All methods belong to the loop's thread; `threads` does the stream's own work.

    `push` waits while the stream is behind, and so slows down a client that is faster than the engine: nothing is
    dropped. Iterating gives the events as they come, and ends once `finish` was called and the last final is told.
    """

    def __init__(self, stream: Stream, threads: Executor, metrics: Metrics) -> None:
        self._stream, self._threads = stream, threads
        self._figures = SessionFigures(metrics)
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        self._events: deque[Event] = deque()
        self._news = asyncio.Event()
        self._closed = False
        self._begun = 0  # utterances
        stream.wake = self._wake

    @property
    def seconds(self) -> float:
        """Seconds of sound taken."""
        return self._stream.seconds

    @property
    def behind(self) -> bool:
        """Whether so much speech waits that no more sound is taken now."""
        return self._stream.behind

    async def push(self, sound: bytes | NDArray[Any]) -> None:
        """Take sound: 16-bit PCM as bytes, or an array of samples. Raises `AudioError` for a block of another kind."""
        while self._stream.behind and not self._closed:
            await asyncio.sleep(LOOK_EVERY)
        await self._do(lambda: self._stream.push(sound))
        self._figures.pushed(self._stream.seconds)

    async def cut(self) -> int:
        """End the open utterance now; its final comes among the events. Return how many utterances have begun."""
        await self._do(self._stream.cut)
        return self._begun

    async def finish(self) -> None:
        """Take no more sound; the remaining events come."""
        await self._do(self._stream.finish)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            while self._events:
                event = self._events.popleft()
                self._figures.told(event)
                yield event
            if self._closed or (self._stream.done and not self._turn.locked()):
                return
            self._news.clear()
            await self._news.wait()

    async def close(self) -> None:
        """Give up what is still to come; the iteration ends."""
        self._closed = True
        self._figures.close(self._stream.seconds)
        self._stream.wake = None
        self._news.set()
        if not self._stream.done:
            async with self._turn:
                await self._loop.run_in_executor(self._threads, self._stream.abandon)

    async def _do(self, work: Callable[[], list[Event]]) -> None:
        """Let a thread work on the stream, one call at a time, and keep its events in their order."""
        async with self._turn:
            self._keep(await self._loop.run_in_executor(self._threads, work))
        self._collect()

    def _keep(self, events: Iterable[Event]) -> None:
        for event in events:
            self._events.append(event)
            self._begun += isinstance(event, SpeechStarted)

    def _wake(self) -> None:
        """Let the loop fetch events; called from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._collect)

    def _collect(self) -> None:
        # While a thread works on the stream it has taken events of before, which must come first.
        if not self._turn.locked() and not self._closed:
            self._keep(self._stream.poll())
        self._news.set()
