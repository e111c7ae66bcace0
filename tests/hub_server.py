"""A hub on 127.0.0.1 for tests, with every fault that a server or a line can have, and models that fit into a test."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from malsori.bundles.pull import File, Model, Wheel
from tests.shipped import ROOT

NANO = ROOT / "models" / "nano-whisper"
FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.json")
REPOSITORY, REVISION = "somebody/nano", "f" * 40


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def content(name: str) -> bytes:
    return (NANO / name).read_bytes()


def nano(*, pinned: bool = True, wheels: tuple[Wheel, ...] = (), name: str = "whisper-nano") -> Model:
    """The demonstration model of the checkout, as if it were published."""
    files = tuple(File(each, len(content(each)), sha(content(each)) if pinned else "") for each in FILES)
    return Model(name, REPOSITORY, REVISION, files, wheels)


@dataclass
class Server:
    """What the hub has, by path, and how it answers: `before` sees each request first and may answer it itself."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    before: Callable[[Any, str], bool] = lambda handler, path: False
    ranges: bool = True
    etags: bool = True
    length: Callable[[int], int] = lambda size: size
    cut: Callable[[], int] = lambda: 1 << 40  # bytes of an answer before the line breaks
    pause: float = 0.0

    def put(self, model: Model) -> None:
        for name in FILES:
            self.files[f"/{model.repository}/resolve/{model.revision}/{name}"] = content(name)

    @property
    def gets(self) -> list[str]:
        return [path for method, path, _ in self.asked if method == "GET"]


@contextmanager
def hub_server() -> Iterator[Server]:
    """Serve until the block ends."""
    server = Server()
    server.put(nano())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer(body=True)

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def log_message(self, *_: object) -> None:
            pass

        def answer(self, *, body: bool) -> None:
            server.asked.append((self.command, self.path, self.headers.get("Range", "")))
            if server.before(self, self.path):
                return
            found = server.files.get(self.path)
            if found is None:
                self.plain(404)
                return
            start = self.first() if server.ranges else 0
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(found) - 1}/{len(found)}")
            if server.etags:
                self.send_header("X-Linked-Etag", f'"{sha(found)}"')
            self.send_header("X-Linked-Size", str(len(found)))
            self.send_header("Content-Length", str(server.length(len(found)) - start))
            self.end_headers()
            if body:
                self.write(found[start:])

        def first(self) -> int:
            asked = self.headers.get("Range", "")
            return int(asked.removeprefix("bytes=").partition("-")[0] or 0)

        def plain(self, status: int, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def write(self, found: bytes) -> None:
            sent = found[: server.cut()]
            try:
                for begin in range(0, len(sent), 1 << 16):
                    self.wfile.write(sent[begin : begin + (1 << 16)])
                    time.sleep(server.pause)
                if len(sent) < len(found):
                    self.close_connection = True
                    self.wfile.flush()
                    self.connection.close()
            except OSError:  # the other end has gone
                self.close_connection = True

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    with Quiet(("127.0.0.1", 0), Handler) as listening:
        server.url = f"http://127.0.0.1:{listening.server_port}"
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()
