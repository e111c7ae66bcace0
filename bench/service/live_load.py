"""Clients that speak in real time: each says a talk in blocks, and notes what it is told and when.

All times are seconds since the first sample of the talk was spoken. A block is sent when its last sample has been
spoken, as a sound card gives it.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import Any, Protocol

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bench.recordings import RATE
from bench.service.sounds import read_wav

TOLD_S = 20.0  # seconds that a server has for its last words
Answer = dict[str, Any]


class Dialect(Protocol):
    """How a server wants to be spoken to."""

    @property
    def block(self) -> int:
        """Samples of a message."""
        ...

    @property
    def end(self) -> str | bytes:
        """What says that no more sound comes."""
        ...

    async def begin(self, socket: ClientConnection, order: Answer) -> bool:
        """Say who we are; return whether the server takes us."""
        ...

    def sound(self, samples: bytes) -> bytes:
        """Return 16-bit samples as it wants them."""
        ...


class Listen:
    """/v1/listen."""

    block = RATE // 25
    end = '{"type": "end"}'

    async def begin(self, socket: ClientConnection, order: Answer) -> bool:
        config = {"type": "config", "encoding": "pcm_s16le", "sample_rate": RATE, "language": "en"}
        await socket.send(json.dumps(config | {"interim": order["partials"]}))
        while json.loads(await socket.recv())["type"] != "ready":
            pass  # an error, behind which the socket is closed with its code
        return True

    def sound(self, samples: bytes) -> bytes:
        return samples


class WhisperLive:
    """WhisperLive's own protocol: float samples; its client sends 4096 of them at a time, this one sends fewer."""

    block = RATE // 10
    end = b"END_OF_AUDIO"

    async def begin(self, socket: ClientConnection, order: Answer) -> bool:
        hello = {"uid": f"client-{id(socket)}", "language": "en", "task": "transcribe", "model": "tiny.en"}
        await socket.send(json.dumps(hello | {"use_vad": True}))
        while True:
            told = json.loads(await socket.recv())
            if told.get("message") == "SERVER_READY":
                return True
            if told.get("status"):
                return False

    def sound(self, samples: bytes) -> bytes:
        return (np.frombuffer(samples, "<i2").astype(np.float32) / 32_768).tobytes()


DIALECTS: dict[str, type[Listen] | type[WhisperLive]] = {"listen": Listen, "whisper_live": WhisperLive}


async def speak(order: Answer, path: str, wait: float) -> Answer:
    """Say one talk; return what was told, how late blocks were sent at most, or with which code we were refused."""
    dialect: Dialect = DIALECTS[order["dialect"]]()
    await asyncio.sleep(wait)
    try:
        async with connect(order["url"], compression=None, max_queue=None, open_timeout=30) as socket:
            try:
                if not await dialect.begin(socket, order):
                    return {"refused": "told"}
            except ConnectionClosed as closed:
                return {"refused": closed.rcvd.code if closed.rcvd else 1006}
            return await _talk(socket, dialect, read_wav(path))
    except InvalidStatus as refused:
        return {"refused": refused.response.status_code}


async def _talk(socket: ClientConnection, dialect: Dialect, sound: bytes) -> Answer:
    begun, told, late = time.perf_counter(), [], 0.0

    async def listen() -> None:
        with suppress(ConnectionClosed):
            async for message in socket:
                told.append((round(time.perf_counter() - begun, 4), json.loads(message)))

    listening = asyncio.create_task(listen())
    size = 2 * dialect.block
    with suppress(ConnectionClosed):
        for start in range(0, len(sound), size):
            due = begun + (start + size) / 2 / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            late = max(late, time.perf_counter() - due)
            await socket.send(dialect.sound(sound[start : start + size]))
        await socket.send(dialect.end)
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(listening, TOLD_S)
    return {"told": told, "late": late, "code": socket.close_code}


async def live(order: Answer) -> list[Answer]:
    """Let all speak, each a little later than the one before, so that no two blocks are due at once."""
    apart = order.get("apart", 0.35)
    return list(await asyncio.gather(*(speak(order, path, apart * at) for at, path in enumerate(order["talks"]))))
