"""The process: how it starts, what it says of itself, and how it ends."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import websockets
from websockets.sync.client import connect

from malsori.bundles import find_bundle
from malsori.option import options_of
from malsori.service.serve_options import ServiceLimits
from malsori.service.server import listen_at
from tests.service.running import RunningServer, start_server


def test_it_says_where_it_listens_and_when_it_is_ready(server: RunningServer) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    assert server.get("/healthz") == (200, {"status": "ok"})
    status, body = server.get("/readyz")
    assert (status, body["status"], body["most_sessions"]) == (200, "ready", 8)
    assert "nano-ctc-ko" in body["models"]


def test_the_limits_in_force_can_be_asked_for(server: RunningServer) -> None:
    assert server.get("/v1/limits") == (200, ServiceLimits(streams=8).to_dict())


def test_the_log_says_of_a_session_which_model_has_heard_how_much() -> None:
    from tests.service.test_listen_route import END, pcm
    from tests.service.test_listen_route import run as talk

    sound, rate = pcm()
    with start_server() as server:
        talk(server.ws, {"sample_rate": rate}, [sound, END])
        line = server.wait_for("request")
    assert (line["route"], line["model"]) == ("/v1/listen", "nano-ctc-ko")
    assert line["audio_seconds"] == pytest.approx(len(sound) / 2 / rate, abs=0.01)


def test_limits_that_are_off_are_none_and_the_end_then_waits_for_what_runs() -> None:
    from tests.service.test_listen_route import END, TEXT, heard, pcm
    from tests.service.test_listen_route import run as talk

    sound, rate = pcm()
    off = [each.flags[0] for name, each in options_of(ServiceLimits).items() if name != "backlog_seconds"]
    with start_server(*(word for flag in off for word in (flag, "0"))) as server:
        told = server.get("/v1/limits")[1]
        assert {name for name, value in told.items() if value is not None} == {"backlog_seconds"}
        assert server.get("/readyz")[1]["most_sessions"] is None
        assert heard(talk(server.ws, {"sample_rate": rate}, [sound, END])[0]) == TEXT
        assert server.stop() == 0


def test_a_service_in_which_nothing_runs_ends_in_order_while_it_still_loads() -> None:
    with start_server(ready=False) as server:
        server.wait_for("listening")
        assert server.stop() == 0


def test_unknown_routes_and_methods_get_an_error_in_the_shape_of_all_errors(server: RunningServer) -> None:
    status, body = server.get("/v1/nix")
    assert (status, set(body["error"])) == (404, {"message", "type", "param", "code"})
    from urllib.request import Request, urlopen

    with pytest.raises(OSError, match="405"):
        urlopen(Request(server.url + "/healthz", data=b"x", method="PUT"), timeout=5)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/realtime", "ws://"),
        ("/audio/transcriptions", "base_url http://HOST:PORT/v1"),
        ("/v1/audio/transcription", "/v1/audio/transcriptions"),
    ],
)
def test_a_route_that_there_is_not_says_which_there_is(server: RunningServer, path: str, told: str) -> None:
    status, body = server.get(path)
    assert status == 404
    assert told in body["error"]["message"]


def test_a_method_that_a_route_does_not_have_says_which_it_has(server: RunningServer) -> None:
    status, body = server.get("/v1/audio/transcriptions")
    assert (status, body["error"]["message"]) == (405, "expected POST, found GET")


def test_a_socket_at_no_route_gets_404(server: RunningServer) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        connect(f"{server.ws}/v1/nothing")
    assert refused.value.response.status_code == 404


def test_without_a_number_of_streams_it_measures_how_many_there_may_be() -> None:
    server = RunningServer("--model", "nano-ctc-ko")
    try:
        assert server.wait_for("ready")["streams"] >= 1
    finally:
        assert server.stop() == 0
        server.reader.join()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    with start_server() as server:
        assert server.stop(number) == 0
        assert [each["event"] for each in server.log][-2:] == ["draining", "stopped"]


def run(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "malsori", "serve", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("flags", "code", "told"),
    [
        (("--model", "nix"), 1, "no model named 'nix'"),
        (("--model", "nano-ctc-ko", "--partials", "nix"), 1, "no model named 'nix'"),
        (("--host", "0.0.0.0"), 2, "--insecure"),
        (("--host", "203.0.113.7", "--insecure", "--model", "nano-ctc-ko"), 2, "--host 203.0.113.7"),
        (("--port", "70000"), 2, "port"),
        (("--max-uploads", "-1"), 2, "--max-uploads"),
        (("--zeroconf", "box"), 2, "--wyoming"),
        (("--api-key=sk",), 2, "--api-key-file FILE"),
        (("--cors",), 2, "--allow-origin"),
        (("-v",), 2, "--log-level debug"),
        (("--max-stream", "2"), 2, "did you mean --max-streams?"),
        (("--api-key-file", "/nix", "--model", "nano-ctc-ko"), 2, "--api-key-file"),
        (("--device", "cuda", "--model", "nano-ctc-ko"), 3, "CUDA"),
    ],
)
def test_what_cannot_start_says_why_in_one_line(flags: tuple[str, ...], code: int, told: str) -> None:
    done = run(*flags)
    assert done.returncode == code, done.stderr
    assert told.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_no_verify_skips_the_check_of_a_models_sums(tmp_path: Path) -> None:
    model = tmp_path / "changed"
    shutil.copytree(find_bundle("nano-ctc-ko").folder, model)
    with (model / "vocab.json").open("a") as file:
        file.write("\n")
    done = run("--model", str(model), "--port", "0")
    assert done.returncode == 3
    assert "vocab.json" in done.stderr
    with start_server("--model", str(model), "--no-verify") as server:
        assert server.alive()


def test_an_address_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("--port", port, "--model", "nano-ctc-ko")
    assert done.returncode == 2
    assert port in done.stderr


def test_an_idle_model_is_unloaded_and_the_next_session_loads_it() -> None:
    from tests.service.test_listen_route import END, TEXT, heard, pcm
    from tests.service.test_listen_route import run as talk

    sound, rate = pcm()
    with start_server("--idle-unload", "0.5") as server:
        server.wait_for("unload")
        assert server.get("/readyz")[1]["models"] == []
        assert heard(talk(server.ws, {"sample_rate": rate}, [sound, END])[0]) == TEXT


def test_connections_are_of_tcp_by_name_so_that_asyncio_sends_at_once() -> None:
    with listen_at("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP
