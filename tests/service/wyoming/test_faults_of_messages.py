"""Wrong messages on a real socket: a typed error, the connection closed, and everybody else undisturbed."""

from __future__ import annotations

import asyncio
import json
import random
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.service.running import RunningServer, start_server
from tests.service.wyoming.conftest import LOCAL
from tests.service.wyoming.talking import (
    FORM,
    HOST,
    WAIT_S,
    answers,
    chunks,
    described,
    home_assistant,
    message,
    read_all,
    refused,
    said,
    speech,
    text_of,
    turn,
    words,
)

MB = 1 << 20


@pytest.fixture(autouse=True)
def undisturbed(home: RunningServer) -> Iterator[None]:
    """After each test the service lives, and the next good turn has the right words."""
    yield
    assert home.alive()
    assert asyncio.run(home_assistant(home.wyoming_port, "ko", speech("korean"))) == words("korean")


def line(**header: object) -> bytes:
    return json.dumps(header).encode() + b"\n"


WRONG = {
    "a payload of a GB": (line(type="audio-chunk", data=FORM, payload_length=10**9), "message_too_large"),
    "data of a GB": (line(type="transcribe", data_length=10**9), "message_too_large"),
    "a payload of a number of 4000 digits": (
        b'{"type": "audio-chunk", "payload_length": ' + b"9" * 4_000 + b"}\n",
        "message_too_large",
    ),
    "a negative payload": (line(type="audio-chunk", data=FORM, payload_length=-1), "invalid_message"),
    "negative data": (line(type="transcribe", data_length=-5), "invalid_message"),
    "a length that is a text": (line(type="audio-chunk", payload_length="7"), "invalid_message"),
    "a length that is a truth": (line(type="audio-chunk", payload_length=True), "invalid_message"),
    "a length with a fraction": (line(type="audio-chunk", payload_length=1.5), "invalid_message"),
    "a line of 10 MB": (b"{" + b" " * 10 * MB + b"}\n", "message_too_large"),
    "10 MB without an end of line": (b"x" * 10 * MB, "message_too_large"),
    "no JSON": (b"GET / HTTP/1.1\n", "invalid_json"),
    "an empty line": (b"\n", "invalid_json"),
    "JSON that is no object": (b"[1, 2]\n", "invalid_json"),
    "JSON of 30,000 levels": (b'{"type": ' + b"[" * 30_000 + b"]" * 30_000 + b"}\n", "invalid_json"),
    "JSON of 33 levels": (b'{"type": "x", "data": {"a": ' + b"[" * 31 + b"]" * 31 + b"}}\n", "invalid_json"),
    "a number that is none": (b'{"type": "audio-start", "data": {"rate": NaN}}\n', "invalid_json"),
    "a number beyond all": (b'{"type": "audio-start", "data": {"rate": 1e999}}\n', "invalid_json"),
    "bytes that are no UTF-8": (b'{"type": "\xff\xfe"}\n', "invalid_message"),
    "no type": (line(data={}), "invalid_message"),
    "a type that is a number": (line(type=3), "invalid_message"),
    "data that are a list": (line(type="transcribe", data=[1]), "invalid_message"),
    "data that are shorter than their length": (
        line(type="transcribe", data_length=20) + b'{"language": "ko"}' + line(type="audio-stop"),
        "invalid_json",
    ),
    "data that are longer than their length": (
        line(type="transcribe", data_length=10) + b'{"language": "ko"}',
        "invalid_json",
    ),
    "a model that is a number": (line(type="transcribe", data={"name": 3}), "invalid_value"),
    "a language of 10 kB": (line(type="transcribe", data={"language": "k" * 10_000}), "invalid_value"),
    "a rate of 1 Hz": (message("audio-start", FORM | {"rate": 1}), "unsupported_format"),
    "a rate of 4 GHz": (message("audio-start", FORM | {"rate": 4 * 10**9}), "unsupported_format"),
    "a rate that is a text": (line(type="audio-start", data=FORM | {"rate": "16000"}), "unsupported_format"),
    "a width of 0": (message("audio-start", FORM | {"width": 0}), "unsupported_format"),
    "a width of 5": (message("audio-start", FORM | {"width": 5}), "unsupported_format"),
    "0 channels": (message("audio-start", FORM | {"channels": 0}), "unsupported_format"),
    "65535 channels": (message("audio-chunk", FORM | {"channels": 65_535}, b"1234"), "unsupported_format"),
    "a chunk that does not say what it is": (message("audio-chunk", {}, b"1234"), "unsupported_format"),
}


@pytest.mark.parametrize(("sent", "code"), WRONG.values(), ids=WRONG)
def test_what_is_no_message_gets_an_error_and_the_end(home: RunningServer, sent: bytes, code: str) -> None:
    before = home.rss()
    found, text = refused(answers(home.wyoming_port, sent))
    assert found == code
    assert len(text) < 300
    assert home.rss() - before < 2 * MB


def test_a_message_that_is_cut_off_ends_with_its_connection(home: RunningServer) -> None:
    whole = message("audio-chunk", FORM, bytes(2_000))
    for cut in (1, 20, whole.index(b"\n") + 5, len(whole) - 1):
        assert answers(home.wyoming_port, whole[:cut], half_close=True) == []


