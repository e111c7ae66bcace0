"""Each request gets an id, is counted, timed and logged, whatever becomes of it.

`current_request()` is the one that the running task answers. Who knows more of it than HTTP does, its model and the
seconds of its sound, or why it is refused, writes that there.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from .service_log import log
from .telemetry import OTHER, Metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADER = b"x-request-id"
ALLOWED = re.compile(rb"[A-Za-z0-9._-]{1,64}")  # of a client's own id; anything else is replaced, not refused
LEFT = 499  # as nginx logs it: the client went away before there was an answer
SWITCHING = 101
POLLED = {"/healthz", "/health", "/livez", "/readyz", "/metrics"}  # asked each few seconds: logged at debug only


@dataclass(slots=True)
class CurrentRequest:
    """What is known of a request while it is answered.

    `model`, `audio_s` and `refused` are for whoever finds them out.
    """

    id: str
    method: str
    client: str = ""
    route: str = OTHER
    code: int = LEFT
    received: int = 0  # bytes of the body
    sent: int = 0  # bytes
    model: str = ""
    audio_s: float | None = None
    refused: str = ""  # the code of the error that the client was told
    began: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """The time since its head was read."""
        return time.perf_counter() - self.began


_current: ContextVar[CurrentRequest | None] = ContextVar("current_request", default=None)


def current_request() -> CurrentRequest:
    """Return the request that this task answers; outside of any, one that nobody reads."""
    return _current.get() or CurrentRequest("", "")


@contextmanager
def turn() -> Iterator[None]:
    """Follow a connection without HTTP: it is logged at its end, at debug where nothing was said."""
    request = CurrentRequest(secrets.token_hex(8), "")
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)
        log(
            "turn",
            "info" if request.model or request.refused else "debug",
            id=request.id,
            code=request.refused or None,
            seconds=round(request.seconds, 4),
            model=request.model or None,
            audio_seconds=request.audio_s,
        )


class Measured:
    """An ASGI application whose requests are counted and logged. It stands around all others.

    The route is the template that the router found (`scope["route"]`), so what is refused before it counts as "other".
    A WebSocket is counted when it ends or is refused; how long it lasts is no request's time.
    """

    def __init__(self, app: Application, metrics: Metrics, clients: bool = False) -> None:
        self.app, self.metrics, self._clients = app, metrics, clients

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live with one socket until it closes."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request = self._begun(scope)
        token = _current.set(request)
        try:
            await self.app(scope, _counting(receive, request), _answering(send, request))
        finally:
            _current.reset(token)
            request.route = getattr(scope.get("route"), "path", OTHER)
            self._ended(request, scope["type"])

    def _begun(self, scope: Scope) -> CurrentRequest:
        given = dict(scope["headers"]).get(HEADER, b"")
        known = given.decode("ascii") if ALLOWED.fullmatch(given) else secrets.token_hex(8)
        client = scope.get("client") if self._clients else None  # its address; the port tells nobody anything
        return CurrentRequest(known, scope.get("method", "WEBSOCKET"), client[0] if client else "")

    def _ended(self, request: CurrentRequest, kind: str) -> None:
        self.metrics.request(request.route, request.code, request.seconds if kind == "http" else None)
        _write(request)


def _write(request: CurrentRequest) -> None:
    level = "debug" if request.route in POLLED else "warning" if request.code >= 500 else "info"
    log(
        "request",
        level,
        id=request.id,
        method=request.method,
        route=request.route,
        status=request.code,
        code=request.refused or None,
        seconds=round(request.seconds, 4),
        received=request.received,
        sent=request.sent,
        model=request.model or None,
        audio_seconds=request.audio_s,
        client=request.client or None,
    )


def _counting(receive: Receive, request: CurrentRequest) -> Receive:
    async def counted() -> Message:
        message = await receive()
        request.received += len(message.get("body") or message.get("bytes") or message.get("text") or b"")
        return message

    return counted


def _answering(send: Send, request: CurrentRequest) -> Send:
    """Give the answer the request's id, and note its status and length."""
    id_header = (HEADER, request.id.encode("ascii"))

    async def answered(message: Message) -> None:
        kind = message["type"]
        if kind in ("http.response.start", "websocket.http.response.start", "websocket.accept"):
            message["headers"] = [*message.get("headers", ()), id_header]
            request.code = message.get("status", SWITCHING)
        elif kind == "websocket.close" and request.code == LEFT:
            request.code = 403  # what the server answers in its place
        await send(message)
        request.sent += len(message.get("body") or message.get("bytes") or message.get("text") or b"")

    return answered
