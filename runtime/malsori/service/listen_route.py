"""/v1/listen: plain PCM in, events as JSON out, for clients that have no room for more.

client  {"type": "config", "sample_rate": 16000}      server  {"type": "ready", "session": ..., "limits": {...}}
client  PCM, PCM, PCM                                 server  {"type": "partial", ...}, {"type": "final", ...}
client  {"type": "end"}                               server  the last finals, {"type": "done", "audio_seconds": ...}
"""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import suppress

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from ..errors import MalsoriError
from .feed import Feed
from .listen_config import ListenConfig, config_of
from .messages import read_object
from .pcm import PcmDecoder
from .refusal import Refusal, refusal_of
from .serve_options import within
from .socket_talk import FAILED, GOING_AWAY, NORMAL, POLICY, ClientLeft, SocketTalk
from .state import Service

LIMITS_TOLD = ("listen_bytes", "idle_seconds", "stream_seconds", "backlog_seconds")


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this file."""

    async def endpoint(websocket: WebSocket) -> None:
        talk = SocketTalk(websocket, service, service.limits.listen_bytes)
        try:
            await talk.accept()
            await _session(talk, service)
        except ClientLeft:
            pass
        except Refusal as refusal:
            await talk.refuse(refusal)
        finally:
            await talk.close(FAILED)  # where it is still open

    return [WebSocketRoute("/v1/listen", endpoint)]


async def _session(talk: SocketTalk, service: Service) -> None:
    first = await talk.receive(service.limits.config_seconds or None)
    if not isinstance(first, str):
        found = "nothing" if first is None else "sound"
        raise Refusal(400, "config_required", f"expected a text message of type config first, found {found}")
    config = config_of(read_object(first, service.limits), service.options.language)
    async with service.feed(config.model, config.options, config.live, partials=config.interim) as feed:
        limits = {name: value for name, value in service.limits.to_dict().items() if name in LIMITS_TOLD}
        await talk.send({"type": "ready", "session": uuid.uuid4().hex, "limits": limits})
        await ListenSession(talk, feed, config, service).run()


class ListenSession:
    """A session that is configured: sound goes in as long as there is some, events come out as long as there are."""

    def __init__(self, talk: SocketTalk, feed: Feed, config: ListenConfig, service: Service) -> None:
        self._talk, self._feed, self._service = talk, feed, service
        self._decoder = PcmDecoder(config.encoding, config.channels)
        self._interim = config.interim
        self._began = self._heard = time.monotonic()
        self._ended = False

    async def run(self) -> None:
        """Serve the client until it has said and got all, or a limit ends the session. Raises `ClientLeft`."""
        telling = asyncio.create_task(self._tell())
        hearing = asyncio.create_task(self._hear())
        try:
            await asyncio.wait({telling, hearing}, return_when="FIRST_COMPLETED")
            code, reason = hearing.result() if hearing.done() else (NORMAL, "")
            if not telling.done():
                await self._feed.finish()
            await telling
            if not hearing.done():
                hearing.cancel()
            await self._talk.send({"type": "done", "audio_seconds": round(self._feed.seconds, 3)})
            await self._talk.close(code, reason)
        finally:
            for task in (telling, hearing):
                task.cancel()
            with suppress(asyncio.CancelledError, ClientLeft, Refusal):
                await asyncio.gather(telling, hearing)

    async def _tell(self) -> None:
        async for event in self._feed:
            await self._talk.send(event.to_dict())

    async def _hear(self) -> tuple[int, str]:
        """Take messages until the client ends, or a limit does; return the code and reason to close with."""
        while True:
            message = await self._talk.receive(self._patience())
            if message is None:
                return await self._why()
            try:
                if await self._take(message):
                    return NORMAL, ""
            except MalsoriError as error:
                await self._talk.send({"type": "error", **refusal_of(error, None).body()})
            except Refusal as refusal:
                if refusal.status == 413:
                    raise
                await self._talk.send({"type": "error", **refusal.body()})

    async def _take(self, message: str | bytes) -> bool:
        """Take one message; return whether it is the last one."""
        if isinstance(message, bytes):
            if len(samples := self._decoder.push(message)):
                await self._feed.push(samples)
                self._heard = time.monotonic()
            return False
        asked = read_object(message, self._service.limits).get("type")
        if asked == "flush":
            await self._feed.cut()
        elif asked != "end":
            raise Refusal(400, "unknown_type", f"type: expected 'flush' or 'end', found {asked!r}", "type")
        return bool(asked == "end")

    def _patience(self) -> float | None:
        """Return the seconds until a limit ends the session."""
        limits, now = self._service.limits, time.monotonic()
        until = min(self._heard + within(limits.idle_seconds), self._began + within(limits.stream_seconds))
        return None if until == float("inf") else max(0.0, until - now)

    async def _why(self) -> tuple[int, str]:
        """Tell the client which limit has ended its session; return the code and reason to close with."""
        limits = self._service.limits
        if self._service.ending.is_set():
            return GOING_AWAY, "shutting_down"
        if time.monotonic() - self._began >= within(limits.stream_seconds):
            code, message = "session_too_long", f"a session lasts {limits.stream_seconds:g} s at most; open another one"
        else:
            code, message = "idle_timeout", f"no sound came for {limits.idle_seconds:g} s; open another session"
        await self._talk.send({"type": "error", **Refusal(400, code, message).body()})
        return POLICY, code
