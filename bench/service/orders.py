"""Orders for other processes of this bench: load, held sockets, and the library that is measured without a server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.places import ROOT

LOAD = [sys.executable, "-m", "bench.service.load"]


def load(order: dict[str, Any]) -> dict[str, Any]:
    """Let `load.py` do something; return its answers. Raises `SystemExit` with its last words where it fails."""
    done = subprocess.run(LOAD, input=json.dumps(order), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the clients failed:\n{done.stderr[-2_000:]}")
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


class Lines:
    """A process that answers a line of JSON with another one."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def read(self) -> Any:
        """Return what it says next. Raises `SystemExit` where it has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args!r} ended before it answered")
        return json.loads(line)

    def ask(self, question: Any) -> Any:
        """Say something; return the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self.read()


@contextmanager
def talking(*arguments: str) -> Iterator[Lines]:
    """Run a module of this bench until the end of the block; it ends when its standard input does."""
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Lines(process)
