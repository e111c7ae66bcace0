"""What a service manager hears on its datagram socket, and what happens where there is none."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from malsori.service.notify import ServiceManager

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")


class Manager:
    """A datagram socket as systemd has it, and what arrived at it."""

    def __init__(self, address: str | bytes) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(2)

    def hears(self) -> str:
        return self._socket.recv(4096).decode()

    def has_heard(self) -> list[str]:
        self._socket.setblocking(False)
        heard = []
        while True:
            try:
                heard.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    listening = Manager(str(tmp_path / "notify"))
    yield listening
    listening.close()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"NOTIFY_SOCKET": str(tmp_path / "notify")}


def test_ready_stopping_and_a_status_arrive_word_for_word(manager: Manager, environment: dict[str, str]) -> None:
    ours = ServiceManager(environment)
    assert ours.ready("2 models")
    assert manager.hears() == "READY=1\nSTATUS=2 models"
    assert ours.status("draining 3 requests")
    assert manager.hears() == "STATUS=draining 3 requests"
    assert ours.stopping()
    assert manager.hears() == "STOPPING=1"
    assert ours.extend(2.5)
    assert manager.hears() == "EXTEND_TIMEOUT_USEC=2500000"


@pytest.mark.skipif(not os.path.exists("/proc/net/unix"), reason="abstract sockets are Linux's")
def test_a_name_that_begins_with_an_at_sign_is_a_socket_without_a_file() -> None:
    name = f"malsori-test-{os.getpid()}"
    listening = Manager(f"\0{name}")
    assert ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).ready()
    assert listening.hears() == "READY=1"
    listening.close()


def test_a_line_break_in_a_status_begins_no_state_of_its_own(manager: Manager, environment: dict[str, str]) -> None:
    ServiceManager(environment).status("loading\nREADY=1")
    assert manager.hears() == "STATUS=loading READY=1"


def test_the_watchdog_hears_twice_in_each_period(manager: Manager, environment: dict[str, str]) -> None:
    ours = ServiceManager({**environment, "WATCHDOG_USEC": "40000", "WATCHDOG_PID": str(os.getpid())})
    assert ours.watchdog_s == pytest.approx(0.04)
    asyncio.run(_run_for(ours, 0.5))
    heard = manager.has_heard()
    assert set(heard) == {"WATCHDOG=1"}
    assert 3 <= len(heard) <= 26  # 0.5 s in steps of 0.02 s, on a machine that may be busy


def test_what_is_not_healthy_is_not_said_to_be_alive(manager: Manager, environment: dict[str, str]) -> None:
    ours = ServiceManager({**environment, "WATCHDOG_USEC": "40000"})
    asyncio.run(_run_for(ours, 0.1, healthy=False))
    assert manager.has_heard() == []


@pytest.mark.parametrize(
    "watch", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "40000", "WATCHDOG_PID": "1"}]
)
def test_where_nobody_watches_the_watchdog_ends_at_once(environment: dict[str, str], watch: dict[str, str]) -> None:
    ours = ServiceManager(environment | watch)
    assert ours.watchdog_s is None
    asyncio.run(asyncio.wait_for(ours.keep_alive(), 5))


@pytest.mark.parametrize(
    "address", ["", "relative", "vsock:2:1234", "/nowhere/notify", "/" + "long" * 100, "@" + "long" * 100]
)
def test_without_a_socket_that_works_nothing_is_sent_and_nothing_is_raised(address: str) -> None:
    ours = ServiceManager({"NOTIFY_SOCKET": address} if address else {})
    assert not ours.ready("x")
    assert not ours.alive()
    assert not ours.stopping()


def test_a_manager_that_does_not_read_stops_nobody(manager: Manager, environment: dict[str, str]) -> None:
    ours = ServiceManager(environment)
    sent = [ours.alive() for _ in range(10_000)]
    assert sent[0]
    assert not sent[-1]


async def _run_for(ours: ServiceManager, seconds: float, healthy: bool = True) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(ours.keep_alive(lambda: healthy), seconds)
