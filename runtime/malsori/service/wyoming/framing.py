"""Wyoming's messages on a socket, each within its limits and in its time.

    {"type": "audio-chunk", "data_length": 44, "payload_length": 2048}\\n    a line of JSON
    {"rate": 16000, "width": 2, "channels": 1}                              `data_length` bytes, more data
    ...                                                                     `payload_length` bytes of sound

A payload is read in pieces, so however long a client says that it is, no more than a piece of it is held.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ...kinds import is_whole
from ..messages import read_object
from ..refusal import Refusal
from ..serve_options import ServiceLimits, within

VERSION = "1.10.2"  # of the protocol as it is spoken here; nobody reads it
PIECE = 1 << 16  # bytes of a payload that are read at once
DATA_TIMES = 4  # data may be so many times as long as a text: it may name all devices of a house
ENDLESS = 1 << 40  # bytes where a limit is off
LINGER_S = 2.0  # seconds in which a client may read the last message


class ClientGone(Exception):
    """The connection has ended, or its client does not read."""


@dataclass(frozen=True, slots=True)
class WyomingEvent:
    """One message without its payload, whose length in bytes is `payload`."""

    type: str
    data: Mapping[str, Any]
    payload: int = 0


class EventReader:
    """Reads the messages of one connection. Raises `Refusal` for what is none, `ClientGone` at the end."""

    def __init__(self, stream: asyncio.StreamReader, limits: ServiceLimits) -> None:
        self._stream, self._limits = stream, limits
        self._left = 0  # bytes of the last message's payload that were not read

    async def read(self, seconds: float) -> WyomingEvent:
        """Return the next message, which must begin within `seconds`; its payload is left to be read."""
        async for _ in self.payload():
            pass
        with self._in_time(seconds, "a message"):
            first = await self._stream.readexactly(1)
        with self._in_time(within(self._limits.head_seconds), "the whole message"):
            return await self._event(first)

    async def _event(self, first: bytes) -> WyomingEvent:
        header = await self._header(first)
        kind, data = header.get("type"), header.get("data") or {}
        if not isinstance(kind, str) or not isinstance(data, dict):
            raise _invalid("a message: expected a text as type and an object as data, found something else")
        most = (self._limits.text_bytes or ENDLESS) * DATA_TIMES
        if length := _length(header, "data_length", most):
            data = {**data, **self._object(await self._stream.readexactly(length), most)}
        self._left = _length(header, "payload_length", self._limits.upload_bytes or ENDLESS)
        return WyomingEvent(kind, data, self._left)

    async def payload(self) -> AsyncIterator[bytes]:
        """Yield what is left of the last message's payload, in pieces."""
        while self._left:
            with self._in_time(within(self._limits.idle_seconds), "sound"):
                piece = await self._stream.readexactly(min(self._left, PIECE))
            self._left -= len(piece)
            yield piece

    async def _header(self, first: bytes) -> dict[str, Any]:
        try:
            line = first if first == b"\n" else first + await self._stream.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            most = self._limits.text_bytes
            raise _too_large(f"a message: expected a line of at most {most} bytes, found more") from None
        return self._object(line)

    def _object(self, text: bytes, most_bytes: int | None = None) -> dict[str, Any]:
        try:
            return read_object(text.decode("utf-8"), self._limits, most_bytes)
        except UnicodeDecodeError:
            raise _invalid("expected JSON in UTF-8, found something else") from None

    @contextmanager
    def _in_time(self, seconds: float, what: str) -> Iterator[None]:
        """Let reading fail where it takes longer, or the connection ends.

        `asyncio.wait_for` would do, but up to Python 3.11 it loses a cancellation that comes together with the bytes.
        """
        late = Refusal(408, "idle_timeout", f"expected {what} within {seconds:g} s, found less")
        with self.deadline(seconds, late):
            try:
                yield
            except (asyncio.IncompleteReadError, OSError):
                raise ClientGone from None

    @contextmanager
    def deadline(self, seconds: float, refusal: Refusal) -> Iterator[None]:
        """Let reading raise a refusal once `seconds` have passed in the block."""
        if math.isinf(seconds):
            yield
            return
        timer = asyncio.get_running_loop().call_later(seconds, self._stream.set_exception, refusal)
        try:
            yield
        finally:
            timer.cancel()


class EventWriter:
    """Writes messages to one connection; tasks may share it. Raises `ClientGone` where they are not taken in time."""

    def __init__(self, stream: asyncio.StreamWriter, limits: ServiceLimits) -> None:
        self._stream, self._seconds = stream, limits.write_seconds
        self._turn = asyncio.Lock()  # up to Python 3.10 only one task may wait for the socket

    async def write(self, kind: str, data: Mapping[str, Any] | None = None) -> None:
        """Write a message."""
        await self.send(encoded(kind, data))

    async def send(self, message: bytes) -> None:
        """Write encoded messages, whole, and wait until there is room for the next."""
        if self._stream.is_closing():
            raise ClientGone
        self._stream.write(message)
        abort = self._stream.transport.abort
        timer = asyncio.get_running_loop().call_later(self._seconds, abort) if self._seconds else None
        try:
            async with self._turn:
                await self._stream.drain()
        except Refusal:
            pass  # that of `EventReader.deadline`, of which asyncio tells the writer as well; the message is written
        except OSError:
            abort()
            raise ClientGone from None
        finally:
            if timer is not None:
                timer.cancel()

    async def close(self, reader: asyncio.StreamReader) -> None:
        """End the connection; what the client still sends is read over for a while, and its last message not lost.

        A socket that is closed with bytes unread is reset, and then the other side may never see what was sent to it.
        """
        with suppress(OSError, asyncio.TimeoutError, Refusal):
            if self._stream.can_write_eof() and not self._stream.is_closing():
                self._stream.write_eof()
                await asyncio.wait_for(_read_over(reader), LINGER_S)
        self._stream.close()
        with suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(self._stream.wait_closed(), LINGER_S)


def encoded(kind: str, data: Mapping[str, Any] | None = None) -> bytes:
    """Return a message as bytes; its data stand behind the line, which clients read up to 64 KiB only."""
    # Half a surrogate pair, which a client may have sent as \\ud800, is no UTF-8.
    body = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace") if data else b""
    header = {"type": kind, "version": VERSION, **({"data_length": len(body)} if body else {})}
    return json.dumps(header).encode() + b"\n" + body


async def _read_over(reader: asyncio.StreamReader) -> None:
    while await reader.read(PIECE):
        pass


def _length(header: Mapping[str, Any], name: str, most: int) -> int:
    value = header.get(name)
    if value is None:
        return 0
    if not is_whole(value) or value < 0:
        raise _invalid(f"{name}: expected a whole number of 0 or more, found {repr(value)[:40]}")
    if value > most:
        raise _too_large(f"{name}: expected at most {most} bytes, found {str(value)[:40]}")
    return value


def _invalid(message: str) -> Refusal:
    return Refusal(400, "invalid_message", message)


def _too_large(message: str) -> Refusal:
    return Refusal(413, "message_too_large", message)
