"""WebSockets byte by byte, for messages that no library sends. No tests here."""

from __future__ import annotations

import json
import socket
import struct
import time
import wave
from contextlib import suppress
from typing import Any

from bench.torture.requests import head
from tests.service.torture.watched import HOST
from tests.shipped import ROOT

CONT, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9
LISTEN, REALTIME = "/v1/listen", "/v1/realtime"
UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)
WAIT_S = 15.0


def pcm() -> bytes:
    """Return the samples of the Korean recording, 16 kHz."""
    with wave.open(str(ROOT / "samples" / "korean.wav")) as sound:
        assert sound.getframerate() == 16_000
        return sound.readframes(sound.getnframes())


def frame(kind: int, data: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bool = True) -> bytes:
    """Return a frame, whose mask changes nothing."""
    first, size = (0x80 if fin else 0) | rsv | kind, len(data)
    length = (
        bytes([size]) if size < 126 else struct.pack("!BH" if size < 65_536 else "!BQ", 126 + (size >= 65_536), size)
    )
    return bytes([first, length[0] | (0x80 if mask else 0)]) + length[1:] + (bytes(4) if mask else b"") + data


def said(message: dict[str, Any]) -> bytes:
    """Return a frame with JSON."""
    return frame(TEXT, json.dumps(message).encode())


CONFIG, END, GOODBYE = said({"type": "config"}), said({"type": "end"}), frame(CLOSE, struct.pack("!H", 1000))


def opened(port: int, path: str = LISTEN, *lines: str, receive_bytes: int = 0) -> socket.socket:
    """Return a connection that is a WebSocket. `receive_bytes` is how much its system takes without being read."""
    made = socket.socket()
    if receive_bytes:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    made.settimeout(WAIT_S)
    made.connect((HOST, port))
    made.sendall(head("GET", path, *UPGRADE, *lines, close=False))
    came = b""
    while b"\r\n\r\n" not in came:
        came += made.recv(1)
    assert b" 101 " in came, came
    return made


def rest(connection: socket.socket, seconds: float = WAIT_S) -> tuple[list[dict[str, Any]], int | None]:
    """Return all messages until the service closes, and its code: 0 without one, None where it stays open.

    Its close is answered.
    """
    until, came, messages = time.monotonic() + seconds, b"", []
    while (wait := until - time.monotonic()) > 0:
        connection.settimeout(wait)
        try:
            piece = connection.recv(1 << 16)
        except TimeoutError:
            break
        except ConnectionError:
            return messages, 0
        if not piece:
            return messages, 0
        came += piece
        while (found := _first(came)) is not None:
            kind, data, came = found
            if kind == CLOSE:
                with suppress(OSError):
                    connection.sendall(GOODBYE)
                return messages, struct.unpack("!H", data[:2])[0]
            if kind == TEXT:
                messages.append(json.loads(data))
    return messages, None


def _first(came: bytes) -> tuple[int, bytes, bytes] | None:
    if len(came) < 2:
        return None
    size, start = came[1] & 0x7F, 2
    if size > 125:
        start = 4 if size == 126 else 10
        if len(came) < start:
            return None
        size = int.from_bytes(came[2:start], "big")
    if len(came) < start + size:
        return None
    return came[0] & 0x0F, came[start : start + size], came[start + size :]


def heard(messages: list[dict[str, Any]]) -> str:
    """Return the text of the finals among messages of /v1/listen."""
    return " ".join(each["text"] for each in messages if each["type"] == "final" and each["text"])


def errors(messages: list[dict[str, Any]]) -> list[str]:
    """Return the codes of the errors among messages."""
    return [each["error"]["code"] for each in messages if each["type"] == "error"]
