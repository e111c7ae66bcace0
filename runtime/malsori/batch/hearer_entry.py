"""Which class hears the items: its name goes to the processes, and only they import it."""

from __future__ import annotations

from importlib import import_module

from .batch_items import Hearer
from .settings import WorkerSettings

BATCH_WORKER = "malsori.batch.worker:BatchWorker"


def hearer_of(entry: str, settings: WorkerSettings) -> Hearer:
    """Return a hearer of the class named as `module:name`, with its model loaded. Raises as that does."""
    module, _, name = entry.partition(":")
    made: Hearer = getattr(import_module(module), name)(settings)
    return made
