"""A model hub on this machine: the routes of the Hugging Face hub that fetching a checkpoint takes, over a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def hub(repository: str, folder: Path) -> Iterator[str]:
    """Serve `folder` as the only repository of a hub; yield the hub's address, for the environment's HF_ENDPOINT."""

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            path = self.path.split("?")[0]
            if path.startswith(f"/api/models/{repository}/tree/"):
                listed = [{"type": "file", "path": p.name, "size": p.stat().st_size, "oid": ""} for p in files()]
                self.send(json.dumps(listed).encode(), body)
            elif path == f"/api/models/{repository}" or path.startswith(f"/api/models/{repository}/revision/"):
                siblings = [{"rfilename": p.name} for p in files()]
                self.send(json.dumps({"id": repository, "sha": COMMIT, "siblings": siblings}).encode(), body)
            elif path.startswith(f"/{repository}/resolve/") and (folder / Path(path).name).is_file():
                self.send((folder / Path(path).name).read_bytes(), body)
            else:
                known = path.startswith(f"/{repository}/")
                self.send(b"", body, 404, "EntryNotFound" if known else "RepoNotFound")

        def send(self, content: bytes, body: bool, status: int = 200, error: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            if error:
                self.send_header("X-Error-Code", error)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keep the requests off stderr."""

    def files() -> list[Path]:
        return sorted(path for path in folder.iterdir() if path.is_file())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
