"""What each test of torture ends with: the service lives, answers within a second, and hears. No tests here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.torture.attempt import Attempt
from bench.torture.target import Target
from tests.service.running import RunningServer
from tests.shipped import ROOT

KOREAN = (ROOT / "samples" / "korean.wav").read_bytes()
SAID = (ROOT / "samples" / "korean.txt").read_text("utf-8").strip()
HOST = "127.0.0.1"
MB = 1 << 20


def target_of(server: RunningServer) -> Target:
    """Return a service as `bench.torture` asks it; its good request is the Korean sample."""
    return Target("malsori", HOST, server.port, server.process.pid, KOREAN, said=SAID)


@contextmanager
def undisturbed(server: RunningServer, target: Target) -> Iterator[None]:
    """Look at a service behind a block."""
    told = len(server.lines)
    yield
    target.check()
    faults = [line for line in server.lines[told:] if '"level": "error"' in line or "Traceback" in line]
    assert not faults, faults[:5]


def wrong(target: Target, attempts: Iterable[Attempt], every: int = 1) -> list[str]:
    """Return the attempts that were not answered as they should; each `every` of them is followed by a look."""
    found = []
    for index, attempt in enumerate(attempts):
        answered = target.play(attempt)
        if not answered.is_right(attempt):
            how = "hung" if answered.hung else f"{answered.statuses}, {answered.body[:120]!r}"
            found.append(f"{attempt.name}: {how}")
        if index % every == 0:
            target.check()
    return found


def descriptors(pid: int) -> int:
    """Return how many files and sockets a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads(pid: int) -> int:
    """Return how many threads a process has."""
    return len(os.listdir(f"/proc/{pid}/task"))


def temporary(folder: Path) -> list[str]:
    """Return the files that are left in a folder."""
    return [each.name for each in folder.iterdir()]
