"""Announces Wyoming on the network, so that Home Assistant finds it: DNS-SD over multicast DNS (RFC 6762, 6763)."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import MissingDependency, OptionError, brief
from .wyoming_address import WyomingAddress

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

TYPE = "_wyoming._tcp.local."
LONGEST_NAME = 63  # bytes of a DNS label
ANY = ("0.0.0.0", "::")
GROUP = "224.0.0.251"  # of multicast DNS


@dataclass(frozen=True, slots=True)
class Announcement:
    """A service that is announced until `close`."""

    name: str
    _network: AsyncZeroconf
    _service: AsyncServiceInfo

    async def close(self) -> None:
        """Take it back."""
        await (await self._network.async_unregister_service(self._service))
        await self._network.async_close()


async def announced(name: str, address: WyomingAddress) -> Announcement:
    """Announce an address under a name, this machine's where that is empty; another one where the name is taken.

    Raises `MissingDependency` without the package zeroconf, `OptionError` for an address or a name that cannot be
    announced.
    """
    try:
        from zeroconf import Error, IPVersion
        from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf
    except ImportError as error:
        raise MissingDependency("zeroconf", "--zeroconf", "wyoming") from error
    if address.path:
        raise OptionError(
            f"zeroconf: expected Wyoming at tcp://HOST:PORT, found {address}, which no other machine reaches"
        )
    name = name or socket.gethostname().partition(".")[0]
    if len(name.encode()) > LONGEST_NAME:
        raise OptionError(f"zeroconf: expected a name of at most {LONGEST_NAME} bytes, found {len(name.encode())}")
    try:
        host = _reached(address)
        service = AsyncServiceInfo(TYPE, f"{name}.{TYPE}", parsed_addresses=[host], port=address.port)
        network = AsyncZeroconf(interfaces=[host], ip_version=IPVersion.V4Only)
    except (Error, OSError, ValueError) as error:
        raise OptionError(f"zeroconf: {name!r} at {address} cannot be announced: {brief(error)}") from error
    try:
        await (await network.async_register_service(service, allow_name_change=True))
    except (Error, OSError) as error:
        await network.async_close()
        raise OptionError(f"zeroconf: {name!r} at {address} cannot be announced: {brief(error)}") from error
    return Announcement(service.name, network, service)


def _reached(address: WyomingAddress) -> str:
    """Return the IPv4 address at which clients reach it: its own, or the one from which multicast leaves the machine.

    That is one alone, where a list of all would have those of bridges and containers, which others do not reach.
    """
    if address.host not in ANY:
        return socket.gethostbyname(address.host)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect((GROUP, 1))  # sends nothing
        return str(asking.getsockname()[0])
