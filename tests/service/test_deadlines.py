"""Clients that are slow, silent or too many: each is let go at its deadline, and nobody else notices."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.service.running import RunningServer, start_server

FLAGS = ("--head-seconds", "0.6", "--body-seconds", "0.8", "--body-rate", "1000", "--write-seconds", "0.5")
HEAD = b"POST /v1/listen HTTP/1.1\r\nHost: localhost\r\n"


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


def test_a_socket_outlives_the_deadline_of_heads(strict: RunningServer) -> None:
    import asyncio

    import websockets

    async def stay() -> str:
        async with websockets.connect(f"{strict.ws}/v1/listen") as talk:
            await talk.send('{"type":"config"}')
            assert "ready" in str(await talk.recv())
            await asyncio.sleep(1.5)
            await talk.send('{"type":"end"}')
            return str(await talk.recv())

    assert "done" in asyncio.run(stay())
