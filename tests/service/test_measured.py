"""Requests and sockets through the real server, counted, logged and given an id."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import logging
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from malsori.service.measured import Measured, current_request
from malsori.service.service_log import start_logging
from malsori.service.telemetry import Metrics

SECRET = "sk-very-secret"


async def _model(request: Request) -> Response:
    return PlainTextResponse("yes")


async def _upload(request: Request) -> Response:
    await request.body()
    await asyncio.create_task(_work())
    return PlainTextResponse("done")


async def _work() -> None:
    """Knows nothing of HTTP, as what transcribes."""
    current_request().model = "base"
    current_request().audio_s = 1.5


async def _stream(request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"12345"

    return StreamingResponse(parts())


async def _broken(request: Request) -> Response:
    raise RuntimeError(SECRET)


async def _listen(socket: WebSocket) -> None:
    await socket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.send_bytes(await socket.receive_bytes() * 2)


async def _closed(socket: WebSocket) -> None:
    await socket.close()


async def _denied(socket: WebSocket) -> None:
    await socket.send_denial_response(PlainTextResponse("busy", 429))


@dataclass(slots=True)
class Running:
    """A server in a thread, with what it counted and logged."""

    metrics: Metrics
    log: io.StringIO
    port: int = 0

    def get(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, names)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    def counted(self, route: str, code: int) -> float:
        line = re.search(rf'requests_total{{code="{code}",route="{re.escape(route)}"}} (\S+)', self._text())
        return float(line[1]) if line else 0.0

    def lines(self, word: str, count: int = 1) -> list[str]:
        """The lines with a word, once there are enough; a line is written after the client has its answer."""
        for _ in range(200):
            found = [line for line in self.log.getvalue().splitlines() if word in line]
            if len(found) >= count:
                return found
            time.sleep(0.02)
        raise AssertionError(self.log.getvalue())

    def _text(self) -> str:
        return self.metrics.exposition()[0].decode()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    routes = [
        Route("/v1/models/{model:path}", _model),
        Route("/readyz", _model),
        Route("/upload", _upload, methods=["POST"]),
        Route("/stream", _stream),
        Route("/broken", _broken),
        WebSocketRoute("/v1/listen", _listen),
        WebSocketRoute("/closed", _closed),
        WebSocketRoute("/denied", _denied),
    ]
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    found = Running(Metrics(), io.StringIO())
    start_logging("text", "debug", found.log)
    app = Measured(Starlette(routes=routes), found.metrics, clients=True)  # type: ignore[arg-type]
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    found.port = server.servers[0].sockets[0].getsockname()[1]
    yield found
    server.should_exit = True
    thread.join(10)
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_request_counts_by_the_template_of_its_route(running: Running) -> None:
    for name in ("one", "openai/two", "three%1bfour"):
        assert running.get(f"/v1/models/{name}?key={SECRET}").status == 200
    running.lines("/v1/models", 3)
    assert running.counted("/v1/models/{model:path}", 200) == 3
    assert running.log.getvalue().count("route=/v1/models/{model:path} ") == 3
    assert "openai" not in running.log.getvalue()
    assert SECRET not in running.log.getvalue()


def test_what_no_route_answers_is_other(running: Running) -> None:
    for each in range(5):
        assert running.get(f"/nowhere{each}").status == 404
    running.lines("status=404", 5)
    assert running.counted("other", 404) == 5


def test_a_wrong_method_counts_for_its_route(running: Running) -> None:
    assert running.get("/upload", "DELETE").status == 405
    running.lines("status=405")
    assert running.counted("/upload", 405) == 1


def test_every_answer_has_an_id_and_a_clients_own_is_kept_if_it_is_harmless(running: Running) -> None:
    first, second = running.get("/stream"), running.get("/nowhere")
    assert re.fullmatch("[0-9a-f]{16}", first.headers["x-request-id"])
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert running.get("/stream", x_request_id="Client-1.2_3").headers["x-request-id"] == "Client-1.2_3"
    for hostile in ("a b", "a" * 65, "é", 'a"b', "a=b", ""):
        assert re.fullmatch("[0-9a-f]{16}", running.get("/stream", x_request_id=hostile).headers["x-request-id"])


def test_the_line_says_how_much_came_and_went_and_what_the_work_found_out(running: Running) -> None:
    running.get("/upload", "POST", b"x" * 100_000, x_request_id="upload-1")
    (line,) = running.lines("id=upload-1 ")
    assert "method=POST route=/upload status=200 " in line
    assert line.endswith(" received=100000 sent=4 model=base audio_seconds=1.5 client=127.0.0.1")
    running.get("/stream", x_request_id="stream-1")
    assert " sent=15" in running.lines("id=stream-1 ")[0]


def test_a_fault_of_ours_is_a_500_and_its_message_is_not_written_down(running: Running) -> None:
    answer = running.get("/broken", x_request_id="broken-1")
    assert (answer.status, answer.headers["x-request-id"]) == (500, "broken-1")
    running.lines("error=RuntimeError")
    assert " status=500 " in running.lines("id=broken-1 ")[0]
    assert running.counted("/broken", 500) == 1
    assert SECRET not in running.log.getvalue()


def test_a_socket_is_counted_once_and_its_key_in_the_address_is_not_written_down(running: Running) -> None:
    with connect(f"ws://127.0.0.1:{running.port}/v1/listen?api_key={SECRET}") as socket:
        assert re.fullmatch("[0-9a-f]{16}", socket.response.headers["x-request-id"])  # type: ignore[union-attr]
        socket.send(b"abc")
        assert socket.recv() == b"abcabc"
    (line,) = running.lines("route=/v1/listen ")
    assert "method=WEBSOCKET route=/v1/listen status=101 " in line
    assert " received=3 sent=6" in line
    assert running.counted("/v1/listen", 101) == 1
    assert SECRET not in running.log.getvalue()
    assert b'request_seconds_count{route="/v1/listen"}' not in running.metrics.exposition()[0]


@pytest.mark.parametrize(("path", "status"), [("/closed", 403), ("/denied", 429), ("/none", 403)])
def test_a_socket_that_is_refused_counts_with_the_status_that_the_client_sees(
    running: Running, path: str, status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{running.port}{path}?api_key={SECRET}"):
        pass
    assert refused.value.response.status_code == status
    route = path if path != "/none" else "other"
    running.lines(f"route={route} status={status}")
    assert running.counted(route, status) == 1
    assert SECRET not in running.log.getvalue()


def test_what_is_polled_is_told_at_debug_only(running: Running) -> None:
    running.get("/readyz")
    assert " debug request " in running.lines("route=/readyz ")[0]
    assert " info request " in running.lines("route=/v1/models/{model:path} ")[0]


def test_outside_of_a_request_what_is_found_out_is_told_to_nobody() -> None:
    current_request().model = "base"
    assert current_request().model == ""
