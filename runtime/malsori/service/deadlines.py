"""uvicorn's connections with deadlines: for the head of a request, for its body, and for what a client leaves unread.

uvicorn itself only limits how long a connection may be idle between two requests.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from .serve_options import ServiceLimits, within

TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 112\r\n\r\n"
    b'{"error":{"message":"the request came too slowly","type":"invalid_request_error","param":null,"code":"timeout"}}'
)


class Timers:
    """The deadlines of one connection; each ends the connection at once, whatever is still in its buffers."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._running: dict[str, asyncio.TimerHandle] = {}

    def begin(self, name: str, seconds: float) -> None:
        """Start a deadline, unless it runs already or is switched off."""
        if seconds and name not in self._running:
            self._running[name] = self._loop.call_later(seconds, self._over, name)

    def runs(self, name: str) -> bool:
        """Return whether a deadline runs."""
        return name in self._running

    def end(self, *names: str) -> None:
        """Stop deadlines; without names all."""
        for name in names or list(self._running):
            if (timer := self._running.pop(name, None)) is not None:
                timer.cancel()

    def _over(self, name: str) -> None:
        self._running.pop(name, None)
        if name == "write":  # what was sent is not read, so that closing in order would wait for ever
            self._transport.abort()
        else:
            self._transport.write(TOO_SLOW)
            self._transport.close()


def http_protocol(limits: ServiceLimits) -> type[H11Protocol]:
    """Return uvicorn's HTTP connection with these limits."""

    class LimitedHttp(H11Protocol):
        """One connection; a socket leaves it for its own protocol."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.timers = Timers(transport)
            self._body_bytes, self._upgraded = 0, False
            if len(self.connections) > within(limits.connections):
                transport.abort()
                return
            self.timers.begin("head", limits.head_seconds)

        def connection_lost(self, exc: Exception | None) -> None:
            self.timers.end()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._follow(len(data))

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._follow(0)

        def pause_writing(self) -> None:
            self.timers.begin("write", limits.write_seconds)
            super().pause_writing()

        def resume_writing(self) -> None:
            self.timers.end("write")
            super().resume_writing()

        def handle_websocket_upgrade(self, event: h11.Request) -> None:
            self._upgraded = True
            self.timers.end()
            super().handle_websocket_upgrade(event)

        def _follow(self, size: int) -> None:
            """Start and stop the deadlines that the state of the connection calls for."""
            if self._upgraded:  # the connection belongs to a socket now
                return
            state = self.conn.their_state
            if state is h11.SEND_BODY:
                self.timers.end("head")
                self._body_bytes += size
                self._body_deadline()
                return
            self.timers.end("body")
            self._body_bytes = 0
            if state is not h11.IDLE:
                self.timers.end("head")
            elif size or self.timeout_keep_alive_task is None:  # a head has begun
                self.timers.begin("head", limits.head_seconds)

        def _body_deadline(self) -> None:
            """Start the deadline of a body with its first bytes; a body that comes fast enough gets more time."""
            if limits.body_seconds and not self.timers.runs("body"):
                self._body_began = self.loop.time()
                self.timers.begin("body", limits.body_seconds)
            elif limits.body_seconds and limits.body_rate:
                earned = limits.body_seconds + self._body_bytes / limits.body_rate
                self.timers.end("body")
                self.timers.begin("body", max(0.001, self._body_began + earned - self.loop.time()))

    return LimitedHttp


def socket_protocol(limits: ServiceLimits) -> type[WebSocketsSansIOProtocol]:
    """Return uvicorn's WebSocket connection with these limits."""

    class LimitedSocket(WebSocketsSansIOProtocol):
        """One socket."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.timers = Timers(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            self.timers.end()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            self.timers.begin("write", limits.write_seconds)
            super().pause_writing()

        def resume_writing(self) -> None:
            self.timers.end("write")
            super().resume_writing()

    return LimitedSocket
