"""HTTP that is wrong, too large or only unusual: the right status, no 5xx, and a service that goes on as before."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from bench.torture import files, forms, fuzz, heads
from bench.torture.attempt import Attempt, ask
from bench.torture.requests import PATH, form, head, post
from bench.torture.target import Target, forget_peak, memory
from tests.service.running import RunningServer, start_server
from tests.service.torture.watched import HOST, KOREAN, MB, descriptors, target_of, undisturbed, wrong
from tests.shipped import ROOT

pytestmark = [pytest.mark.torture, pytest.mark.usefixtures("survives")]

FUZZ_S = 60.0
MUTANTS = 500
LOOK_EVERY = 50  # requests
PATHS = (
    "/",
    "/page/page.js",
    "/healthz",
    "/readyz",
    "/metrics",
    "/v1/limits",
    "/v1/models",
    "/v1/models/nano-ctc-ko",
    PATH,
    "/v1/audio/translations",
    "/v1/listen",
    "/v1/realtime",
    "/nothing",
)
GROUPS: dict[str, Callable[[bytes], list[Attempt]]] = {
    "lengths and chunks": heads.lengths,
    "heads that are none": lambda sound: heads.shapes(),
    "methods and targets": lambda sound: heads.targets(),
    "names of the host": lambda sound: heads.hosts(),
    "expectations and upgrades": heads.expectations,
    "several requests in one piece": heads.pipelines,
    "every method on every path": lambda sound: heads.methods(PATHS),
    "forms that are none": forms.shapes,
    "sizes up to the limit and beyond": forms.sizes,
    "values that cannot be": forms.fields,
    "files that are none": lambda sound: files.strangers(),
}


@pytest.mark.parametrize("group", GROUPS)
def test_each_request_gets_the_status_that_it_should(target: Target, group: str) -> None:
    assert wrong(target, GROUPS[group](KOREAN)) == []


def test_a_compressed_body_is_refused_and_never_inflated(target: Target) -> None:
    forget_peak(target.pid)
    before = memory(target.pid)
    assert wrong(target, heads.codings(KOREAN)) == []
    assert memory(target.pid, "VmHWM") - before < 8 * MB


def test_of_a_body_beyond_the_limit_little_is_kept(target: Target) -> None:
    forget_peak(target.pid)
    before = memory(target.pid)
    assert wrong(target, forms.sizes(KOREAN)[1:]) == []
    assert memory(target.pid, "VmHWM") - before < 20 * MB


def test_random_requests_from_a_seed_are_never_a_fault_of_the_service(target: Target) -> None:
    until, seed = time.monotonic() + FUZZ_S, 0
    while time.monotonic() < until:
        answered = ask(HOST, target.port, fuzz.request(seed), seconds=2.0)
        assert answered.status < 500, (seed, fuzz.request(seed))
        seed += 1
        if seed % LOOK_EVERY == 0:
            target.check()


def test_damaged_files_are_heard_or_refused(target: Target) -> None:
    recordings = {name: (ROOT / "samples" / f"{name}.wav").read_bytes() for name in ("korean", "english")}
    assert wrong(target, files.mutants(recordings, MUTANTS), LOOK_EVERY) == []


def test_no_route_but_the_probes_and_the_page_is_open_without_a_key(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text("sesame\n")
    open_ones = {"/", "/page/page.js", "/healthz", "/readyz"}
    bad = (
        "",
        "Authorization: Bearer",
        "Authorization: Bearer wrong",
        "Authorization: Basic c2VzYW1l",
        "X-API-Key: sesame",
    )
    keys = [*bad, "Authorization: Bearer " + "x" * 60_000, "Authorization: Bearer \xff\xfe", "Cookie: key=sesame"]
    with start_server("--api-key-file", str(file), "--metrics-key") as server:
        for path in PATHS:
            for key in keys:
                sent = head("GET", path, *([key.encode("latin-1")] if key else []))
                assert ask(HOST, server.port, sent).status == (200 if path in open_ones else 401), (path, key[:40])
        for path in (
            "/load",
            "/unload",
            "/shutdown",
            "/v1/load",
            "/docs",
            "/openapi.json",
            "/debug",
            "/admin",
            "/static",
        ):
            assert ask(HOST, server.port, head("GET", path)).status == 401
            assert ask(HOST, server.port, head("POST", path, "Authorization: Bearer sesame")).status in (404, 405)
        assert ask(HOST, server.port, head("GET", "/v1/models?api_key=sesame")).status == 401
        assert not [line for line in server.lines if "sesame" in line]


def test_a_thousand_sockets_without_a_key_are_refused_before_they_are_accepted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text("sesame\n")
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    tries = [
        head("GET", path, *upgrade, "Sec-WebSocket-Version: 13", close=False) for path in ("/v1/listen", "/v1/realtime")
    ]
    with start_server("--api-key-file", str(file)) as server:
        for index in range(1_000):
            assert ask(HOST, server.port, tries[index % 2]).status == 401
        assert server.get("/readyz")[1]["sessions"] == 0
        assert server.alive()


def test_what_clients_send_is_escaped_in_the_log(service: RunningServer, target: Target) -> None:
    nasty = '\x1b[31mred\x1b[0m\r\n{"level": "error"}'
    told = len(service.lines)
    coded = "".join(f"%{byte:02x}" for byte in nasty.encode())
    ask(HOST, target.port, head("GET", f"/{coded}?key=sesame-in-the-query", "X-Request-Id: \x1b[31m"))
    body = form(KOREAN, ("model", nasty), (nasty, "x")).replace(b"a.wav", nasty.replace("\r\n", "").encode())
    ask(HOST, target.port, post(body))
    ask(HOST, target.port, head("GET", "/v1/limits", "Origin: \x1b[31mhttp://x", host=nasty.partition("\r")[0]))
    lines = service.lines[told:]
    assert lines
    assert not [line for line in lines if "\x1b" in line or not line.startswith("{") or "sesame" in line]


def test_names_that_nobody_knows_make_no_series_of_figures(target: Target) -> None:
    for index in range(300):
        ask(HOST, target.port, head("GET", f"/v1/models/model-{index}"))
        ask(HOST, target.port, head("GET", f"/path-{index}"))
        ask(HOST, target.port, post(form(KOREAN, ("model", f"m{index}"))))
    figures = ask(HOST, target.port, head("GET", "/metrics")).body.decode()
    series = [line for line in figures.splitlines() if not line.startswith("#")]
    assert len([line for line in series if "_bucket" not in line]) < 200
    assert "model-" not in figures
    assert "path-" not in figures


def test_a_service_with_few_descriptors_goes_on_when_they_are_free_again() -> None:
    import socket

    with start_server(*("--models", "nano-ctc-ko")) as server:
        import resource

        before = descriptors(server.process.pid)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (96, 96))
        held = [socket.create_connection((HOST, server.port), timeout=5) for _ in range(200)]
        time.sleep(2.0)
        assert descriptors(server.process.pid) >= 90  # it has what it may have, and no more
        for each in held:
            each.close()
        time.sleep(1.5)  # asyncio waits for a second before it accepts again
        assert descriptors(server.process.pid) <= before + 5
        with undisturbed(server, target_of(server)):
            pass
