"""A worker process as its runner sees it: what it was given, what it says, and how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeAlias

from ...child_process import (
    CLOSED,
    UNPICKLABLE,
    LastLines,
    end_of_process,
    pipe_of,
    pipes_to,
    program_calling,
)
from ...errors import EngineError, OptionError
from ..batch_items import BatchItem
from .wire import Orders

END_S = 2.0  # from closing its pipe to killing it
MAIN = "malsori.batch.local.worker_process:main"

Inbox: TypeAlias = "SimpleQueue[tuple[Child, Any]]"  # None as a message: its pipe is closed


class Child:
    """A worker process: `begun` are the items that it holds, `heard` the count of those that it has given results for.

    `seat` is its number in the layout. It is `solo` while it has an item that is to be heard alone, `waiting` while
    it has asked for an item and got no answer; `first` is the item that it is to have before others.
    """

    def __init__(
        self, seat: int, entry: str, inbox: Inbox, *, gpu: str = "", first: BatchItem | None = None, debug: bool = False
    ) -> None:
        self.seat = seat
        self.first = first
        self.begun: dict[int, BatchItem] = {}
        self.heard = 0
        self.ready = self.solo = self.waiting = False
        self.quiet_s = 0.0  # since it last said something or used the processor
        self.why_ended = ""
        self._cpu_s = 0.0
        self._said = LastLines(_pass_on if debug else lambda line: None)
        self._process = _started(entry, gpu)
        self._talk = pipes_to(self._process)
        self._threads = [
            threading.Thread(target=target, args=args, name=f"malsori-worker-{seat}", daemon=True)
            for target, args in ((self._listen, (inbox,)), (self._said.keep, (pipe_of(self._process, "stderr"),)))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def order(self, orders: Orders) -> None:
        """Send the first message. Raises `OptionError` where an option cannot go to another process."""
        try:
            self._send(orders)
        except UNPICKLABLE as error:
            raise OptionError(f"an option cannot be given to a worker process: {error}") from error

    def begin(self, item: BatchItem) -> None:
        """Give it an item."""
        self.begun[item.number] = item
        self.solo = item.alone
        self.waiting = False
        self._send(item)

    def flush(self) -> None:
        """Say that there is no item for now, so that it finishes those that it has."""
        self.waiting = False
        self._send(None)

    def idle_for(self, elapsed_s: float) -> float:
        """Return for how long it has said nothing and not computed, given that so much time has passed."""
        cpu_s = _cpu_seconds(self.pid)
        working = cpu_s is None or cpu_s - self._cpu_s > elapsed_s / 100
        self._cpu_s = cpu_s or 0.0
        self.quiet_s = 0.0 if working else self.quiet_s + elapsed_s
        return self.quiet_s

    def kill(self, why: str) -> None:
        """End it at once, for a reason that is told instead of the signal."""
        self.why_ended = why
        self._process.kill()

    def let_go(self) -> None:
        """Close its pipe, upon which it ends by itself."""
        with suppress(OSError):
            pipe_of(self._process, "stdin").close()

    def ended(self, within_s: float = END_S) -> str:
        """Wait for its end, or bring it about, and return how it ended, with what it said last."""
        self.let_go()
        try:
            code = self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._forced()
        for thread, pipe in zip(self._threads, ("stdout", "stderr"), strict=True):
            thread.join(END_S)
            if not thread.is_alive():  # else another process holds the pipe, and closing it would wait for that
                pipe_of(self._process, pipe).close()
        return "; ".join(filter(None, [self.why_ended or f"it {end_of_process(code)}", self._said.last]))

    def _forced(self) -> int:
        try:
            return self._process.wait(END_S)
        except subprocess.TimeoutExpired:  # it waits within the system, for a disk that is gone
            return -int(getattr(signal, "SIGKILL", 9))

    def _send(self, message: Any) -> None:
        with suppress(OSError, ValueError):  # it is dead, which its other pipe tells
            self._talk.send(message)

    def _listen(self, inbox: Inbox) -> None:
        try:
            while True:
                inbox.put((self, self._talk.receive()))
        except CLOSED:
            pass
        except Exception as error:  # unpickling runs what the classes of a message say
            self.why_ended = f"it said what cannot be read: {type(error).__name__}: {error}"
        finally:
            inbox.put((self, None))


def _pass_on(line: str) -> None:
    if line and sys.stderr is not None:
        sys.stderr.write(f"{line}\n")


def _started(entry: str, gpu: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", program_calling(MAIN), entry]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": gpu} if gpu else None
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, bufsize=0)
    except OSError as error:
        raise EngineError(f"a worker process cannot be started: {error}; --workers 1 needs the fewest") from error


def _cpu_seconds(pid: int) -> float | None:
    """Return the processor time that a process has used; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
