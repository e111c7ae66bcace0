"""Clients of Wyoming for tests: bytes as they are, and what Home Assistant does with the package `wyoming`."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.event import read_event
from wyoming.info import Describe, Info

from tests.shipped import ROOT

HOST = "127.0.0.1"
FORM = {"rate": 16_000, "width": 2, "channels": 1}
CHUNK = 2_048  # bytes, as Home Assistant has them
WAIT_S = 30.0  # seconds after which a test gives up


def speech(name: str) -> bytes:
    """Return a sample of the repository as PCM."""
    with wave.open(str(ROOT / "samples" / f"{name}.wav")) as sound:
        return sound.readframes(sound.getnframes())


def words(name: str) -> str:
    """Return what is said in it."""
    return (ROOT / "samples" / f"{name}.txt").read_text("utf-8").strip()


def message(kind: str, data: dict[str, Any] | None = None, payload: bytes = b"", *, inline: bool = False) -> bytes:
    """Return a message; its data in the line itself, or behind it as the package `wyoming` writes them."""
    header: dict[str, Any] = {"type": kind}
    body = b"" if data is None or inline else json.dumps(data, ensure_ascii=False).encode()
    header |= {"data": data} if inline else {}
    header |= {"data_length": len(body)} if body else {}
    header |= {"payload_length": len(payload)} if payload else {}
    return json.dumps(header).encode() + b"\n" + body + payload


def chunks(sound: bytes, size: int = CHUNK, **form: int) -> list[bytes]:
    """Return messages with the sound in them."""
    return [message("audio-chunk", FORM | form, sound[at : at + size]) for at in range(0, len(sound), size)]


def turn(sound: bytes, asked: dict[str, Any] | None = None, **form: int) -> bytes:
    """Return all that a client sends in a turn."""
    ask = [] if asked is None else [message("transcribe", asked)]
    start, stop = message("audio-start", FORM | form), message("audio-stop", {"timestamp": None})
    return b"".join([*ask, start, *chunks(sound, **form), stop])


async def said(port: int, parts: Iterable[bytes], *, half_close: bool = False) -> list[tuple[str, dict[str, Any]]]:
    """Send bytes in these parts and return type and data of all that is answered until the connection ends."""
    reader, writer = await asyncio.open_connection(HOST, port)
    with suppress(ConnectionError):  # the service may have closed already
        for part in parts:
            writer.write(part)
            await writer.drain()
        if half_close:
            writer.write_eof()
    found = await asyncio.wait_for(reader.read(-1), WAIT_S)
    writer.close()
    return read_all(found)


def read_all(found: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Return type and data of the messages in some bytes, as the package `wyoming` reads them."""
    source = io.BytesIO(found)
    events = []
    while source.tell() < len(found):
        event = read_event(source)
        assert event is not None, found
        events.append((event.type, event.data))
    return events


def answers(port: int, *parts: bytes, half_close: bool = False) -> list[tuple[str, dict[str, Any]]]:
    """Do as `said`, in a loop of its own."""
    return asyncio.run(said(port, parts, half_close=half_close))


def text_of(events: list[tuple[str, dict[str, Any]]]) -> str:
    """Return the one transcript among them."""
    (text,) = [data["text"] for kind, data in events if kind == "transcript"]
    return str(text)


def refused(events: list[tuple[str, dict[str, Any]]]) -> tuple[str, str]:
    """Return code and text of the error that is the only answer."""
    ((kind, data),) = events
    assert kind == "error"
    return data["code"], data["text"]


async def described(port: int, seconds: float = 1.0) -> Info:
    """Ask as Home Assistant does: on a connection of its own, and with no more than a second's patience."""
    async with AsyncTcpClient(HOST, port) as client:
        return await asyncio.wait_for(_described(client), seconds)


async def _described(client: AsyncTcpClient) -> Info:
    await client.write_event(Describe().event())
    while True:
        event = await client.read_event()
        assert event is not None, "the connection was closed"
        if Info.is_type(event.type):
            return Info.from_event(event)


async def home_assistant(port: int, language: str, sound: bytes) -> str | None:
    """Return the text that Home Assistant's own sequence gets, None where it would tell of an error."""
    async with AsyncTcpClient(HOST, port, read_timeout=WAIT_S) as client:
        await client.write_event(Transcribe(language=language).event())
        await client.write_event(AudioStart(**FORM).event())
        for at in range(0, len(sound), CHUNK):
            await client.write_event(AudioChunk(**FORM, audio=sound[at : at + CHUNK]).event())
        await client.write_event(AudioStop().event())
        while True:
            event = await client.read_event()
            if event is None:
                return None
            if Transcript.is_type(event.type):
                return Transcript.from_event(event).text
