"""The runner on a Ray cluster. Ray itself is in a process of its own, which this one starts and bounds in time."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any

from ...child_process import CLOSED, UNPICKLABLE, LastLines, pipe_of, pipes_to, program_calling
from ...errors import ClusterUnreachable, EngineError, OptionError
from ..batch_items import BatchItem, ItemEvent, RunFailed
from ..hearer_entry import BATCH_WORKER
from ..settings import WorkerSettings
from .ray_wire import ClusterOrders, ClusterReady, ItemsWanted

REACH_S = 25.0  # until a cluster is reached, importing Ray included
START_S = 60.0  # until one of this machine is started
END_S = 8.0  # until Ray has left it
MOST_ITEMS = 100_000  # that are with the cluster at a time
MAIN = "malsori.batch.on_ray.ray_process:main"


class RayRunner:
    """Actors of a Ray cluster (`Runner`).

    `address` is HOST:PORT or auto; None starts a cluster of this machine for the run. `workers` are the actors at most;
    as many as the cluster holds where it is None. `entry` is the class that an actor loads, as `module:name`.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        *,
        address: str | None = None,
        workers: int | None = None,
        entry: str = BATCH_WORKER,
    ) -> None:
        self._orders = ClusterOrders(settings, address or "", workers, entry)

    def run(self, items: Iterator[BatchItem]) -> Generator[ItemEvent, None, None]:
        """Yield one result for each item, in any order, and progress.

        Up to 100,000 items are taken at a time, the next when all of these are done. Raises `ClusterUnreachable`,
        `MissingDependency`, `EngineError` where the cluster is lost, and what ends the run on a node.
        """
        link = RayLink(self._orders)
        try:
            link.reach()
            while True:
                message = link.next()
                if not isinstance(message, ItemsWanted):
                    yield message
                elif some := list(islice(items, MOST_ITEMS)):
                    link.send(some)
                else:
                    return
        finally:
            link.close()


class RayLink:
    """The process that talks to Ray, as the runner sees it."""

    def __init__(self, orders: ClusterOrders) -> None:
        self._orders = orders
        self._printed = LastLines()
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-c", program_calling(MAIN)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # an interrupt of the terminal is for the runner
        )
        self._talk = pipes_to(self._process)
        self._threads = [
            threading.Thread(target=target, args=args, name="malsori-ray", daemon=True)
            for target, args in ((self._listen, ()), (self._printed.keep, (pipe_of(self._process, "stderr"),)))
        ]
        for thread in self._threads:
            thread.start()

    def reach(self) -> None:
        """Wait until the cluster is reached. Raises `ClusterUnreachable` and what `next` raises."""
        address = self._orders.address
        patience_s = REACH_S if address else START_S
        try:
            self.send(self._orders)
        except UNPICKLABLE as error:
            raise OptionError(f"an option cannot be given to a cluster: {error}") from error
        try:
            ready = self.next(patience_s)
        except Empty as error:
            name = address or "a cluster of this machine"
            raise ClusterUnreachable(name, f"no answer within {patience_s:.0f} s") from error
        assert isinstance(ready, ClusterReady)

    def send(self, message: Any) -> None:
        """Send a message; where the process is gone, `next` says so."""
        with suppress(OSError, ValueError):
            self._talk.send(message)

    def next(self, patience_s: float | None = None) -> Any:
        """Return the next message. Raises `EngineError` where Ray has ended its process, and what it was told."""
        message = self._inbox.get(timeout=patience_s)
        if message is None:
            self._process.wait()
            self._threads[1].join()
            why = self._printed.last or "without a word"
            raise EngineError(
                f"the connection to the Ray cluster is lost ({why}); what is done is in the journal: the same command "
                "goes on when the cluster is there again"
            )
        if isinstance(message, RunFailed):
            raise message.error
        return message

    def close(self) -> None:
        """End the process, and with it a cluster that it has started."""
        with suppress(OSError):
            pipe_of(self._process, "stdin").close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(1.0)
        if not any(thread.is_alive() for thread in self._threads):  # else a process of Ray holds the pipes
            pipe_of(self._process, "stdout").close()
            pipe_of(self._process, "stderr").close()

    def _listen(self) -> None:
        try:
            while True:
                self._inbox.put(self._talk.receive())
        except CLOSED:
            self._inbox.put(None)
