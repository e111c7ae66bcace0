"""What is said on one connection: questions answered at once, one turn of speech, and then the end.

    <- describe                                         -> info
    <- transcribe?, audio-start, audio-chunk*           -> transcript-start, transcript-chunk*
    <- audio-stop                                       -> transcript, transcript-stop, end

Behind an `error` the connection ends as well: Home Assistant ignores the error and waits for the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from ...errors import MalsoriError
from ..measured import current_request
from ..refusal import Refusal, refusal_of
from ..serve_options import ServiceLimits, within
from .framing import ClientGone, EventReader, EventWriter, WyomingEvent
from .turn import Turn, asked_of


class Dialogue:
    """One connection. `info` is the answer to `describe`, encoded."""

    def __init__(
        self, reader: EventReader, writer: EventWriter, turn: Turn, info: bytes, limits: ServiceLimits
    ) -> None:
        self._reader, self._writer, self._turn, self._info, self._limits = reader, writer, turn, info, limits

    async def run(self) -> None:
        """Talk until the turn is over, the client has left, or it sends what it should not."""
        message = f"expected at most {self._limits.stream_seconds:g} s of a connection, found more"
        too_long = Refusal(408, "session_too_long", message)
        try:
            with self._reader.deadline(within(self._limits.stream_seconds), too_long):
                await self._talk()
        except MalsoriError as error:
            await self.refuse(refusal_of(error, None))
        except Refusal as refusal:
            await self.refuse(refusal)
        except ClientGone:
            pass

    async def refuse(self, refusal: Refusal) -> None:
        """Write an `error`."""
        current_request().refused = refusal.code
        with suppress(ClientGone):
            await self._writer.write("error", {"text": refusal.message, "code": refusal.code})

    async def _talk(self) -> None:
        """Listen and hear at once. The one that ends first ends the other, but that what was said to its end is heard:
        a client may close its side of the connection behind it."""
        async with _both(asyncio.create_task(self._listen()), asyncio.create_task(self._turn.hear())) as tasks:
            listening, hearing = tasks
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not hearing.done() and self._turn.stopped and isinstance(listening.exception(), ClientGone):
                await hearing
            await (hearing if hearing.done() else listening)

    async def _listen(self) -> None:
        seconds = self._limits.config_seconds
        while True:
            event = await self._reader.read(within(0.0 if self._turn.stopped else seconds))
            await self._answer(event)
            seconds = self._limits.idle_seconds
            await asyncio.sleep(0)  # a client that floods the socket does not keep the others waiting

    async def _answer(self, event: WyomingEvent) -> None:
        """Do what a message asks for; one of an unknown type is passed over."""
        if event.type == "describe":
            await self._writer.send(self._info)
        elif event.type == "ping":
            text = event.data.get("text")
            await self._writer.write("pong", {"text": text} if isinstance(text, str) else None)
        elif self._turn.stopped:
            return  # the turn is over, and the connection ends with its transcript
        elif event.type == "transcribe":
            self._turn.ask(asked_of(event.data))
        elif event.type == "audio-start":
            self._turn.begin(event.data)
        elif event.type == "audio-chunk":
            form = self._turn.begin(event.data)
            async for piece in self._reader.payload():
                await self._turn.push(form, piece)
        elif event.type == "audio-stop":
            await self._turn.stop()


@asynccontextmanager
async def _both(first: asyncio.Task[None], second: asyncio.Task[None]) -> AsyncIterator[tuple[asyncio.Task[None], ...]]:
    """Give two tasks, which end with the block."""
    try:
        yield first, second
    finally:
        for task in (first, second):
            task.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
