"""Clients of /v1/realtime for tests, and the models that its sessions may name. No tests here."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import numpy as np
import soxr
import websockets

from malsori import decode
from malsori.bundles import read_manifest
from malsori.bundles.manifest import Manifest
from malsori.service.refusal import Refusal
from tests.shipped import ROOT

KOREAN, NUMBERS = ROOT / "samples" / "korean.wav", ROOT / "samples" / "numbers.wav"
TEXT = (ROOT / "samples" / "korean.txt").read_text("utf-8").strip()
SENTENCES = (ROOT / "samples" / "numbers.txt").read_text("utf-8").strip().splitlines()
TRANSCRIPTION = "conversation.item.input_audio_transcription."
DELTA, COMPLETED, FAILED = f"{TRANSCRIPTION}delta", f"{TRANSCRIPTION}completed", f"{TRANSCRIPTION}failed"
APPEND, COMMIT, CLEAR = (f"input_audio_buffer.{name}" for name in ("append", "commit", "clear"))
SILENCE_S = 1.0  # behind a recording, so that the server finds its end

Sent = dict[str, Any]


class Models:
    """The two small models, as a registry has them."""

    default = "nano-ctc-ko"

    def __init__(self) -> None:
        names = ("nano-ctc-ko", "nano-whisper")
        self._manifests = {name: read_manifest(ROOT / "models" / name) for name in names}

    def resolve(self, name: str | None) -> str:
        """Return the name of a model."""
        if name is None or name == "whisper-1":
            return self.default
        if name not in self._manifests:
            raise Refusal(404, "model_not_found", f"model: there is no {name!r} here", "model")
        return name

    def manifest(self, name: str) -> Manifest:
        """Return the manifest of a model."""
        return self._manifests[name]


def pcm(path: Any = KOREAN, rate: int = 24_000, silence_s: float = SILENCE_S) -> bytes:
    """Return a recording as 16-bit PCM at a rate, with silence behind it."""
    samples = soxr.resample(decode(path).samples, 16_000, rate)
    samples = np.concatenate([samples, np.zeros(round(silence_s * rate), samples.dtype)])
    return np.rint(np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes()


def parts(data: bytes, size: int = 9_600) -> Iterator[bytes]:
    """Yield bytes in parts of a size."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def append(data: bytes, **fields: Any) -> Sent:
    """Return the event that appends sound."""
    return {"type": APPEND, "audio": base64.b64encode(data).decode(), **fields}


def heard_by(**fields: Any) -> Sent:
    """Return the `session.update` that changes fields of `audio.input`."""
    return {"type": "session.update", "session": {"type": "transcription", "audio": {"input": fields}}}


class RawClient:
    """One socket, spoken to in JSON; what came is kept in `events`."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket, self.events = socket, [{}]
        self.events.clear()

    async def send(self, *events: Sent | str | bytes) -> None:
        """Send events, or texts and bytes as they are."""
        for event in events:
            await self.socket.send(json.dumps(event) if isinstance(event, dict) else event)

    async def next(self, seconds: float = 20.0) -> Sent:
        """Return the next event."""
        event: Sent = json.loads(await asyncio.wait_for(self.socket.recv(), seconds))
        self.events.append(event)
        return event

    async def until(self, kind: str, times: int = 1) -> Sent:
        """Return the event of a kind that comes next, or the `times`-th one."""
        while True:
            event = await self.next()
            times -= event["type"] == kind
            if not times:
                return event

    async def closed(self, seconds: float = 20.0) -> int:
        """Take events until the server closes the socket; return its code."""
        with suppress(websockets.ConnectionClosed):
            while True:
                await self.next(seconds)
        return self.socket.close_code or 0

    def of(self, kind: str) -> list[Sent]:
        """Return the events of a kind that have come."""
        return [event for event in self.events if event["type"] == kind]

    @property
    def text(self) -> str:
        """The transcripts of the items that are completed."""
        return " ".join(event["transcript"] for event in self.of(COMPLETED) if event["transcript"])


@asynccontextmanager
async def raw(url: str, query: str = "intent=transcription", **options: Any) -> AsyncIterator[RawClient]:
    """Connect to a server, and give a client that has seen the first event."""
    async with websockets.connect(f"{url}/v1/realtime?{query}", max_size=None, **options) as socket:
        client = RawClient(socket)
        await client.next()
        yield client


async def error_of(client: RawClient, *events: Sent | str | bytes) -> Sent:
    """Return the error that events get."""
    await client.send(*events)
    return dict((await client.until("error"))["error"])


def kinds(events: Sequence[Sent]) -> list[str]:
    """Return the types of events, those of transcriptions by their last word."""
    return [event["type"].removeprefix(TRANSCRIPTION).removeprefix("input_audio_buffer.") for event in events]
