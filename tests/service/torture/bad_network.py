"""A bad network between a client and a service: it delays, cuts into pieces, slows down and stalls. No tests here."""

from __future__ import annotations

import asyncio
import random
import threading
from typing import Any

from tests.service.torture.watched import HOST


class BadNetwork:
    """Passes connections on to a port of this machine, both ways, badly. TCP loses nothing, only time.

    delay_s, jitter_s: how late each piece comes, give or take.
    piece: bytes that are passed on at a time; after `pieces_at_once` of them others have their turn.
    bytes_a_second: as fast as it is; 0 is any.
    stall_every, stall_s: after so many bytes nothing comes for so long.
    """

    def __init__(
        self,
        to: int,
        *,
        delay_s: float = 0.0,
        jitter_s: float = 0.0,
        piece: int = 1 << 16,
        pieces_at_once: int = 1,
        bytes_a_second: int = 0,
        stall_every: int = 0,
        stall_s: float = 0.0,
    ) -> None:
        self._to, self._delay, self._jitter, self._piece, self._at_once = to, delay_s, jitter_s, piece, pieces_at_once
        self._rate, self._stall_every, self._stall = bytes_a_second, stall_every, stall_s
        self._chance = random.Random(to)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.port = 0

    def __enter__(self) -> BadNetwork:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result(5)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _begin(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, HOST, 0)

    async def _end(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there, back = await asyncio.open_connection(HOST, self._to)
        try:
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer), return_exceptions=True)
        finally:
            back.close()
            writer.close()
            self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = pieces = 0
        while data := await reader.read(self._piece):
            if self._delay:
                await asyncio.sleep(self._delay + self._chance.uniform(-self._jitter, self._jitter))
            if self._rate:
                await asyncio.sleep(len(data) / self._rate)
            if self._stall_every and (passed + len(data)) // self._stall_every > passed // self._stall_every:
                await asyncio.sleep(self._stall)
            passed, pieces = passed + len(data), pieces + 1
            writer.write(data)
            await writer.drain()
            if pieces % self._at_once == 0:
                await asyncio.sleep(0.001)
        writer.write_eof()
