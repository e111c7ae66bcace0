"""What the runner and the process that talks to Ray say to each other, beside items and events."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import MalsoriError
from ..settings import WorkerSettings

ROW_S = 2.0  # of events in a row of an actor; those of the last one are lost with it, and heard again
SENT_S = 0.25  # until a row has left a process that may die next


@dataclass(frozen=True, slots=True)
class ClusterOrders:
    """The first message: where the cluster is ("" starts one), how many actors at most, and the class they load."""

    settings: WorkerSettings
    address: str
    workers: int | None
    entry: str


@dataclass(frozen=True, slots=True)
class ClusterReady:
    """The cluster is reached."""


@dataclass(frozen=True, slots=True)
class ItemsWanted:
    """All items given before have results, or there are none yet. A list of items is the answer, empty at the end."""


@dataclass(frozen=True, slots=True)
class NodeFailed:
    """What a node raised that ends the whole run."""

    error: MalsoriError
    node: str


@dataclass(frozen=True, slots=True)
class AloneBegun:
    """An actor has begun an item that is alone in its chunk: if no result comes, it has died of it."""

    number: int
