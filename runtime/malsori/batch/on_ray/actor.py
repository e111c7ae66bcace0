"""The actor: it loads the model once, and hears a chunk of items at a call. Rows in and out are pickles."""

from __future__ import annotations

import pickle
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ...child_process import picklable
from ...errors import MalsoriError
from ..batch_items import BatchItem, Hearer, ItemProgress
from ..hearer_entry import hearer_of
from ..settings import WorkerSettings
from .ray_wire import ROW_S, SENT_S, AloneBegun, NodeFailed


class ChunkActor:
    """Hears chunks. An error of the whole run is a row too: Ray drops what raises, with its chunk."""

    def __init__(self, settings: WorkerSettings, entry: str) -> None:
        """Load the model by the class `entry`, as `module:name`."""
        self._failed: NodeFailed | None = None
        self._hearer: Hearer | None = None
        try:
            self._hearer = hearer_of(entry, settings)
        except MalsoriError as error:
            self._failed = NodeFailed(picklable(error), socket.gethostname())

    def __call__(self, batch: Mapping[str, Any]) -> Iterator[dict[str, list[bytes]]]:
        """Yield what comes of a chunk in rows of several events each: Ray bears few rows a second, of any size."""
        for packed in batch["chunk"]:
            chunk: list[BatchItem] = pickle.loads(packed)
            if len(chunk) == 1:
                yield _row([AloneBegun(chunk[0].number)])
                time.sleep(SENT_S)  # or it would die with this process
            yield from map(_row, self._gathered(chunk))

    def _gathered(self, chunk: list[BatchItem]) -> Iterator[list[Any]]:
        """Yield the events of some seconds at a time, of each item only its last progress."""
        results: list[Any] = []
        progress: dict[int, ItemProgress] = {}
        sent = time.monotonic()
        for event in self._events(chunk):
            if isinstance(event, ItemProgress):
                progress[event.number] = event
            else:
                results.append(event)
                progress.pop(getattr(event, "number", -1), None)
            if time.monotonic() - sent >= ROW_S:
                yield [*progress.values(), *results]
                results, progress, sent = [], {}, time.monotonic()
        yield [*progress.values(), *results]

    def _events(self, chunk: list[BatchItem]) -> Iterator[Any]:
        if self._hearer is None:
            yield self._failed
            return
        try:
            yield from self._hearer.work(chunk)
        except MalsoriError as error:
            yield NodeFailed(picklable(error), socket.gethostname())


def _row(events: list[Any]) -> dict[str, list[bytes]]:
    return {"events": [pickle.dumps(events)]}
