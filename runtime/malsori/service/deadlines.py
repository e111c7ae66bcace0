"""uvicorn's connections with deadlines: for the head of a request, for its body, and for what a client leaves unread.

uvicorn itself only limits how long a connection may be idle between two requests.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from .refusal import Refusal
from .serve_options import ServiceLimits, within
from .service_log import log

_REFUSAL = json.dumps(Refusal(408, "timeout", "the request came too slowly").body()).encode()
TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(_REFUSAL), _REFUSAL)
)


NO_HTTP = (
    b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n"
    b"content-type: application/json\r\ncontent-length: 109\r\n\r\n"
    b'{"error":{"message":"this is no HTTP/1.1","type":"invalid_request_error","param":null,"code":"invalid_http"}}'
)


TLS = b"\x16\x03"  # with which each TLS connection begins, and no HTTP request
NOT_TLS = "a client speaks TLS, and the service HTTP; http:// reaches it, for https:// it needs a proxy in front"


class Timers:
    """The deadlines of one connection; each ends the connection at once, whatever is still in its buffers."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._running: dict[str, asyncio.TimerHandle] = {}
        # The first unread byte begins the deadline of writing. Usually 64 KiB may wait before anybody is told, and with
        # less than that unread a connection would never be closed.
        transport.set_write_buffer_limits(high=0)

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


class LimitedHttp(H11Protocol):
    """One HTTP connection; a socket leaves it for its own protocol. Subclasses have `limits`."""

    limits = ServiceLimits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head, unless there are too many connections."""
        super().connection_made(transport)
        self.timers = Timers(transport)
        self._body_bytes, self._body_began, self._upgraded = 0, 0.0, False
        if len(self.connections) > within(self.limits.connections):
            transport.abort()
            return
        self.timers.begin("head", self.limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all deadlines."""
        self.timers.end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take data, and start or stop the deadlines that it makes due."""
        if data.startswith(TLS) and self.conn.their_state is h11.IDLE:
            log("refused", level="warning", message=NOT_TLS)  # the 400 that follows is what curl knows TLS by
        super().data_received(data)
        self._follow(len(data))

    def on_response_complete(self) -> None:
        """Wait for the next head, if it has begun already."""
        super().on_response_complete()
        self._follow(0)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP.

        Where that is the body of a request, the application answers it already: it is told that its client has left.
        uvicorn would let it answer behind the refusal, and h11 raise for that.
        """
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(NO_HTTP)
        self.transport.close()

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        self.timers.begin("write", self.limits.write_seconds)
        super().pause_writing()

    def resume_writing(self) -> None:
        """End to wait for the client to read."""
        self.timers.end("write")
        super().resume_writing()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Leave the connection to a socket."""
        self._upgraded = True
        self.timers.end()
        super().handle_websocket_upgrade(event)

    def _follow(self, size: int) -> None:
        """Start and stop the deadlines that the state of the connection calls for."""
        state = self.conn.their_state
        if self._upgraded:
            return
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
            self.timers.begin("head", self.limits.head_seconds)

    def _body_deadline(self) -> None:
        """Start the deadline of a body with its first bytes; one that is read and comes fast enough gets more time."""
        patience, rate = self.limits.body_seconds, self.limits.body_rate
        if patience and not self.timers.runs("body"):
            self._body_began = self.loop.time()
            self.timers.begin("body", patience)
        elif patience and rate and self.conn.our_state is not h11.DONE:
            left = self._body_began + patience + self._body_bytes / rate - self.loop.time()
            self.timers.end("body")
            self.timers.begin("body", max(0.001, left))


class LimitedSocket(WebSocketsSansIOProtocol):
    """One WebSocket. Subclasses have `limits`."""

    limits = ServiceLimits()

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        super().connection_made(transport)
        self.timers = Timers(transport)
        self._read_at = 0.0

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all deadlines."""
        self.timers.end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take data, whose arrival is a sign of life; no more of them while the client does not read the answers.

        Pings are answered here, and not by whoever reads messages: their answers would fill the memory.
        """
        self._read_at = self.loop.time()
        super().data_received(data)
        if not self.writable.is_set():
            self.transport.pause_reading()

    def handle_cont(self, event: Any) -> None:
        """Take more of a message; of nothing, which may come without end, nothing is kept."""
        if event.data or event.fin:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """Hand on a message; a text that is no UTF-8 ends the socket, and is no error of ours that would be logged."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_utf8(self.frames):
            self.frames = []
            self.conn.fail(1007)
            self.handle_parser_exception()
        else:
            super().send_receive_event_to_app()

    def keepalive_timeout(self) -> None:
        """Give up a client that says nothing.

        The answer to a ping lies behind the messages before it. Where these are not read yet, because the engine is
        behind, uvicorn would take a client for lost that only is fast.
        """
        if self.read_paused or self._read_at >= self.ping_sent_at:
            self.pong_timer = self.pending_ping_payload = None
            self.schedule_ping()
        else:
            super().keepalive_timeout()

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        self.timers.begin("write", self.limits.write_seconds)
        super().pause_writing()

    def resume_writing(self) -> None:
        """End to wait for the client to read."""
        self.timers.end("write")
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()


def _is_utf8(parts: list[bytes]) -> bool:
    try:
        b"".join(parts).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def protocols(limits: ServiceLimits) -> tuple[type[LimitedHttp], type[LimitedSocket]]:
    """Return uvicorn's two protocols with these limits."""
    own = {"limits": limits}
    return type("Http", (LimitedHttp,), own), type("Socket", (LimitedSocket,), own)
