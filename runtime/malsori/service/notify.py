"""What a service manager is told: ready, stopping, still alive. The protocol of sd_notify(3), without its library.

Outside systemd, where `$NOTIFY_SOCKET` is not set, all of it does nothing; a socket that fails is no reason to stop
serving, and raises nothing either.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping

MICROSECOND = 1e-6  # the unit of WATCHDOG_USEC


class ServiceManager:
    """Whoever started the process and reads its states, or nobody.

    The environment is read once, so that what is set later by a library changes nothing.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self.watchdog_s = _watchdog(environment) if self._address else None

    def ready(self, status: str = "") -> bool:
        """Say that requests are answered from now on."""
        return self._send("READY=1", *_status(status))

    def stopping(self, status: str = "") -> bool:
        """Say that the end has begun."""
        return self._send("STOPPING=1", *_status(status))

    def status(self, text: str) -> bool:
        """Say in one line what is going on; `systemctl status` shows it."""
        return self._send(*_status(text))

    def extend(self, seconds: float) -> bool:
        """Ask for more time before a start or an end counts as failed."""
        return self._send(f"EXTEND_TIMEOUT_USEC={round(seconds / MICROSECOND)}")

    def alive(self) -> bool:
        """Say once that the process is alive."""
        return self._send("WATCHDOG=1")

    async def keep_alive(self, healthy: Callable[[], bool] = lambda: True) -> None:
        """Say that the process is alive, twice in each period that the manager bears without hearing of it.

        It runs in the event loop, so a loop that stands still is noticed; `healthy` says it of what else must run.
        Returns at once where nobody watches, and else when it is cancelled.
        """
        while self.watchdog_s is not None:
            if healthy():
                self.alive()
            await asyncio.sleep(self.watchdog_s / 2)

    def _send(self, *lines: str) -> bool:
        """Send one datagram and return whether it went out. It never waits for a manager that does not read."""
        if self._address is None or not lines:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.setblocking(False)
                channel.sendto("\n".join(lines).encode(errors="replace"), self._address)
        except (OSError, ValueError):
            return False
        return True


def _address(name: str) -> str | None:
    """Return the address of a socket, where `@` begins a name without a file; vsock, for virtual machines, is none."""
    if not hasattr(socket, "AF_UNIX") or not name.startswith(("/", "@")):
        return None
    return f"\0{name[1:]}" if name.startswith("@") else name


def _watchdog(environment: Mapping[str, str]) -> float | None:
    """Return the seconds of silence that the manager bears, if it watches this process."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    text = environment.get("WATCHDOG_USEC", "")
    return int(text) * MICROSECOND if text.isascii() and text.isdigit() and int(text) > 0 else None


def _status(text: str) -> list[str]:
    return [f"STATUS={' '.join(text.split())}"] if text else []
