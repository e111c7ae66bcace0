"""Clients that are slow, silent or too many: each is let go at its deadline, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
import uvicorn
from uvicorn.server import ServerState

from bench.torture.target import forget_peak, memory
from malsori.service.deadlines import protocols
from malsori.service.serve_options import ServiceLimits
from tests.service.running import RunningServer, start_server

HEAD = b"POST /v1/listen HTTP/1.1\r\nHost: localhost\r\n"
FLAGS = ("--head-seconds", "0.6", "--body-seconds", "0.8", "--body-rate", "1000", "--write-seconds", "0.5")
MUCH = bytes(30_000)  # more than a small socket takes, less than asyncio lets wait before it tells anybody


@pytest.fixture(scope="module")
def strict() -> Iterator[RunningServer]:
    with start_server(*FLAGS, "--max-connections", "60") as server:
        yield server


def connected(server: RunningServer) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    made.settimeout(10)
    return made


def answer(client: socket.socket) -> bytes:
    """Return all that comes until the connection is closed."""
    found = b""
    try:
        while part := client.recv(65_536):
            found += part
    except ConnectionError:
        pass
    return found


@pytest.mark.parametrize("first", [b"", b"G", b"GET /healthz HTTP/1.1\r\nHost: local"])
def test_a_head_that_does_not_end_is_not_waited_for(strict: RunningServer, first: bytes) -> None:
    with connected(strict) as client:
        client.sendall(first)
        assert b"408" in answer(client)
    assert strict.alive()


def test_a_head_that_drips_is_not_waited_for_either(strict: RunningServer) -> None:
    with connected(strict) as client:
        began = time.monotonic()
        try:
            for letter in b"GET /healthz HTTP/1.1\r\nX-Y: " + b"z" * 100:
                client.sendall(bytes([letter]))
                time.sleep(0.05)
        except OSError:
            pass
        answer(client)
        assert time.monotonic() - began < 4
    assert strict.alive()


def test_the_second_head_of_a_connection_has_its_deadline_too(strict: RunningServer) -> None:
    with connected(strict) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in client.recv(65_536)
        client.sendall(b"GET /heal")
        assert b"408" in answer(client)


def test_a_body_that_drips_is_closed(strict: RunningServer) -> None:
    with connected(strict) as client:
        client.sendall(b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n")
        client.sendall(b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n")
        began = time.monotonic()
        try:
            while time.monotonic() - began < 6:
                client.sendall(b"a")
                time.sleep(0.1)
        except OSError:
            pass
        assert time.monotonic() - began < 4
    assert strict.alive()


def test_a_body_that_nobody_reads_gets_no_more_time_however_fast_it_comes(strict: RunningServer) -> None:
    with connected(strict) as client:
        client.sendall(b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n")
        assert b"405" in client.recv(65_536)
        began = time.monotonic()
        with suppress(OSError):
            while time.monotonic() - began < 6:
                client.sendall(bytes(1_000))
                time.sleep(0.05)
        assert time.monotonic() - began < 4
    assert strict.alive()


def test_a_connection_that_is_closed_with_little_unread_is_let_go() -> None:
    async def answer_much(scope: object, receive: object, send: Callable[[dict[str, object]], Awaitable[None]]) -> None:
        length = str(len(MUCH)).encode()
        headers = [(b"content-length", length), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": MUCH})

    async def run() -> int:
        http, _ = protocols(ServiceLimits(write_seconds=0.2))
        state, config = ServerState(), uvicorn.Config(answer_much, lifespan="off", log_config=None)
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        with theirs:
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(lambda: http(config, state, {}), ours)
            theirs.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            until = loop.time() + 10
            while not state.total_requests or (state.connections and loop.time() < until):
                await asyncio.sleep(0.01)
            return len(state.connections)

    assert asyncio.run(run()) == 0


def test_connections_beyond_the_limit_are_closed_and_those_within_are_served(strict: RunningServer) -> None:
    with ExitStack() as held:
        clients = [held.enter_context(connected(strict)) for _ in range(80)]
        assert answer(clients[-1]) == b""
        clients[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in clients[0].recv(65_536)
    time.sleep(0.2)
    assert strict.alive()


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
    ],
)
def test_a_head_that_is_none_gets_400_and_the_connection_ends(strict: RunningServer, head: bytes) -> None:
    with connected(strict) as client:
        client.sendall(head)
        found = answer(client)
        assert found.startswith(b"HTTP/1.1 4"), found
    assert strict.alive()


def test_https_is_told_from_other_heads_that_are_none(strict: RunningServer) -> None:
    with connected(strict) as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        answer(client)
    assert "TLS" in str(strict.wait_for("refused")["message"])


BODIES = {
    "before the answer": HEAD + b"Transfer-Encoding: chunked\r\n\r\nno number\r\n",
    "behind the answer": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_none_is_the_clients_fault_and_is_not_logged_as_ours(strict: RunningServer, name: str) -> None:
    told = len(strict.lines)
    with connected(strict) as client:
        client.sendall(BODIES[name])
        if name == "behind the answer":
            assert b"200" in client.recv(65_536)
            client.sendall(b"no number\r\n")
        found = answer(client)
    if name == "before the answer":
        head, _, body = found.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        assert json.loads(body)["error"]["code"] == "invalid_http"
    assert strict.alive()
    assert not [line for line in strict.lines[told:] if '"level": "error"' in line]


UPGRADE = (
    b"GET /v1/listen HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PING = b"\x89\xfd\0\0\0\0" + b"x" * 125


def upgraded(server: RunningServer) -> socket.socket:
    client = connected(server)
    client.sendall(UPGRADE)
    assert b" 101 " in client.recv(65_536)
    return client


def test_answers_to_pings_that_nobody_reads_are_not_kept(strict: RunningServer) -> None:
    with upgraded(strict) as client:
        before = memory(strict.process.pid)
        forget_peak(strict.process.pid)
        client.settimeout(0.3)
        with suppress(OSError):  # the service reads no more, and ends it at its deadline
            for _ in range(64):
                client.sendall(PING * 8_000)
        assert memory(strict.process.pid, "VmHWM") - before < 6 << 20
    assert strict.alive()


@pytest.mark.parametrize("close", [b"", b"\x88\x82\0\0\0\0\x03\xe8"])
def test_a_text_that_is_no_utf_8_closes_the_socket_and_is_no_fault_of_ours(strict: RunningServer, close: bytes) -> None:
    told = len(strict.lines)
    with upgraded(strict) as client:
        client.sendall(b"\x81\x82\0\0\0\0\xff\xfe" + close)
        assert answer(client)[:4] == b"\x88\x02" + (b"\x03\xe8" if close else b"\x03\xef")  # 1000 answers a close
    assert strict.alive()
    assert not [line for line in strict.lines[told:] if '"level": "error"' in line]


def test_a_socket_outlives_the_deadline_of_heads(strict: RunningServer) -> None:
    import websockets

    async def stay() -> str:
        async with websockets.connect(f"{strict.ws}/v1/listen") as talk:
            await talk.send('{"type":"config"}')
            assert "ready" in str(await talk.recv())
            await asyncio.sleep(1.5)
            await talk.send('{"type":"end"}')
            return str(await talk.recv())

    assert "done" in asyncio.run(stay())
