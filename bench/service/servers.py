"""Servers as processes: ours and others, each on a free port of this machine, with two threads and the same weights.

Every peer has a Python of its own, so that nobody's requirements are anybody else's.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bench.places import ROOT

HOST = "127.0.0.1"
THREADS = 2
STARTS_S = 90.0  # seconds that a server has until it is ready
STOPS_S = 30.0
WHISPER_LIVE = """
import sys
from whisper_live.server import TranscriptionServer
TranscriptionServer().run("127.0.0.1", port=int(sys.argv[1]), backend="faster_whisper",
    faster_whisper_custom_model_path=sys.argv[2], single_model=True, max_clients=64, max_connection_time=3600)
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens, and its process. `wyoming` is 0 where it has no such port."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    wyoming: int = 0

    @property
    def url(self) -> str:
        """Its HTTP address."""
        return f"http://{HOST}:{self.port}"

    @property
    def transcriptions(self) -> str:
        """Where files are posted."""
        return f"{self.url}/v1/audio/transcriptions"

    @property
    def tcp(self) -> str:
        """Its Wyoming address."""
        return f"tcp://{HOST}:{self.wyoming}"

    def socket(self, path: str = "/v1/listen") -> str:
        """Return the address of a WebSocket."""
        return f"ws://{HOST}:{self.port}{path}"

    def rss(self) -> int:
        """Return the bytes that it and its children have in memory."""
        return sum(_rss(pid) for pid in family(self.process.pid))


@dataclass(frozen=True, slots=True)
class Peers:
    """The Pythons of others, and the weights in the form that CrispASR reads; without one, its figures are missing."""

    wyoming_faster_whisper: str = ""
    fastapi: str = ""
    crispasr: str = ""
    ggml: str = ""
    whisper_live: str = ""
    missing: list[str] = field(default_factory=list)


def family(pid: int) -> list[int]:
    """Return a process and all that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(child) for child in children.read_text().split()] if children.exists() else []
    return [pid, *(each for child in found for each in family(child))]


def _rss(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def ours(model: str, *flags: str, wyoming: bool = False) -> Iterator[Server]:
    """Run `malsori serve` with a model, and Wyoming beside HTTP if that is wanted."""
    http, tcp = free_port(), free_port() if wyoming else 0
    command = [sys.executable, "-m", "malsori", "serve", "--model", model, "--language", "en", "--device", "cpu"]
    command += ["--port", str(http), "--threads", str(THREADS), "--log-level", "warning", *flags]
    command += ["--wyoming", f"tcp://{HOST}:{tcp}"] if wyoming else []
    with running("malsori", command, http, tcp, ready="/readyz") as server:
        yield server


@contextmanager
def wyoming_faster_whisper(peers: Peers, model: str, beam: int) -> Iterator[Server]:
    """Run wyoming-faster-whisper; a beam of 0 is its own choice, which is 5 on x86."""
    port = free_port()
    command = [peers.wyoming_faster_whisper, "-m", "wyoming_faster_whisper", "--uri", f"tcp://{HOST}:{port}"]
    command += ["--model", model, "--data-dir", tempfile.gettempdir(), "--language", "en", "--device", "cpu"]
    command += ["--compute-type", "int8", "--cpu-threads", str(THREADS), "--beam-size", str(beam)]
    command += ["--stt-library", "faster-whisper", "--local-files-only"]
    with running("wyoming-faster-whisper", command, 0, port) as server:
        yield server


@contextmanager
def plain_route(python: str, library: str, model: str) -> Iterator[Server]:
    """Run a library behind the route of `plain_route.py`."""
    port, folder = free_port(), Path(__file__).parent
    command = [python, "-m", "uvicorn", "--app-dir", str(folder), "plain_route:app", "--port", str(port)]
    command += ["--timeout-keep-alive", "3600", "--log-level", "warning"]
    more = {"MODEL": model, "LIBRARY": library, "THREADS": str(THREADS)}
    with running(f"{library} behind FastAPI", command, port, 0, ready="/readyz", more=more) as server:
        yield server


@contextmanager
def whisper_live(peers: Peers, model: str) -> Iterator[Server]:
    """Run WhisperLive, one model for all clients, as its documentation advises for several of them."""
    port = free_port()
    command = [peers.whisper_live, "-c", WHISPER_LIVE, str(port), model]
    with running("WhisperLive", command, port, 0) as server:
        yield server


@contextmanager
def running(
    name: str, command: list[str], port: int, wyoming: int, ready: str = "", more: dict[str, str] | None = None
) -> Iterator[Server]:
    """Run a server until the end of the block. Raises `SystemExit` with its last words where it does not get ready."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS), **(more or {})}
    if name == "malsori":
        environment["PYTHONPATH"] = str(ROOT / "runtime")
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
        server = Server(name, port, process, wyoming)
        try:
            _wait(server, ready, log)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOPS_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(server: Server, ready: str, log: IO[bytes]) -> None:
    until = time.monotonic() + STARTS_S
    while time.monotonic() < until and server.process.poll() is None:
        if answers(server.port, ready) if ready else listens(server.port or server.wyoming):
            return
        time.sleep(0.1)
    log.seek(0)
    words = log.read()[-2_000:].decode(errors="replace")
    raise SystemExit(f"{server.name} was not ready within {STARTS_S:g} s; it said:\n{words}")


def listens(port: int) -> bool:
    """Return whether somebody takes connections there."""
    try:
        socket.create_connection((HOST, port), 2.0).close()
    except OSError:
        return False
    return True


def answers(port: int, path: str) -> bool:
    """Return whether a GET of a path there gets status 200."""
    try:
        with socket.create_connection((HOST, port), 5.0) as asked:
            asked.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode())
            return asked.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False
