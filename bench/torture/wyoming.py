"""Messages of Wyoming that are none, lengths that nobody has, and turns that are unusual."""

from __future__ import annotations

import io
import json
import select
import socket
import time
import wave
from dataclasses import dataclass
from typing import Any

from bench.torture.attempt import HANGS_S
from bench.torture.target import GOOD_S, Target, Unwell, lives

MB = 1 << 20
FORM = {"rate": 16_000, "width": 2, "channels": 1}
CHUNK = 2_048  # bytes, as Home Assistant has them
ERROR, TEXT, END, HUNG = "error", "transcript", "end", "hung"


@dataclass(frozen=True, slots=True)
class Talk:
    """What is sent, and the outcomes that are right: an error, a transcript, or only the end of the connection."""

    name: str
    sent: bytes
    expected: frozenset[str]


def message(kind: str, data: dict[str, Any] | None = None, payload: bytes = b"", **header: Any) -> bytes:
    """Return a message; `header` replaces what is said in its line."""
    body = b"" if data is None else json.dumps(data).encode()
    head: dict[str, Any] = {"type": kind}
    head |= {"data_length": len(body)} if body else {}
    head |= {"payload_length": len(payload)} if payload else {}
    return json.dumps(head | header).encode() + b"\n" + body + payload


def turn(sound: bytes, *first: bytes, form: dict[str, int] = FORM, size: int = CHUNK) -> bytes:
    """Return all messages of a turn."""
    parts = [message("audio-chunk", form, sound[at : at + size]) for at in range(0, len(sound), size)]
    return b"".join([*first, message("audio-start", form), *parts, message("audio-stop", {})])


def pcm(sound: bytes) -> bytes:
    """Return the samples of a WAV file."""
    with wave.open(io.BytesIO(sound)) as file:
        return file.readframes(file.getnframes())


def talks(sound: bytes) -> list[Talk]:
    """Return everything that is tried; `sound` is a WAV file."""
    refused, heard = frozenset({ERROR, END}), frozenset({TEXT})
    samples = pcm(sound)
    wrong = {
        "a payload of 1 GB": message("audio-chunk", FORM, payload_length=10**9),
        "data of 1 GB": message("transcribe", data_length=10**9),
        "a negative payload": message("audio-chunk", FORM, payload_length=-1),
        "negative data": message("transcribe", data_length=-5),
        "a length that is a text": message("audio-chunk", payload_length="7"),
        "a line of 10 MB": b'{"type":"' + b"x" * 10 * MB + b'"}\n',
        "10 MB without an end of line": b"x" * 10 * MB,
        "a request of HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\n",
        "JSON of 30,000 levels": b'{"type": ' + b"[" * 30_000 + b"]" * 30_000 + b"}\n",
        "no JSON": b"hello\n",
        "JSON that is no object": b"[1]\n",
        "no type": b"{}\n",
        "bytes that are no UTF-8": b'{"type": "\xff"}\n',
        "data that are longer than they are said to be": message("transcribe", {"language": "en"}, data_length=3),
        "a width of 5": turn(samples, form=FORM | {"width": 5}),
        "a rate of 1 Hz": turn(samples, form=FORM | {"rate": 1}),
        "no channels": turn(samples, form=FORM | {"channels": 0}),
        "a model that there is not": turn(samples, message("transcribe", {"name": "../../etc/passwd"})),
        "a language of 10 kB": turn(samples, message("transcribe", {"language": "x" * 10_000})),
    }
    right = {
        "a stop without sound": message("audio-start", FORM) + message("audio-stop", {}),
        "a stop alone": message("audio-stop", {}),
        "chunks without a start": b"".join([message("audio-chunk", FORM, samples), message("audio-stop", {})]),
        "chunks of 333 bytes": turn(samples, size=333),
        "8 kHz": turn(samples[: len(samples) // 2], form=FORM | {"rate": 8_000}),
        "two channels": turn(samples, form=FORM | {"channels": 2}),
        "questions before it": turn(samples, message("describe") * 200),
        "a type that nobody knows before it": turn(samples, message("what-is-this", {"a": 1}, b"xyz")),
    }
    told = frozenset({ERROR, END, TEXT})  # what names no model may get the default one
    return [
        *(
            Talk(name, sent, told if name in ("a model that there is not",) else refused)
            for name, sent in wrong.items()
        ),
        *(Talk(name, sent, heard) for name, sent in right.items()),
    ]


def talk(host: str, port: int, sent: bytes, seconds: float = HANGS_S) -> tuple[str, str]:
    """Send bytes, and return how it ended and the text of a transcript."""
    until, left, came = time.monotonic() + seconds, memoryview(sent), b""
    with socket.create_connection((host, port), timeout=seconds) as connection:
        connection.setblocking(False)
        while (found := outcome(came)) is None:
            if (wait := until - time.monotonic()) <= 0:
                return HUNG, ""
            readable, writable, _ = select.select([connection], [connection] if left else [], [], wait)
            try:
                if readable:
                    if not (piece := connection.recv(MB)):
                        return END, ""
                    came += piece
                elif writable:
                    left = left[connection.send(left[:MB]) :]
            except ConnectionError:
                return END, ""
    return found


def outcome(came: bytes) -> tuple[str, str] | None:
    """Return an error or a transcript among messages, None where there is none yet."""
    while (end := came.find(b"\n")) >= 0:
        head = json.loads(came[:end])
        length = head.get("data_length") or 0
        if len(came) < end + 1 + length:
            return None
        data = {**(head.get("data") or {}), **json.loads(came[end + 1 : end + 1 + length] or b"{}")}
        if head["type"] in (ERROR, TEXT):
            return str(head["type"]), str(data.get("text", ""))
        came = came[end + 1 + length + (head.get("payload_length") or 0) :]
    return None


class WyomingTarget(Target):
    """A server of Wyoming: what is good and healthy is a turn, and an answer to `describe`."""

    def hear(self) -> str:
        """Return what it makes of its sound. Raises `Unwell`."""
        how, text = talk(self.host, self.port, turn(pcm(self.sound)), GOOD_S)
        if how != TEXT:
            raise Unwell(f"{self.name}: a good turn got {how}: {text}")
        return text

    def check(self) -> None:
        """Look whether it lives and hears as before. Raises `Unwell`."""
        if not lives(self.pid):
            raise Unwell(f"{self.name}: the process is gone")
        if (found := self.hear()) != self.said:
            raise Unwell(f"{self.name}: a good turn got {found!r} instead of {self.said!r}")
