"""A real `malsori serve` process for tests, on free ports of this machine. No tests here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.shipped import ROOT

MODEL = ("--model", "nano-ctc-ko")
START_S = 60.0  # seconds that a start may take beside other tests


class RunningServer:
    """A service that runs: its addresses, what it logs, and its end."""

    def __init__(self, *flags: str) -> None:
        command = [sys.executable, "-m", "malsori", "serve", "--port", "0", "--log-format", "json", *flags]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "runtime"), *sys.path])}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment)
        self.lines: list[str] = []
        self._told = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stderr:
            for line in stderr:
                with self._told:
                    self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                    self._told.notify_all()
        with self._told:
            self.lines.append("")  # the end
            self._told.notify_all()

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of the log that are JSON."""
        return [json.loads(line) for line in list(self.lines) if line.startswith("{")]

    def wait_for(self, event: str, seconds: float = START_S) -> dict[str, Any]:
        """Return the first line of the log with this event, once it is there."""
        with self._told:
            self._told.wait_for(lambda: any(each["event"] == event for each in self.log) or "" in self.lines, seconds)
        found = next((each for each in self.log if each["event"] == event), None)
        assert found is not None, f"no {event!r} within {seconds} s: {self.lines}"
        return found

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return str(self.wait_for("listening")["url"])

    @property
    def ws(self) -> str:
        """`ws://127.0.0.1:PORT`."""
        return self.url.replace("http", "ws", 1)

    @property
    def port(self) -> int:
        """The port of HTTP."""
        return int(self.url.rpartition(":")[2])

    @property
    def wyoming_port(self) -> int:
        """The port of Wyoming."""
        return int(str(self.wait_for("wyoming")["url"]).rpartition(":")[2])

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """Return status and JSON of a route."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def alive(self, seconds: float = 5.0) -> bool:
        """Return whether the process runs and answers within so many seconds."""
        with urllib.request.urlopen(self.url + "/healthz", timeout=seconds) as response:
            return self.process.poll() is None and response.status == 200

    def rss(self) -> int:
        """Return the resident memory in bytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30.0) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(seconds)


@contextmanager
def start_server(*flags: str, ready: bool = True) -> Iterator[RunningServer]:
    """Run a service with these flags, and with the small Korean model unless they name one; wait until it is ready."""
    named = any(flag.split("=")[0] in ("--model", "-m") for flag in flags)
    streams = any(flag.startswith("--max-streams") for flag in flags)
    server = RunningServer(*([] if named else MODEL), *([] if streams else ["--max-streams", "8"]), *flags)
    try:
        if ready:
            server.wait_for("ready")
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()
        server.reader.join()
