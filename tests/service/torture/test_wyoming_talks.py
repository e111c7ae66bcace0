"""Wyoming: what is no message ends its connection, what is unusual is heard, and nothing takes memory."""

from __future__ import annotations

import pytest

from bench.torture.target import forget_peak, memory
from bench.torture.wyoming import WyomingTarget, message, talk, talks
from tests.service.running import RunningServer
from tests.service.torture.watched import HOST, KOREAN, MB, SAID

pytestmark = [pytest.mark.torture, pytest.mark.usefixtures("survives")]


@pytest.fixture
def home(service: RunningServer) -> WyomingTarget:
    return WyomingTarget("malsori", HOST, service.wyoming_port, service.process.pid, KOREAN, said=SAID)


def test_each_message_ends_as_it_should(home: WyomingTarget) -> None:
    wrong = []
    for each in talks(KOREAN):
        how, text = talk(HOST, home.port, each.sent)
        if how not in each.expected:
            wrong.append(f"{each.name}: {how} {text[:80]}")
        home.check()
    assert wrong == []


def test_what_is_too_long_takes_no_memory(home: WyomingTarget) -> None:
    forget_peak(home.pid)
    before = memory(home.pid)
    for sent in (b"x" * 100 * MB, message("audio-chunk", payload_length=10**9) + bytes(100 * MB)):
        talk(HOST, home.port, sent)
    assert memory(home.pid, "VmHWM") - before < 2 * MB


def test_a_flood_of_questions_that_nobody_reads_the_answers_of_ends_with_its_connection(home: WyomingTarget) -> None:
    import socket
    import time

    forget_peak(home.pid)
    before, until = memory(home.pid), time.monotonic() + 12
    with socket.create_connection((HOST, home.port), timeout=1) as asking:
        ended = False
        while time.monotonic() < until and not ended:
            try:
                asking.sendall(message("describe") * 1_000)
            except TimeoutError:
                continue
            except ConnectionError:
                ended = True
    assert ended
    assert memory(home.pid, "VmHWM") - before < 10 * MB
