"""A WebSocket with the manners of the service: bounded messages, deadlines, errors as JSON, closing codes."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from .access import answered
from .measured import current_request
from .refusal import Refusal
from .state import Service

NORMAL, GOING_AWAY, POLICY, TOO_BIG, FAILED, TRY_LATER = 1000, 1001, 1008, 1009, 1011, 1013
CODES = {429: TRY_LATER, 503: TRY_LATER, 413: TOO_BIG, 500: FAILED}  # by the status of a refusal; others are POLICY


class ClientLeft(Exception):
    """The client has closed the socket, or is lost."""


class SocketTalk:
    """One socket. One task at a time may receive; several may send, and each message goes out whole.

    Whoever makes one closes it at last, whatever has happened.

    most_bytes: bytes of a message.
    """

    def __init__(self, websocket: WebSocket, service: Service, most_bytes: int) -> None:
        self._websocket, self._service, self._most = websocket, service, most_bytes
        self._receiving: asyncio.Task[Any] | None = None
        self._ending = asyncio.create_task(service.ending.wait())

    async def accept(self) -> None:
        """Accept the socket."""
        await self._websocket.accept(answered(self._websocket.scope.get("subprotocols", ())))

    async def receive(self, seconds: float | None = None) -> str | bytes | None:
        """Return the next message; None where none came within `seconds`, or the service ends.

        Raises `ClientLeft`, and `Refusal`, 413, for a message that is too large.
        """
        if self._receiving is None:
            self._receiving = asyncio.create_task(self._websocket.receive())
        await asyncio.wait({self._receiving, self._ending}, timeout=seconds, return_when="FIRST_COMPLETED")
        if not self._receiving.done():
            return None
        message, self._receiving = self._receiving.result(), None
        if message["type"] == "websocket.disconnect":
            raise ClientLeft
        data: str | bytes = message.get("bytes") if message.get("bytes") is not None else message["text"]
        if self._most and len(data) > self._most:
            raise Refusal(413, "message_too_large", f"expected at most {self._most} bytes, found {len(data)}")
        return data

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message. Raises `ClientLeft`."""
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        text = text.encode("utf-8", "replace").decode()  # a client may have sent half a surrogate pair as \\ud800
        try:
            await self._websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError, OSError) as error:
            raise ClientLeft from error

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close the socket, if it is still open; the reason is the code of what went wrong."""
        current_request().refused = reason
        self._ending.cancel()
        if self._receiving is not None:
            self._receiving.cancel()
        if self._websocket.application_state is not WebSocketState.DISCONNECTED:
            try:
                await self._websocket.close(code, reason)
            except (WebSocketDisconnect, RuntimeError, OSError):
                return

    async def refuse(self, refusal: Refusal, told: dict[str, Any] | None = None) -> None:
        """Tell why the client is not served, in the message `told` if given, and close with the code for that."""
        with suppress(ClientLeft):
            await self.send({"type": "error", **refusal.body()} if told is None else told)
        await self.close(CODES.get(refusal.status, POLICY), refusal.code)
