"""A worker process of this machine: it loads the model, asks for items, and tells what became of them.

It ends when its parent ends. It ignores the signals of the terminal: the parent gets them, too, and decides.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import NoReturn

from ...child_process import CLOSED, MessagePipes, picklable, pipes_to_parent
from ...engines.machine.process import share_heap
from ...errors import MalsoriError
from ..batch_items import BatchItem, Hearer, ItemProgress, RunFailed
from ..hearer_entry import hearer_of
from .wire import ItemsDone, ItemWanted, Orders, WorkerReady

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
    talk = pipes_to_parent()
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
        hearer = hearer_of(entry, orders.settings)
        talk.send(WorkerReady())
        while True:
            _hear(hearer, items, talk)
            talk.send(ItemsDone())
            items.reopen()
    except MalsoriError as error:
        talk.send(RunFailed(picklable(error)))
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


def _settle(orders: Orders) -> None:
    """Use the given cores only, one heap for all threads, and be what the system ends first where memory is short."""
    if orders.cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, orders.cpus)
    share_heap()
    with suppress(OSError):
        OOM_SCORE.write_text("500")  # of 1000; the parent, which keeps the journal, has 0


if __name__ == "__main__":
    main()
