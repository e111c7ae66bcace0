"""The worker processes of one run: who gets which item, and what happens to the items of one that died.

An item is only said to have killed a worker when the process had heard nothing else before and nothing beside it: a
crash may come of what another recording has broken in memory.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any

from ...errors import EngineError
from ..batch_items import BatchItem, ItemEvent, ItemProgress, ItemResult, RunFailed
from ..settings import WorkerSettings
from .child import END_S, Child, Inbox
from .wire import ItemsDone, ItemWanted, Orders, WorkerReady
from .worker_layout import WorkerLayout

STALLED_S = 600.0
LONGEST_TICK_S = 5.0  # between two looks at who has stalled
MOST_IDLE_DEATHS = 3  # of processes that hold no item, with no result between them: it is not the items
RETRY = "--retry-failed tries it again"


class Crew:
    """The processes of one run, of the caller's thread alone; what they say comes by one queue."""

    def __init__(
        self,
        settings: WorkerSettings,
        layout: WorkerLayout,
        entry: str,
        stalled_s: float,
        report: Callable[[str], None],
        *,
        debug: bool,
    ) -> None:
        self._settings, self._layout, self._entry = settings, layout, entry
        self._stalled_s, self._report, self._debug = stalled_s, report, debug
        self._tick_s = min(LONGEST_TICK_S, stalled_s / 4)
        self._inbox: Inbox = SimpleQueue()
        self._children: dict[int, Child] = {}  # by seat
        self._suspects: deque[BatchItem] = deque()  # to be heard alone
        self._items: Iterator[BatchItem] = iter(())
        self._exhausted = False
        self._idle_deaths = 0
        self._loads = False  # whether the model was ever loaded

    def events(self, items: Iterator[BatchItem]) -> Iterator[ItemEvent]:
        """Yield what becomes of the items; processes are started as there are items for them."""
        self._items = items
        for seat in range(self._layout.workers):
            if (first := self._taken()) is not None:
                self._start(seat, first)
        looked = time.monotonic()
        while self._work_left() or any(child.begun or child.first for child in self._children.values()):
            with suppress(Empty):
                yield from self._heard(*self._inbox.get(timeout=self._tick_s))
            if (elapsed := time.monotonic() - looked) >= self._tick_s:
                # A process that was stopped itself, by Ctrl-Z, has not waited for the others meanwhile.
                self._end_stalled(min(elapsed, 2 * self._tick_s))
                looked = time.monotonic()

    def end(self) -> None:
        """End all processes, at most two seconds from now, and wait for them."""
        for child in self._children.values():
            child.let_go()
        deadline = time.monotonic() + END_S
        for child in self._children.values():
            child.ended(max(0.0, deadline - time.monotonic()))
        self._children.clear()

    def _start(self, seat: int, first: BatchItem | None = None) -> None:
        gpu = self._layout.gpu_of(seat)
        child = Child(seat, self._entry, self._inbox, gpu=gpu, first=first, debug=self._debug)
        self._children[seat] = child
        child.order(Orders(self._layout.settings(self._settings), self._layout.cpus_of(seat)))

    def _heard(self, child: Child, message: Any) -> Iterator[ItemEvent]:
        """Do what a message of a process asks for, and yield what it tells of an item."""
        if self._children.get(child.seat) is not child:
            return  # a message of a process that was ended
        child.quiet_s = 0.0
        if isinstance(message, ItemWanted):
            self._answer(child)
        elif isinstance(message, ItemProgress):
            if message.number in child.begun:
                yield message
        elif isinstance(message, ItemResult):
            if child.begun.pop(message.number, None) is not None:
                child.heard += 1
                self._idle_deaths = 0
                yield message
        elif isinstance(message, ItemsDone):
            yield from self._unanswered(child)
        elif isinstance(message, WorkerReady):
            child.ready = self._loads = True
        elif isinstance(message, RunFailed):
            raise message.error
        else:
            yield from self._died(child)

    def _answer(self, child: Child) -> None:
        """Give a process that asks the next item, let it finish what it has, or let it wait."""
        item = None if child.solo else self._next_for(child)
        if item is not None:
            child.begin(item)
        elif child.begun or child.solo:
            child.flush()
        else:
            child.waiting = True

    def _next_for(self, child: Child) -> BatchItem | None:
        if not child.begun:
            if child.first is not None:
                first, child.first = child.first, None
                return first
            if self._suspects:
                return self._suspects.popleft()
        item = self._taken()
        if item is not None and item.alone and child.begun:  # it asks again when it holds none
            self._suspects.append(item)
            return None
        return item

    def _taken(self) -> BatchItem | None:
        if self._exhausted:
            return None
        item = next(self._items, None)
        self._exhausted = item is None
        return item

    def _work_left(self) -> bool:
        return bool(self._suspects) or not self._exhausted

    def _unanswered(self, child: Child) -> Iterator[ItemResult]:
        """Yield a failure for each item that a hearer left without a result, which breaks its contract."""
        for item in child.begun.values():
            yield ItemResult(item.number, "EngineError", f"{item.source}: the worker gave no result for it; {RETRY}")
        child.begun.clear()
        child.solo = False

    def _died(self, child: Child) -> Iterator[ItemResult]:
        """Give the items of a dead process to others, each alone; yield the failure of one that was alone already."""
        how = child.ended()
        del self._children[child.seat]
        if not child.ready:
            return self._not_loaded(child, how)
        return self._bereaved(child, how)

    def _not_loaded(self, child: Child, how: str) -> Iterator[ItemResult]:
        """Go on without a process that died while it loaded the model, if another one has loaded it.

        Where none is left but one could load it before, memory may have been short for a moment: another one tries.
        """
        if not any(other.ready for other in self._children.values()):
            self._idle_deaths += 1
            if self._loads and self._idle_deaths <= MOST_IDLE_DEATHS:
                self._start(child.seat, child.first)
                return iter(())
            name = self._settings.model
            raise EngineError(f"{name}: a worker process died while it loaded the model: {how}")
        self._report(f"a worker process died while it loaded the model, {len(self._children)} go on: {how}")
        if child.first is not None:
            self._suspects.appendleft(child.first)
        self._wake()
        return iter(())

    def _bereaved(self, child: Child, how: str) -> Iterator[ItemResult]:
        again = child.first
        if not child.begun:
            self._idle_deaths += 1
            if self._idle_deaths > MOST_IDLE_DEATHS:
                raise EngineError(f"worker processes die although they hold no recording: {how}")
        for item in child.begun.values():
            if not child.solo:
                self._suspects.append(replace(item, alone=True))
            elif child.heard:
                again = item
            else:
                message = f"{item.source}: a worker process that heard nothing else died of it: {how}; {RETRY}"
                yield ItemResult(item.number, "WorkerDied", message)
        if again is not None or self._work_left():
            self._start(child.seat, again)
        self._wake()

    def _wake(self) -> None:
        """Answer those that wait, now that there may be an item for them."""
        for child in self._children.values():
            if child.waiting and self._work_left():
                self._answer(child)

    def _end_stalled(self, elapsed_s: float) -> None:
        for child in self._children.values():
            if (child.begun or not child.ready) and child.idle_for(elapsed_s) >= self._stalled_s:
                child.kill(f"it had done nothing for {child.quiet_s:.0f} s and was ended")
                self._inbox.put((child, None))  # its pipe stays open while it waits for a disk that is gone
