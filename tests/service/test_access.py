"""Who may come in: keys, names of the service, pages that call it; for requests and sockets alike."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
import websockets

from malsori.errors import OptionError
from malsori.service.access import answered, hosts_of, key_of, keys_in
from malsori.service.serve_options import ServeOptions
from tests.service.running import RunningServer, start_server

KEY = "sesame-열려라"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    file = tmp_path_factory.mktemp("keys") / "keys.txt"
    file.write_text(f"# ours\n{KEY}\nabracadabra\n", "utf-8")
    flags = ("--api-key-file", str(file), "--key-in-query", "--allow-origin", "https://app.example")
    with start_server(*flags, "--metrics-key") as server:
        yield server


@pytest.mark.parametrize(
    "value", [None, "", "Bearer", "Bearer wrong", "Basic b3RoZXI=", "abracadabra", f"Bearer {'x' * 8_000}"]
)
def test_without_a_right_key_nothing_is_answered(locked: RunningServer, value: str | None) -> None:
    status, body = locked.get("/v1/limits", **({} if value is None else {"Authorization": value}))
    assert status == 401
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert (body["error"]["type"], body["error"]["code"]) == ("authentication_error", "invalid_api_key")


@pytest.mark.parametrize("key", ["abracadabra"])
def test_each_of_the_keys_opens(locked: RunningServer, key: str) -> None:
    assert locked.get("/v1/limits", Authorization=f"Bearer {key}")[0] == 200
    assert locked.get("/v1/limits", Authorization=f"bearer  {key}")[0] == 200


def test_a_key_in_the_address_opens_no_request(locked: RunningServer) -> None:
    assert locked.get("/v1/limits?api_key=abracadabra")[0] == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/livez"])
def test_probes_need_no_key(locked: RunningServer, path: str) -> None:
    assert locked.get(path)[0] == 200


def test_every_other_route_needs_one(locked: RunningServer) -> None:
    for path in ("/metrics", "/v1/limits", "/v1/models", "/v1/nix", "/docs"):
        assert locked.get(path)[0] == 401, path


async def first(url: str, **settings: object) -> str:
    """Return what a socket is answered with when it says nothing sensible."""
    async with websockets.connect(url, **settings) as socket:  # type: ignore[arg-type]
        await socket.send("{}")
        return str(await socket.recv())


@pytest.mark.parametrize(
    "protocols",
    [
        ["malsori", "malsori-key." + base64.urlsafe_b64encode(KEY.encode()).decode().rstrip("=")],
        ["realtime", "openai-insecure-api-key.abracadabra"],
        ["openai-insecure-api-key.abracadabra"],
    ],
)
def test_a_browser_sends_its_key_as_a_subprotocol(locked: RunningServer, protocols: list[str]) -> None:
    assert "config_required" in asyncio.run(first(f"{locked.ws}/v1/listen", subprotocols=protocols))


def test_a_socket_takes_the_key_in_its_address_where_that_is_allowed(locked: RunningServer) -> None:
    assert "config_required" in asyncio.run(first(f"{locked.ws}/v1/listen?api_key=abracadabra"))


@pytest.mark.parametrize("protocols", [None, ["malsori-key.!!!"], ["malsori-key.eA"], ["openai-insecure-api-key.x"]])
def test_a_socket_without_a_right_key_is_never_accepted(locked: RunningServer, protocols: list[str] | None) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        asyncio.run(first(f"{locked.ws}/v1/listen", subprotocols=protocols))
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize(
    ("origin", "status"), [("https://app.example", 200), ("https://evil.example", 403), ("null", 403)]
)
def test_a_page_calls_only_where_it_is_allowed(locked: RunningServer, origin: str, status: int) -> None:
    found, body = locked.get("/v1/limits", Authorization="Bearer abracadabra", Origin=origin)
    assert found == status
    assert status == 200 or body["error"]["code"] == "origin_not_allowed"


def test_the_services_own_page_may_call(server: RunningServer) -> None:
    assert server.get("/v1/limits", Origin=server.url)[0] == 200


def test_a_foreign_page_opens_no_socket(server: RunningServer) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        asyncio.run(first(f"{server.ws}/v1/listen", origin="https://evil.example"))
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "",
        "localhost:80@evil.example",
        "[::1.evil.example",
    ],
)
def test_another_name_for_this_machine_is_refused(server: RunningServer, host: str) -> None:
    status, body = server.get("/v1/limits", Host=host)
    assert (status, body["error"]["code"]) == (403, "host_not_allowed")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8000"])
def test_its_own_names_are_not(server: RunningServer, host: str) -> None:
    assert server.get("/v1/limits", Host=host)[0] == 200


def test_a_wrong_key_is_told_from_none(locked: RunningServer) -> None:
    assert "a key is needed" in locked.get("/v1/limits")[1]["error"]["message"]
    assert "none of --api-key-file" in locked.get("/v1/limits", Authorization="Bearer x")[1]["error"]["message"]


def test_a_refused_socket_is_one_line_of_the_log_that_says_why(locked: RunningServer) -> None:
    with pytest.raises(websockets.InvalidStatus):
        asyncio.run(first(f"{locked.ws}/v1/listen"))
    locked.get("/healthz")
    refused = [each for each in locked.log if each.get("method") == "WEBSOCKET"]
    assert refused
    assert {each["code"] for each in refused if each["status"] == 401} == {"invalid_api_key"}
    assert not [each for each in locked.log if each["event"] == "library"]


def test_keys_are_not_logged(locked: RunningServer) -> None:
    locked.get("/v1/limits?api_key=abracadabra", Authorization="Bearer abracadabra")
    assert not [line for line in locked.lines if "api_key=" in line or "abracadabra" in line or KEY in line]


@pytest.mark.parametrize(
    ("offered", "accepted"), [([], None), (["a", "malsori-key.eA"], "a"), (["malsori-key.eA"], "malsori-key.eA")]
)
def test_a_subprotocol_that_carries_no_key_is_accepted_first(offered: list[str], accepted: str | None) -> None:
    assert answered(offered) == accepted


def test_what_is_no_key_is_none() -> None:
    assert key_of("realtime") is None
    assert key_of("malsori-key.\xff") is None


def test_another_address_wants_a_key_or_insecure(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--api-key-file"):
        ServeOptions(host="0.0.0.0")
    assert hosts_of(ServeOptions(host="0.0.0.0", insecure=True)) == set()
    assert {"box.local", "[fe80::1]", "[::1]"} <= hosts_of(ServeOptions(allow_host=("Box.local:8000", "fe80::1")))
    file = tmp_path / "keys"
    file.write_text("# none\n\n")
    with pytest.raises(OptionError, match="found none"):
        keys_in(file)
    with pytest.raises(OptionError, match="cannot be read"):
        keys_in(tmp_path / "nix")
