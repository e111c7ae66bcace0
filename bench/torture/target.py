"""A server under test: where it listens, what a good request to it is, and whether it still does what it did."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from bench.torture.attempt import Answered, Attempt, ask
from bench.torture.requests import form, head, post

HEALTH_S = 1.0  # seconds that an answer of `health` may take
GOOD_S = 30.0


class Unwell(AssertionError):
    """A server that does not live, does not answer in time, or does not hear what it heard before."""


@dataclass(slots=True)
class Target:
    """A server. `sound` is a file of which it makes the text `said`; `pid` is its process, 0 where it has no port."""

    name: str
    host: str
    port: int
    pid: int
    sound: bytes
    health: str = "/healthz"
    said: str = ""

    def play(self, attempt: Attempt) -> Answered:
        """Do what an attempt says."""
        return ask(self.host, self.port, attempt.sent, attempt.answers)

    def hear(self) -> str:
        """Return what it makes of its sound. Raises `Unwell`."""
        answered = ask(self.host, self.port, post(form(self.sound)), seconds=GOOD_S)
        if answered.status != 200:
            raise Unwell(f"{self.name}: a good request got {answered.status or 'no answer'}: {answered.body[:300]!r}")
        return str(json.loads(answered.body)["text"])

    def check(self) -> None:
        """Look whether it lives, answers within a second and hears as before. Raises `Unwell`."""
        if not lives(self.pid):
            raise Unwell(f"{self.name}: the process is gone")
        began = time.monotonic()
        try:
            status = ask(self.host, self.port, head("GET", self.health), seconds=HEALTH_S).status
        except OSError as error:
            raise Unwell(f"{self.name}: {self.health}: {error}") from error
        if status != 200:
            raise Unwell(f"{self.name}: {self.health} got {status} after {time.monotonic() - began:.2f} s")
        if (found := self.hear()) != self.said:
            raise Unwell(f"{self.name}: a good request got {found!r} instead of {self.said!r}")


def lives(pid: int) -> bool:
    """Return whether a process runs, and is no mere remainder that nobody has waited for."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def memory(pid: int, what: str = "VmRSS") -> int:
    """Return the resident memory of a process in bytes, `VmHWM` its peak."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{what}:"))


def forget_peak(pid: int) -> None:
    """Let the peak of a process begin anew (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
