"""Listens for Wyoming's clients, counts their connections, and ends them with the service."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from contextlib import suppress

from ...errors import OptionError
from ..measured import turn
from ..refusal import busy, draining, failed
from ..serve_options import within
from ..service_log import blame, log
from ..state import RETRY_S, Service
from .dialogue import Dialogue
from .discovery import Announcement, announced
from .framing import ENDLESS, EventReader, EventWriter, encoded
from .home_names import HomeNames, names_in_file
from .turn import Turn
from .wyoming_address import WyomingAddress, wyoming_address
from .wyoming_info import wyoming_info

MODE = 0o660  # of a Unix socket: whoever runs the service, and its group
BACKLOG = 256  # connections that the system holds before they are accepted


async def serve_wyoming(service: Service, address: str) -> WyomingServer:
    """Serve Wyoming at an address, `tcp://HOST:PORT` or `unix:///PATH`, until the result is closed.

    Raises `OptionError` for an address that cannot be had or that others reach, and for a file of names that cannot be
    read; `MissingDependency` where it is to be announced and the package for that is missing.
    """
    where = wyoming_address(address, insecure=service.options.insecure)
    names = HomeNames(names_in_file(service.options.names))
    server = WyomingServer(service, where, names)
    await server.start()
    return server


class WyomingServer:
    """Wyoming at one address. `address` is where it listens, with the port that was taken for 0."""

    def __init__(self, service: Service, address: WyomingAddress, names: HomeNames) -> None:
        self._service, self.address, self._names = service, address, names
        self._info = encoded("info", wyoming_info(service.registry))
        self._open: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._announcement: Announcement | None = None

    async def start(self) -> None:
        """Listen, and announce the address where there is a name for that. Raises as `serve_wyoming`."""
        try:
            self._listener = await (self._on_socket() if self.address.path else self._on_port())
            await self._listener.start_serving()
            if self._service.options.zeroconf is not None:
                self._announcement = await announced(self._service.options.zeroconf, self.address)
        except OSError as error:
            await self.close()
            reason = error.strerror or str(error)
            raise OptionError(f"--wyoming {self.address}: {reason}") from error
        except BaseException:
            await self.close()
            raise
        log("wyoming", url=str(self.address))

    async def _on_port(self) -> asyncio.Server:
        limit = self._service.limits.text_bytes or ENDLESS
        host, port = self.address.host, self.address.port
        listener = await asyncio.start_server(
            self._connected, host, port, limit=limit, backlog=BACKLOG, start_serving=False
        )
        self.address = WyomingAddress(host, listener.sockets[0].getsockname()[1])
        return listener

    async def _on_socket(self) -> asyncio.Server:
        path, limit = self.address.path, self._service.limits.text_bytes or ENDLESS
        with socket.socket(socket.AF_UNIX) as asking:
            if asking.connect_ex(path) == 0:  # else it is not there, or left behind by a service that was killed
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        listener = await asyncio.start_unix_server(
            self._connected, path, limit=limit, backlog=BACKLOG, start_serving=False
        )
        os.chmod(path, MODE)  # before anybody can connect
        return listener

    async def close(self) -> None:
        """Listen no more, and end the connections: with an error those that are not through."""
        if self._announcement is not None:
            await self._announcement.close()
        if self._listener is not None:
            self._listener.close()
            if self.address.path:
                with suppress(OSError):
                    os.unlink(self.address.path)
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with turn():
                await self._talk(reader, writer)
        finally:
            self._open.discard(task)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        limits = self._service.limits
        events = EventWriter(writer, limits)
        heard = Turn(self._service, self._names, events)
        dialogue = Dialogue(EventReader(reader, limits), events, heard, self._info, limits)
        try:
            if len(self._open) > within(limits.connections):
                await dialogue.refuse(busy(f"{limits.connections} connections are open; try again later", RETRY_S))
            else:
                await dialogue.run()
        except asyncio.CancelledError:
            await dialogue.refuse(draining())
        except Exception as error:
            log("failed", level="error", route="wyoming", **blame(error))
            await dialogue.refuse(failed())
        await events.close(reader)
