"""Sockets that do nothing, or too slowly: opened, kept open, and opened again when the server closes one.

    python -m bench.service.holders KIND HOST PORT COUNT     # prints how many are open; asked by a line, says it again

Kinds: `head` sends a byte of a request's head every two seconds, `body` likewise a body, `kept` has had one answer and
stays, `socket` is a WebSocket that says nothing, `ready` one that has said what it will send and sends none of it,
`tcp` a connection without a word, `mixed` as many of the first four. The WebSockets offer compression, as browsers do.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
from collections.abc import Awaitable, Callable

SLOW_S = 2.0  # seconds between two bytes
OPENING = 50  # sockets that are opened at a time
AGAIN_S = 0.5  # seconds until a socket that was closed is opened again
HEAD = b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: %s\r\nX-Slow: "
BODY = (
    b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: %s\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    b"Content-Length: 100000\r\n\r\n"
)
KEPT = b"GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n"
UPGRADE = (
    b"GET /v1/listen HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
)
CONFIG = b'{"type":"config","encoding":"pcm_s16le","sample_rate":16000,"language":"en"}'
MIXED = ("head", "body", "kept", "socket")


def frame(text: bytes) -> bytes:
    """Return a masked text frame."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(text))
    assert len(text) < 126
    return struct.pack("!BB", 0x81, 0x80 | len(text)) + mask + masked


class Holder:
    """Many sockets of one kind, or of several."""

    def __init__(self, kind: str, host: str, port: int, count: int) -> None:
        self._host, self._port = host, port
        self.kinds = [MIXED[index % len(MIXED)] if kind == "mixed" else kind for index in range(count)]
        self.open, self.again, self.refused = 0, 0, 0
        self._opening = asyncio.Semaphore(OPENING)
        self._kept: dict[str, Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]] = {
            "head": self._head,
            "body": self._body,
            "kept": self._answered,
            "socket": self._upgraded,
            "ready": self._configured,
            "tcp": self._silent,
        }

    async def hold(self, kind: str) -> None:
        """Keep one socket open, for ever."""
        while True:
            try:
                async with self._opening:
                    reader, writer = await asyncio.open_connection(self._host, self._port)
                    await self._kept[kind](reader, writer)
                self.open += 1
                try:
                    await self._until_closed(kind, reader, writer)
                finally:
                    self.open -= 1
                    writer.close()
            except (OSError, asyncio.IncompleteReadError):
                self.refused += 1
            self.again += 1
            await asyncio.sleep(AGAIN_S)

    async def _until_closed(self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        slow = kind in ("head", "body")
        while True:
            try:
                said = await asyncio.wait_for(reader.read(4_096), SLOW_S if slow else None)
            except asyncio.TimeoutError:
                writer.write(b"x")
            else:
                if not said:
                    return

    async def _head(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD % self._name)

    async def _body(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BODY % self._name)

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(KEPT % self._name)
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await reader.readexactly(int(lengths[0].split(b":")[1]))

    async def _upgraded(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(UPGRADE % self._name)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head.split(b"\r\n")[0].decode())

    async def _configured(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._upgraded(reader, writer)
        writer.write(frame(CONFIG))
        kind, length = await reader.readexactly(2)
        if length == 126:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
        await reader.readexactly(length)
        if kind & 0x0F == 0x08:
            raise ConnectionError("refused")

    async def _silent(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pass

    @property
    def _name(self) -> bytes:
        return f"{self._host}:{self._port}".encode()


async def held(holder: Holder) -> None:
    """Open all, then say how many are open whenever a line comes, until the input ends."""
    tasks = [asyncio.ensure_future(holder.hold(kind)) for kind in holder.kinds]
    for _ in range(200):
        await asyncio.sleep(0.1)
        if holder.open == len(holder.kinds):
            break
    loop = asyncio.get_running_loop()
    while True:
        print(json.dumps({"open": holder.open, "again": holder.again, "refused": holder.refused}), flush=True)
        if not await loop.run_in_executor(None, sys.stdin.readline):
            break
    for task in tasks:
        task.cancel()


def main() -> None:
    """Hold until the input ends."""
    kind, host, port, count = sys.argv[1:]
    asyncio.run(_hold(kind, host, int(port), int(count)))


async def _hold(kind: str, host: str, port: int, count: int) -> None:
    await held(Holder(kind, host, port, count))


if __name__ == "__main__":
    main()
