"""Clients, in a process of their own: what they send, how long each answer takes, and what the process itself takes.

    python -m bench.service.load < ORDER > ANSWERS

An order and its answers are JSON. "files" are clients that send one clip after another over HTTP or Wyoming; "live" are
clients that speak in real time over /v1/listen or to a WhisperLive server. Nothing here is heard or compared: whoever
gave the order does that, when nothing is measured any more.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import h11

from bench.recordings import RATE
from bench.service import live_load
from bench.service.sounds import read_wav

BOUNDARY = "clip-boundary-7d1"
CHUNK = 2 * 1024  # bytes of a Wyoming chunk: 1024 samples, as Home Assistant sends them
Answer = dict[str, Any]
Ask = Callable[[str], Awaitable[Answer]]


def form(path: str, fields: dict[str, str]) -> bytes:
    """Return a multipart body with a file and other fields."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = 'Content-Disposition: form-data; name="file"; filename="clip.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    with open(path, "rb") as file:
        parts.append(f"--{BOUNDARY}\r\n{head}".encode() + file.read())
    return b"".join([*parts, f"\r\n--{BOUNDARY}--\r\n".encode()])


class HttpClient:
    """One connection that is kept."""

    def __init__(self, url: str, fields: dict[str, str]) -> None:
        self._address, self._fields = urlsplit(url), fields
        self._bodies: dict[str, bytes] = {}
        self._reader: asyncio.StreamReader | None = None

    async def ask(self, path: str) -> Answer:
        """Post a clip; return status and text."""
        if path not in self._bodies:
            self._bodies[path] = form(path, self._fields)
        body = self._bodies[path]
        if self._reader is None:
            await self._connect()
        assert self._reader is not None
        head = [
            ("Host", self._address.netloc),
            ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}"),
            ("Content-Length", str(len(body))),
        ]
        said = [h11.Request(method="POST", target=self._address.path, headers=head), h11.Data(body), h11.EndOfMessage()]
        self._writer.write(b"".join(self._parser.send(event) or b"" for event in said))
        status, content = 0, b""
        while not isinstance(event := self._parser.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                self._parser.receive_data(await self._reader.read(65_536))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                content += bytes(event.data)
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionError("the server closed the connection in the middle of an answer")
        if h11.MUST_CLOSE in (self._parser.our_state, self._parser.their_state):
            self.close()
        else:
            self._parser.start_next_cycle()
        return {"status": status, "text": json.loads(content).get("text", "") if status == 200 else content.decode()}

    async def _connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(self._address.hostname, self._address.port)
        self._parser = h11.Connection(h11.CLIENT)

    def close(self) -> None:
        """Close the connection; the next question opens another one."""
        if self._reader is not None:
            self._writer.close()
        self._reader = None


class WyomingClient:
    """A connection for each clip, as Home Assistant has it."""

    def __init__(self, url: str, fields: dict[str, str]) -> None:
        self._address, self._language = urlsplit(url), fields.get("language")
        self._clips: dict[str, list[Any]] = {}

    async def ask(self, path: str) -> Answer:
        """Send a clip; return its text, or status 0 where the server closed without one."""
        from wyoming.asr import Transcript
        from wyoming.client import AsyncTcpClient

        if path not in self._clips:
            self._clips[path] = self._events(path)
        assert self._address.hostname is not None
        assert self._address.port is not None
        async with AsyncTcpClient(self._address.hostname, self._address.port) as client:
            for event in self._clips[path]:
                await client.write_event(event)
            while (event := await client.read_event()) is not None:
                if Transcript.is_type(event.type):
                    return {"status": 200, "text": Transcript.from_event(event).text}
        return {"status": 0, "text": "closed without a transcript"}

    def _events(self, path: str) -> list[Any]:
        from wyoming.asr import Transcribe
        from wyoming.audio import AudioChunk, AudioStart, AudioStop

        sound = read_wav(path)
        chunks = [
            AudioChunk(rate=RATE, width=2, channels=1, audio=sound[start : start + CHUNK]).event()
            for start in range(0, len(sound), CHUNK)
        ]
        begin = [Transcribe(language=self._language).event(), AudioStart(rate=RATE, width=2, channels=1).event()]
        return [*begin, *chunks, AudioStop().event()]

    def close(self) -> None:
        """Nothing is open between two clips."""


async def files(order: Answer) -> list[Answer]:
    """Let each client send the next clip as soon as it has its answer, until all are sent."""
    kinds: dict[str, Callable[[str, dict[str, str]], HttpClient | WyomingClient]]
    kinds = {"http": HttpClient, "tcp": WyomingClient}
    make = kinds[urlsplit(order["url"]).scheme]
    waiting = list(enumerate(order["clips"]))[::-1]
    answers: list[Answer] = []

    async def client() -> None:
        used = make(order["url"], order.get("fields", {}))
        while waiting:
            index, path = waiting.pop()
            begun = time.perf_counter()
            answer = await used.ask(path)
            answers.append({"clip": index, "seconds": time.perf_counter() - begun, **answer})
        used.close()

    await asyncio.gather(*(client() for _ in range(order["clients"])))
    return answers


def main() -> None:
    """Do what is ordered; print the answers, the seconds it took, and the processor seconds of this process."""
    order = json.load(sys.stdin)
    work = files if order["kind"] == "files" else live_load.live
    begun, used = time.perf_counter(), time.process_time()
    answers = asyncio.run(work(order))
    seconds, used = time.perf_counter() - begun, time.process_time() - used
    json.dump({"answers": answers, "seconds": seconds, "processor": used}, sys.stdout)


if __name__ == "__main__":
    main()
