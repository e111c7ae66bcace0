"""A worker process of this machine: it loads the model, asks for items, and tells what became of them.

It ends when its parent does, at any moment, and by nothing else that is sent to its terminal: who is interrupted is the
parent, which decides. What native libraries print goes to stderr, for standard output is the way to the parent.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from io import FileIO
from pathlib import Path
from queue import SimpleQueue
from typing import NoReturn

from ...engines.machine.process import share_heap
from ...errors import MalsoriError
from ..batch_items import BatchItem, Hearer, ItemProgress
from ..settings import WorkerSettings
from .wire import CLOSED, ItemsDone, ItemWanted, MessagePipes, Orders, RunFailed, WorkerReady

PROGRESS_S = 0.2  # between two messages of progress
FAILED = 1  # exit code
IGNORED = ("SIGINT", "SIGTERM", "SIGHUP")  # which the system sends to a whole group of processes
OOM_SCORE = Path("/proc/self/oom_score_adj")


class ItemQueue:
    """The items that the parent gives, one for each time that the hearer asks; it may ask from any thread."""

    def __init__(self, talk: MessagePipes) -> None:
        self._talk = talk
        self._given: SimpleQueue[BatchItem | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._ended = False

    def __iter__(self) -> Iterator[BatchItem]:
        return self

    def __next__(self) -> BatchItem:
        with self._lock:
            item = None if self._ended else self._ask()
            if item is None:
                self._ended = True
                raise StopIteration
            return item

    def reopen(self) -> None:
        """Let items come again, after the parent had no more."""
        self._ended = False

    def listen(self) -> NoReturn:
        """Take what the parent sends, until it is gone: then this process ends, whatever it is about to do."""
        try:
            while True:
                self._given.put(self._talk.receive())
        except CLOSED:
            os._exit(0)
        except Exception:  # unpickling runs what the classes of a message say
            _fail()

    def _ask(self) -> BatchItem | None:
        self._talk.send(ItemWanted())
        return self._given.get()


def main() -> NoReturn:
    """Work for the parent until it closes the pipe. The class of the hearer is the argument, as `module:name`."""
    for name in IGNORED:
        if hasattr(signal, name):  # Windows has fewer
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    talk = _talk()
    faulthandler.enable()
    try:
        _work(talk, sys.argv[1])
    except CLOSED:  # of the pipe: there is nobody to tell
        os._exit(0)


def _work(talk: MessagePipes, entry: str) -> NoReturn:
    orders = talk.receive()
    items = ItemQueue(talk)
    threading.Thread(target=items.listen, name="malsori-parent", daemon=True).start()
    try:
        _settle(orders)
        hearer = _hearer(entry)(orders.settings)
        talk.send(WorkerReady())
        while True:
            _hear(hearer, items, talk)
            talk.send(ItemsDone())
            items.reopen()
    except MalsoriError as error:
        _tell(talk, error)
    except SystemExit as leave:
        os._exit(leave.code if isinstance(leave.code, int) else FAILED)
    except BaseException:  # a fault of ours or of a library: it costs the items that are begun, as any other death
        _fail()
    threading.Event().wait()  # the parent closes the pipe
    raise AssertionError


def _fail() -> NoReturn:
    """End this process with the traceback of the exception that is being handled."""
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(FAILED)


def _hear(hearer: Hearer, items: ItemQueue, talk: MessagePipes) -> None:
    told = 0.0
    for event in hearer.work(items):
        if isinstance(event, ItemProgress):
            if (now := time.monotonic()) - told < PROGRESS_S:
                continue
            told = now
        talk.send(event)


def _tell(talk: MessagePipes, error: MalsoriError) -> None:
    """Send an error; one that holds what cannot be pickled by its message alone."""
    try:
        talk.send(RunFailed(error))
    except (TypeError, AttributeError):
        talk.send(RunFailed(MalsoriError(str(error))))


def _talk() -> MessagePipes:
    """Return the pipes to and from the parent, and leave other descriptors in their places."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return MessagePipes(FileIO(incoming, "rb"), FileIO(outgoing, "wb"))


def _settle(orders: Orders) -> None:
    """Use the given cores only, one heap for all threads, and be what the system ends first where memory is short."""
    if orders.cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, orders.cpus)
    share_heap()
    with suppress(OSError):
        OOM_SCORE.write_text("500")  # of 1000; the parent, which keeps the journal, has 0


def _hearer(entry: str) -> Callable[[WorkerSettings], Hearer]:
    module, _, name = entry.partition(":")
    made: Callable[[WorkerSettings], Hearer] = getattr(import_module(module), name)
    return made


if __name__ == "__main__":
    main()
