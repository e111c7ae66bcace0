"""Clients that are slow, leave, or sit behind a bad network: each costs only itself, and nobody's words change."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from bench.torture.attempt import ask
from bench.torture.requests import HEAD, PATH, form, head, post
from bench.torture.wyoming import pcm as samples
from bench.torture.wyoming import talk, turn
from tests.service.running import RunningServer, start_server
from tests.service.torture.bad_network import BadNetwork
from tests.service.torture.sockets import BINARY, CONFIG, END, frame, heard, opened, pcm, rest
from tests.service.torture.watched import (
    HOST,
    KOREAN,
    MB,
    SAID,
    descriptors,
    target_of,
    temporary,
    threads,
    undisturbed,
)
from tests.shipped import ROOT

pytestmark = pytest.mark.torture

HASTY = ("--head-seconds", "2", "--body-seconds", "3", "--body-rate", "1000", "--write-seconds", "1")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what the service keeps of long uploads."""
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def hasty(kept: Path) -> Iterator[RunningServer]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TMPDIR", str(kept))
        with start_server("--models", "nano-ctc-ko,nano-whisper", *HASTY) as server:
            yield server


@pytest.fixture(autouse=True)
def survives(hasty: RunningServer, kept: Path) -> Iterator[None]:
    with undisturbed(hasty, target_of(hasty)):
        yield
    assert temporary(kept) == []


def connected(server: RunningServer) -> socket.socket:
    return socket.create_connection((HOST, server.port), timeout=10)


def test_five_hundred_heads_that_do_not_end_are_closed_and_a_good_client_is_served(hasty: RunningServer) -> None:
    with ExitStack() as held:
        slow = [held.enter_context(connected(hasty)) for _ in range(500)]
        began = time.monotonic()
        while time.monotonic() - began < 4:
            for each in slow:
                with suppress(OSError):
                    each.send(b"G" if time.monotonic() - began < 0.5 else b"x")
            target_of(hasty).check()
            time.sleep(0.2)
        assert sum(_is_closed(each) for each in slow) == 500


def test_a_hundred_bodies_that_drip_are_closed(hasty: RunningServer) -> None:
    sent = head("POST", PATH, "Content-Type: multipart/form-data; boundary=b", "Content-Length: 100000") + HEAD
    with ExitStack() as held:
        slow = [held.enter_context(connected(hasty)) for _ in range(100)]
        for each in slow:
            each.sendall(sent)
        began = time.monotonic()
        while time.monotonic() - began < 5:
            for each in slow:
                with suppress(OSError):
                    each.send(b"x")
            time.sleep(0.3)
        target_of(hasty).check()
        assert sum(_is_closed(each) for each in slow) == 100


