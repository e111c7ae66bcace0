"""The process that talks to Ray for the runner.

Ray prints, tries for minutes to reach a cluster that is not there, and ends its process where the head of one is lost.
All of that happens here: the runner sees a pipe that is closed.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any, NoReturn, TypeAlias

from ...child_process import CLOSED, MessagePipes, picklable, pipes_to_parent
from ...errors import MalsoriError
from ..batch_items import BatchItem, ItemEvent, ItemProgress, ItemResult, RunFailed
from ..settings import WorkerSettings
from .actor import ChunkActor
from .chunks import ALONE, ALONE_ROUNDS, ROUNDS, ChunkLimits, chunks_of
from .cluster import check_address, connect, error_of, nodes_of, quiet, settled
from .ray_wire import AloneBegun, ClusterOrders, ClusterReady, ItemsWanted, NodeFailed

SHUTDOWN_S = 5.0
RayEvent: TypeAlias = ItemEvent | AloneBegun | NodeFailed


def main() -> NoReturn:
    """Hear the items that the runner gives, many at a time, until it closes the pipe."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    talk = pipes_to_parent()
    faulthandler.enable()
    given: SimpleQueue[list[BatchItem]] = SimpleQueue()
    orders = talk.receive()
    threading.Thread(target=_listen, args=(talk, given), name="malsori-runner", daemon=True).start()
    try:
        _serve(talk, orders, given)
    except CLOSED:
        os._exit(0)
    except MalsoriError as error:
        talk.send(RunFailed(picklable(error)))
    except Exception as error:  # what Ray raises has no base class; it ends the run
        talk.send(RunFailed(error_of(error)))
    _leave()


def _serve(talk: MessagePipes, orders: ClusterOrders, given: SimpleQueue[list[BatchItem]]) -> None:
    quiet()
    check_address(orders.address)
    ray = connect(orders.address)
    takes, held = settled(orders.settings, nodes_of(ray), orders.address)
    workers = min(held, orders.workers or held)
    loading = orders.settings.loading
    settings = replace(orders.settings, loading=replace(loading, threads=loading.threads or int(takes["CPU"])))
    actors = Actors(ray, settings, orders.entry, takes, workers, orders.workers or 2 * held)
    talk.send(ClusterReady())
    while True:
        talk.send(ItemsWanted())
        if not (items := given.get()):
            return
        for event in heard(actors, items):
            talk.send(event)


def heard(actors: Actors, items: list[BatchItem]) -> Iterator[ItemEvent]:
    """Yield one result for each of the items, and progress: what dies with actors is heard again, at last alone.

    An item that kills each of its actors costs three of them, and all beside it are heard.
    """
    left = {item.number: item for item in items}
    for limits in (*ROUNDS, *[ALONE] * ALONE_ROUNDS):
        begun = set[int]()
        for event in actors.heard(list(left.values()), limits) if left else ():
            if isinstance(event, NodeFailed):
                raise _of_node(event)
            if isinstance(event, AloneBegun):
                begun.add(event.number)
            elif isinstance(event, ItemProgress) or left.pop(event.number, None) is not None:
                yield event
        for number in begun & left.keys() if limits is ALONE else ():
            del left[number]
            yield _died(number, "the third with it alone")
    for number in left:
        yield _died(number, "none came to begin it alone")


def _died(number: int, how: str) -> ItemResult:
    message = f"expected an actor that outlives it, found that several have died, {how}: "
    return ItemResult(number, "WorkerDied", message + "a crash of a decoder, or too little memory on its node")


@dataclass(frozen=True, slots=True)
class Actors:
    """Actors of a cluster: `workers` at first, and up to `most` where the cluster grows. `takes` is what each has."""

    ray: Any
    settings: WorkerSettings
    entry: str
    takes: Mapping[str, float]
    workers: int
    most: int

    def heard(self, items: list[BatchItem], limits: ChunkLimits) -> Iterator[RayEvent]:
        """Yield the events of items, without results for those whose actor has died."""
        chunks = [pickle.dumps(chunk) for chunk in chunks_of(items, limits.spread(len(items), self.workers))]
        for rows in self._mapped(chunks, limits).iter_batches(
            batch_size=None, batch_format="pyarrow", prefetch_batches=4
        ):
            for events in rows["events"].to_pylist():
                yield from pickle.loads(events)

    def _mapped(self, chunks: list[bytes], limits: ChunkLimits) -> Any:
        """Return Ray's data set of events: a row in is a chunk, a block, and a task of an actor.

        An actor that dies is started again, its tasks are not: Ray takes the outputs of a task that it repeats for
        those of the first try, by their number, and would lose results that come in another order.
        """
        data = self.ray.data
        context = data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        context.max_errored_blocks = -1  # those of actors that died
        context.target_max_block_size = 1  # each row at once, not when its chunk is done
        first = min(self.workers, len(chunks))
        pool = data.ActorPoolStrategy(
            min_size=1,
            max_size=max(first, min(self.most, len(chunks))),
            initial_size=first,
            max_tasks_in_flight_per_actor=1 if limits is ALONE else 2,
        )
        rows = data.from_items([{"chunk": chunk} for chunk in chunks], override_num_blocks=len(chunks))
        return rows.map_batches(
            ChunkActor,
            fn_constructor_args=(self.settings, self.entry),
            batch_size=None,
            compute=pool,
            num_cpus=self.takes["CPU"],
            num_gpus=self.takes.get("GPU", 0),
            max_restarts=-1,
            max_task_retries=0,
        )


def _of_node(failed: NodeFailed) -> MalsoriError:
    """Return an error of a node with the node in its message."""
    error = failed.error
    error.args = (f"on node {failed.node}: {error}",)
    return error


def _listen(talk: MessagePipes, given: SimpleQueue[list[BatchItem]]) -> None:
    """Take items until the runner is gone; then this process ends, whatever it is about to do."""
    try:
        while True:
            given.put(talk.receive())
    except CLOSED:
        _leave()


def _leave() -> NoReturn:
    """Leave the cluster, and end the one that this process has started: Ray's processes see that it is gone."""
    if (ray := sys.modules.get("ray")) is not None:
        ending = threading.Thread(target=ray.shutdown, daemon=True)
        ending.start()
        ending.join(SHUTDOWN_S)
    os._exit(0)
