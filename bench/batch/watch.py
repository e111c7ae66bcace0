"""A command and all that it starts, watched: how long it takes, how much processor, and how much memory at most."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.places import ROOT
from bench.service.servers import family

EACH_S = 0.1  # between two looks at the memory
LIMIT_S = 1_800.0
OURS = [sys.executable, "-m", "malsori"]


@dataclass(frozen=True, slots=True)
class Watched:
    """What a command took.

    `cpu` are the seconds of all its processes that were waited for, `peak_mb` the most memory that they held together
    at a time. What several share counts once (PSS).
    """

    seconds: float
    cpu: float
    peak_mb: float


class PeakMemory:
    """Looks at the memory of a process and its children now and then, in a thread, and keeps the most."""

    def __init__(self, pid: int) -> None:
        self._pid, self._ended, self.mb = pid, threading.Event(), 0.0
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> PeakMemory:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no longer."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(EACH_S):
            self.mb = max(self.mb, together_mb(self._pid))


def together_mb(pid: int) -> float:
    """Return the memory of a process and all that it started in MB, what they share counted once; 0 when it ended."""
    found = 0.0
    with suppress(OSError):
        for each in family(pid):
            with suppress(OSError):
                rollup = Path(f"/proc/{each}/smaps_rollup").read_text("utf-8")
                found += sum(int(kb) for kb in re.findall(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)) * 1024 / 1e6
    return found


def watched(command: Sequence[str], log: Path) -> Watched:
    """Run a command to its end, with what it says in a file. Raises `SystemExit` with its last words when it fails."""
    begun = time.perf_counter()
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            command, env=environment(), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        ending = threading.Timer(LIMIT_S, process.kill)
        ending.start()
        with PeakMemory(process.pid) as peak:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - begun
        ending.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)  # waited for behind its back
    if process.returncode:
        last = log.read_text("utf-8", errors="replace")[-2_000:]
        raise SystemExit(f"{' '.join(command)[:300]} ended with {process.returncode}:\n{last}")
    return Watched(seconds, usage.ru_utime + usage.ru_stime, peak.mb)


def environment() -> dict[str, str]:
    """Return the variables of every command: this checkout comes first, and its bytecode may be kept."""
    search = [str(ROOT / "runtime"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, search))}