def _is_closed(connection: socket.socket) -> bool:
    connection.settimeout(0.5)
    try:
        while connection.recv(65_536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


@pytest.mark.parametrize("stream", ["false", "true"])
def test_an_upload_that_is_given_up_at_any_byte_leaves_nothing(hasty: RunningServer, stream: str) -> None:
    sent = post(form(KOREAN + bytes(2 * MB), ("stream", stream)), close=False)
    files = descriptors(hasty.process.pid)
    for part in range(41):
        with connected(hasty) as leaving:
            with suppress(ConnectionError):
                leaving.sendall(sent[: len(sent) * part // 40])
            if part % 2:
                leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, no end
            time.sleep(0.02 * (part % 3))
    until = time.monotonic() + 10
    while hasty.get("/readyz")[1]["uploads"] and time.monotonic() < until:
        time.sleep(0.1)
    assert hasty.get("/readyz")[1]["uploads"] == 0
    time.sleep(0.5)
    assert descriptors(hasty.process.pid) <= files + 3


def test_events_that_nobody_reads_keep_no_upload_open(hasty: RunningServer) -> None:
    numbers = (ROOT / "samples" / "numbers.wav").read_bytes()
    with ExitStack() as held:
        for _ in range(10):
            deaf = held.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            deaf.connect((HOST, hasty.port))
            deaf.sendall(post(form(numbers, ("stream", "true"), ("include[]", "logprobs")), close=False))
        until = time.monotonic() + 20
        while hasty.get("/readyz")[1]["uploads"] and time.monotonic() < until:
            time.sleep(0.2)
        assert hasty.get("/readyz")[1]["uploads"] == 0


def test_three_hundred_uploads_good_and_bad_leave_nothing_behind(hasty: RunningServer) -> None:
    target = target_of(hasty)
    sent = [
        post(form(KOREAN)),
        post(form(KOREAN[:5_000])),
        post(form(b"<html>")),
        post(form(KOREAN, ("model", "nope"))),
        post(form(KOREAN + bytes(2 * MB), ("stream", "true"))),
        post(form(KOREAN, ("model", "nano-whisper"), ("response_format", "verbose_json"))),
    ]

    def some(count: int) -> None:
        for index in range(count):
            assert ask(HOST, target.port, sent[index % len(sent)]).status < 500

    some(120)
    time.sleep(0.5)
    files, running, before = descriptors(target.pid), threads(target.pid), hasty.rss()
    some(300)
    time.sleep(0.5)
    assert hasty.rss() - before < 20 * MB
    assert descriptors(target.pid) <= files + 3
    assert threads(target.pid) <= running + 32  # of uploads, up to their number


NETWORKS = {
    "delay of 300 ms, more or less": {"delay_s": 0.3, "jitter_s": 0.2},
    "pieces of a few bytes": {"piece": 7, "pieces_at_once": 400},
    "64 kB a second": {"bytes_a_second": 64_000},
    "stalls of a second": {"stall_every": 40_000, "stall_s": 1.0},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_bad_network_changes_no_word(name: str) -> None:
    with start_server("--wyoming", "tcp://127.0.0.1:0") as server:
        with BadNetwork(server.port, **NETWORKS[name]) as http:
            answered = ask(HOST, http.port, post(form(KOREAN)), seconds=60)
            assert json.loads(answered.body)["text"] == SAID
            with opened(http.port) as client:
                for start in range(0, len(pcm()), 6_400):
                    client.sendall((CONFIG if start == 0 else b"") + frame(BINARY, pcm()[start : start + 6_400]))
                client.sendall(frame(BINARY, bytes(32_000)) + END)
                messages, code = rest(client, 60)
            assert (heard(messages), code) == (SAID, 1000)
        with BadNetwork(server.wyoming_port, **NETWORKS[name]) as home:
            assert talk(HOST, home.port, turn(samples(KOREAN)), 60) == ("transcript", SAID)
        assert server.alive()


def test_live_sessions_uploads_idle_sockets_and_wrong_requests_at_once_lose_no_final(hasty: RunningServer) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from bench.torture import fuzz

    def live(number: int) -> bool:
        for _ in range(3):
            with opened(hasty.port) as client:
                client.sendall(CONFIG)
                for start in range(0, len(pcm()), 8_000):
                    client.sendall(frame(BINARY, pcm()[start : start + 8_000]))
                    time.sleep(0.05)
                client.sendall(frame(BINARY, bytes(32_000)) + END)
                messages, code = rest(client, 60)
                if (heard(messages), code) != (SAID, 1000):
                    return False
        return True

    def upload(number: int) -> bool:
        large = KOREAN + bytes(20 * MB)
        return all(ask(HOST, hasty.port, post(form(large)), seconds=60).status == 200 for _ in range(3))

    def wrong(number: int) -> bool:
        seeds = range(100_000 + number * 1_000, 100_000 + number * 1_000 + 150)
        return all(ask(HOST, hasty.port, fuzz.request(seed), seconds=2).status < 500 for seed in seeds)

    with ExitStack() as held, ThreadPoolExecutor(12) as pool:
        for _ in range(200):
            held.enter_context(opened(hasty.port))
        work = [*(pool.submit(live, n) for n in range(6)), *(pool.submit(upload, n) for n in range(2))]
        work += [pool.submit(wrong, n) for n in range(3)]
        assert [each.result(120) for each in work] == [True] * len(work)
