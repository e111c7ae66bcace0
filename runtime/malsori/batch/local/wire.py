"""What a worker process and its runner say to each other, beside items and events."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import WorkerSettings


@dataclass(frozen=True, slots=True)
class Orders:
    """The first message to a worker process. `cpus` are those that it may use, empty for all that its parent has."""

    settings: WorkerSettings
    cpus: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """A worker process has loaded its model."""


@dataclass(frozen=True, slots=True)
class ItemWanted:
    """A worker process can take an item. It is answered by one, by None for no more now, or left to wait."""


@dataclass(frozen=True, slots=True)
class ItemsDone:
    """A worker process has given a result for each item that it took, and holds none."""
