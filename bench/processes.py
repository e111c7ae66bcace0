"""Runs programs in processes of their own: what they print, how long they take, and how much memory they hold."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# What pip installs has its bytecode; ours is run from its source and keeps its own from the first run on, if it may.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def printed_json(*arguments: str) -> Any:
    """Run this Python with some arguments; return what it prints, as JSON. Raises `CalledProcessError` if it fails."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def time_process(command: list[str]) -> tuple[float, float]:
    """Run a command and return its wall-clock seconds and its peak memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)  # waited for behind its back
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return seconds, usage.ru_maxrss * 1024 / 1e6


def memory_mb(kind: str = "VmHWM") -> float:
    """Return the memory of this process in MB: its peak, or another of /proc's figures, such as VmRSS or RssAnon.

    `resource.getrusage` would not do: a process inherits the peak of the one that started it.
    """
    status = Path("/proc/self/status").read_text("utf-8")
    return int(re.findall(rf"{kind}:\s+(\d+) kB", status)[0]) * 1024 / 1e6
