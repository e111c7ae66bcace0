"""Addresses as they are typed, and who may be let in without a key."""

from __future__ import annotations

import pytest

from malsori.errors import OptionError
from malsori.service.wyoming.wyoming_address import WyomingAddress, wyoming_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("tcp://127.0.0.1:10300", WyomingAddress("127.0.0.1", 10_300)),
        ("tcp://localhost:0", WyomingAddress("localhost", 0)),
        ("tcp://[::1]:9", WyomingAddress("::1", 9)),
        ("tcp://127.0.0.1", WyomingAddress("127.0.0.1", 10_300)),
        ("unix:///run/malsori.sock", WyomingAddress(path="/run/malsori.sock")),
    ],
)
def test_an_address_is_read(text: str, address: WyomingAddress) -> None:
    assert wyoming_address(text) == address
    assert wyoming_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10300",
        "stdio://",
        "http://127.0.0.1:10300",
        "tcp://",
        "tcp://:10300",
        "tcp://127.0.0.1:x",
        "tcp://127.0.0.1:99999",
        "tcp://127.0.0.1:1/path",
        "tcp://me@127.0.0.1:1",
        "unix://run/malsori.sock",
        "unix:///",
        "unix:///" + "a" * 200,
        "tcp://[::1",
    ],
)
def test_what_is_no_address_is_said_to_be_none(text: str) -> None:
    with pytest.raises(OptionError, match="wyoming: expected"):
        wyoming_address(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("127.0.0.1:10300", "tcp://127.0.0.1:10300"),
        ("10300", "tcp://127.0.0.1:10300"),
        (":10300", "tcp://127.0.0.1:10300"),
        ("localhost", "tcp://localhost:10300"),
        ("/run/malsori.sock", "unix:///run/malsori.sock"),
    ],
)
def test_without_a_scheme_the_message_says_what_to_type(text: str, meant: str) -> None:
    with pytest.raises(OptionError, match=f"; type {meant}$"):
        wyoming_address(text)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "[::]", "box.local", "127.0.0.1.example"])
def test_an_address_that_others_reach_is_refused_unless_that_is_wanted(host: str) -> None:
    with pytest.raises(OptionError, match=r"Wyoming has no keys.*tcp://127\.0\.0\.1:10300.*--insecure"):
        wyoming_address(f"tcp://{host}:10300")
    assert wyoming_address(f"tcp://{host}:10300", insecure=True).port == 10_300