def test_any_cut_of_the_bytes_gives_the_same_text(home: RunningServer) -> None:
    sent = turn(speech("korean"), {"language": "ko", "transcript_names": ["침실", "거실"]})
    drawn = random.Random(7)

    async def all_cuts() -> set[str]:
        texts = set()
        for _ in range(50):
            cuts = sorted(drawn.sample(range(1, len(sent)), drawn.choice([1, 5, 60])))
            parts = [sent[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
            texts.add(text_of(await said(home.wyoming_port, parts)))
        return texts

    assert asyncio.run(all_cuts()) == {words("korean")}


@pytest.mark.parametrize("size", [1, 3, 333, 100_001])
def test_chunks_of_any_number_of_bytes_give_the_same_text(home: RunningServer, size: int) -> None:
    sound = speech("korean") if size > 3 else speech("korean")[:12_000]
    parts = [*chunks(sound, size), message("audio-stop")]
    expected = words("korean") if size > 3 else text_of(answers(home.wyoming_port, turn(sound)))
    assert text_of(answers(home.wyoming_port, b"".join(parts))) == expected


def test_data_may_stand_in_the_line_or_behind_it(home: RunningServer) -> None:
    for inline in (True, False):
        asked = message("transcribe", {"language": "ko"}, inline=inline)
        start = message("audio-start", FORM, inline=inline)
        parts = [asked, start, *chunks(speech("korean")), message("audio-stop")]
        assert text_of(answers(home.wyoming_port, *parts)) == words("korean")


def test_a_long_payload_is_never_held_whole(home: RunningServer) -> None:
    sound = bytes(8 * MB)  # four minutes of silence
    answers(home.wyoming_port, turn(sound[:MB]))
    before = home.rss()
    sent = message("audio-chunk", FORM, sound) + message("audio-stop")
    assert text_of(answers(home.wyoming_port, sent)) == ""
    assert home.rss() - before < 8 * MB


def test_a_flood_of_questions_by_one_client_keeps_no_other_waiting_and_fills_no_memory(home: RunningServer) -> None:
    async def flood() -> tuple[float, int]:
        reader, writer = await asyncio.open_connection(HOST, home.wyoming_port)
        writer.write(message("describe") * 20_000)  # and none of the answers is read
        before, slowest = home.rss(), 0.0
        for _ in range(20):
            began = time.monotonic()
            await described(home.wyoming_port)
            slowest = max(slowest, time.monotonic() - began)
        grown = home.rss() - before
        found = read_all((await reader.readexactly(100_000)).rpartition(b'{"type"')[0])
        assert {kind for kind, _ in found} == {"info"}
        writer.transport.abort()
        return slowest, grown

    slowest, grown = asyncio.run(flood())
    assert slowest < 1.0
    assert grown < 4 * MB


def test_a_client_that_leaves_frees_its_place(home: RunningServer) -> None:
    async def leave() -> None:
        _, writer = await asyncio.open_connection(HOST, home.wyoming_port)
        writer.write(message("audio-start", FORM) + b"".join(chunks(speech("korean"))))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    async def often() -> None:
        for _ in range(20):  # there are 8 places
            await leave()

    asyncio.run(often())
    until = time.monotonic() + WAIT_S
    while (active := figure(home, "malsori_sessions_active")) and time.monotonic() < until:
        time.sleep(0.05)
    assert active == 0


def figure(home: RunningServer, name: str) -> float:
    """Return the figure of that name that the service gives."""
    with urllib.request.urlopen(f"{home.url}/metrics", timeout=WAIT_S) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.split()[0] == name))


@pytest.fixture(scope="module")
def hasty() -> Iterator[RunningServer]:
    """Give a service without patience."""
    seconds = ("--config-seconds", "1", "--head-seconds", "1", "--idle-seconds", "2", "--max-stream-seconds", "3")
    with start_server(*seconds, "--max-connections", "3", *LOCAL) as running:
        yield running


async def until_the_end(port: int, *parts: bytes, every: float = 0.0) -> tuple[float, bytes]:
    reader, writer = await asyncio.open_connection(HOST, port)
    began = time.monotonic()

    async def send() -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(every)

    sending = asyncio.create_task(send())
    found = await asyncio.wait_for(reader.read(-1), WAIT_S)
    taken = time.monotonic() - began
    sending.cancel()
    writer.close()
    return taken, found


def slow(port: int, *parts: bytes, every: float = 0.0) -> tuple[float, str]:
    """Send parts slowly; return the seconds until the end and the code of the error."""
    taken, found = asyncio.run(until_the_end(port, *parts, every=every))
    return taken, refused(read_all(found))[0]


def test_who_says_nothing_is_told_so_and_closed(hasty: RunningServer) -> None:
    taken, code = slow(hasty.wyoming_port)
    assert code == "idle_timeout"
    assert 0.9 < taken < 3


def test_a_message_that_comes_byte_by_byte_is_cut_off(hasty: RunningServer) -> None:
    sent = message("describe")
    taken, code = slow(hasty.wyoming_port, *(sent[at : at + 1] for at in range(len(sent))), every=0.2)
    assert code in ("idle_timeout", "session_too_long")  # whichever comes first on a machine that is busy
    assert taken < 6


def test_who_begins_and_sends_no_sound_is_told_so_and_closed(hasty: RunningServer) -> None:
    taken, code = slow(hasty.wyoming_port, message("audio-start", FORM))
    assert code == "idle_timeout"
    assert 1.9 < taken < 4


def test_a_session_ends_however_much_it_has_to_say(hasty: RunningServer) -> None:
    taken, code = slow(hasty.wyoming_port, *chunks(bytes(400_000), 640), every=0.02)
    assert code == "session_too_long"
    assert 2.9 < taken < 5


def test_one_connection_too_many_is_told_so(hasty: RunningServer) -> None:
    async def many() -> tuple[str, str]:
        held = [await asyncio.open_connection(HOST, hasty.wyoming_port) for _ in range(3)]
        found = await said(hasty.wyoming_port, [])
        for _, writer in held:
            writer.close()
        return refused(found)

    code, text = asyncio.run(many())
    assert code == "server_busy"
    assert "3 connections" in text
