"""The addresses that Wyoming listens on: `tcp://HOST:PORT` and `unix:///PATH`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...errors import OptionError

DEFAULT_PORT = 10_300  # of Home Assistant's speech services
LONGEST_PATH = 107  # bytes of a Unix socket's path, on Linux
EXPECTED = "expected tcp://HOST:PORT or unix:///PATH"


@dataclass(frozen=True, slots=True)
class WyomingAddress:
    """A TCP `host` and `port`, or the `path` of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"unix://{self.path}" if self.path else f"tcp://{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether this machine alone reaches it."""
        if self.path or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False  # a name; who reaches it is not known


def wyoming_address(text: str, *, insecure: bool = False) -> WyomingAddress:
    """Return the address that a text is; without a port it is 10300.

    Raises `OptionError` for any other text, and, unless `insecure`, for an address that other machines reach.
    """
    address = _parsed(text)
    if not (address.is_local or insecure):
        raise OptionError(
            f"wyoming: other machines reach {address}, and Wyoming has no keys, so all of them may use it; "
            f"expected tcp://127.0.0.1:{address.port} or unix:///PATH, or add --insecure where the network is trusted"
        )
    return address


def _parsed(text: str) -> WyomingAddress:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise OptionError(f"wyoming: {EXPECTED}, found {text!r} ({error})") from error
    more = parts.query or parts.fragment or parts.username is not None
    if parts.scheme == "tcp" and host and parts.path in ("", "/") and not more:
        return WyomingAddress(host, DEFAULT_PORT if port is None else port)
    if parts.scheme == "unix" and not parts.netloc and parts.path not in ("", "/") and not more:
        if len(parts.path.encode()) > LONGEST_PATH:
            raise OptionError(f"wyoming: expected a path of at most {LONGEST_PATH} bytes, found {len(parts.path)}")
        return WyomingAddress(path=parts.path)
    raise OptionError(f"wyoming: {EXPECTED}, found {text!r}{_guess(text)}")


def _guess(text: str) -> str:
    """Return what may have been meant, for a text without a scheme."""
    if "://" in text or not text.strip():
        return ""
    if text.startswith("/"):
        return f"; type unix://{text}"
    host, _, port = text.removeprefix("tcp:").rpartition(":")
    return f"; type tcp://{host or '127.0.0.1'}:{port}" if port.isdigit() else f"; type tcp://{text}:{DEFAULT_PORT}"
