"""Where Wyoming listens, who finds it there, and how it ends."""

from __future__ import annotations

import asyncio
import socket
import stat
import sys
import threading
import time
from pathlib import Path

import pytest
from wyoming.client import AsyncUnixClient
from wyoming.info import Describe, Info

from malsori.errors import MissingDependency, OptionError
from malsori.service.wyoming.discovery import TYPE, announced
from malsori.service.wyoming.wyoming_address import WyomingAddress
from tests.service.running import RunningServer, start_server
from tests.service.wyoming.conftest import LOCAL
from tests.service.wyoming.talking import FORM, HOST, WAIT_S, chunks, message, read_all, refused, speech, text_of, words


def refused_start(*flags: str) -> str:
    """Return what a service says that cannot start with these flags."""
    server = RunningServer("--model", "nano-ctc-ko", "--max-streams", "1", *flags)
    assert server.process.wait(30) == 2
    server.reader.join()
    return "".join(server.lines)


def test_a_service_that_others_reach_or_whose_port_is_taken_does_not_start(home: RunningServer) -> None:
    assert "Wyoming has no keys" in refused_start("--wyoming", "tcp://0.0.0.0:0")
    taken = f"tcp://127.0.0.1:{home.wyoming_port}"
    told = refused_start("--wyoming", taken)
    assert f"--wyoming {taken}: " in told
    assert "address already in use" in told


async def described_at(path: Path) -> Info:
    async with AsyncUnixClient(path, read_timeout=WAIT_S) as client:
        await client.write_event(Describe().event())
        event = await client.read_event()
        assert event is not None
        return Info.from_event(event)


def test_a_unix_socket_is_for_its_owner_and_group_and_is_gone_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "malsori.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))  # which leaves it behind
    with start_server("--wyoming", f"unix://{path}") as running:
        assert running.wait_for("wyoming")["url"] == f"unix://{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert asyncio.run(described_at(path)).asr[0].name == "malsori"
        assert "in use" in refused_start("--wyoming", f"unix://{path}")
        assert asyncio.run(described_at(path)).asr[0].name == "malsori"
        assert running.stop() == 0
    assert not path.exists()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "No such file" in refused_start("--wyoming", f"unix://{tmp_path}/none/malsori.sock")


async def ended(running: RunningServer, *, stopping: bool) -> list[tuple[str, dict[str, str]]]:
    """Speak, end the service meanwhile, go on speaking or leave it open, and return what was answered."""
    reader, writer = await asyncio.open_connection(HOST, running.wyoming_port)
    parts = chunks(speech("korean"))
    writer.write(message("audio-start", FORM) + b"".join(parts[:5]))
    await writer.drain()
    await asyncio.sleep(0.5)
    running.process.terminate()
    await asyncio.sleep(0.5)
    if stopping:
        writer.write(b"".join(parts[5:]) + message("audio-stop"))
    found = await asyncio.wait_for(reader.read(-1), WAIT_S)
    writer.close()
    return read_all(found)


def test_a_turn_that_has_begun_is_heard_to_its_end_when_the_service_ends() -> None:
    with start_server(*LOCAL) as running:
        assert text_of(asyncio.run(ended(running, stopping=True))) == words("korean")
        assert running.process.wait(20) == 0


def test_a_turn_that_does_not_end_is_told_that_the_service_does() -> None:
    with start_server(*LOCAL, "--drain-seconds", "1.5") as running:
        began = time.monotonic()
        assert refused(asyncio.run(ended(running, stopping=False)))[0] == "shutting_down"
        assert running.process.wait(20) == 0
        assert time.monotonic() - began < 10


class Found:
    """What a browser of services is told."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.told = threading.Event()

    def add_service(self, network: object, kind: str, name: str) -> None:
        self.names.append(name)
        self.told.set()

    def remove_service(self, network: object, kind: str, name: str) -> None:
        self.names.remove(name)

    def update_service(self, network: object, kind: str, name: str) -> None:
        pass


def test_a_service_is_found_on_the_network_by_the_name_it_is_given() -> None:
    zeroconf = pytest.importorskip("zeroconf", reason="pip install 'malsori[wyoming]'")
    with start_server(*LOCAL, "--zeroconf", "거실 box") as running:
        network = zeroconf.Zeroconf(interfaces=[HOST])
        try:
            found = Found()
            zeroconf.ServiceBrowser(network, TYPE, listener=found)
            assert found.told.wait(10)
            assert found.names == [f"거실 box.{TYPE}"]
            service = network.get_service_info(TYPE, found.names[0], 5_000)
            assert service is not None
            assert (service.port, service.parsed_addresses()) == (running.wyoming_port, [HOST])
            assert running.stop() == 0
        finally:
            network.close()


def test_without_the_package_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    with pytest.raises(MissingDependency, match=r"pip install 'malsori\[wyoming\]'"):
        asyncio.run(announced("", WyomingAddress("127.0.0.1", 1)))


@pytest.mark.parametrize(
    ("name", "address", "message"),
    [
        ("", WyomingAddress(path="/run/malsori.sock"), "expected Wyoming at tcp://HOST:PORT"),
        ("거" * 30, WyomingAddress("127.0.0.1", 1), "a name of at most 63 bytes, found 90"),
        ("a", WyomingAddress("no.such.host.invalid", 1), "cannot be announced"),
    ],
)
def test_what_cannot_be_announced_is_told(name: str, address: WyomingAddress, message: str) -> None:
    pytest.importorskip("zeroconf", reason="pip install 'malsori[wyoming]'")
    with pytest.raises(OptionError, match=message):
        asyncio.run(announced(name, address))
