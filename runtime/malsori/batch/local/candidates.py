"""Which layouts are worth a trial, as pure functions of what a machine has and a model needs."""

from __future__ import annotations

from dataclasses import dataclass

from .cpu_groups import Cores, cores_of
from .worker_layout import WorkerLayout

OWN_MEMORY = 400_000_000  # bytes of a process besides the weights: libraries, and activations of some windows
SHARE = 0.8  # of the memory that is free, which workers may take


@dataclass(frozen=True, slots=True)
class MachineParts:
    """What there is to share: threads that may compute, cores in groups, bytes of free memory (None: unknown), GPUs."""

    threads: int
    groups: tuple[Cores, ...] = ()
    memory: int | None = None
    gpus: tuple[str, ...] = ()


def candidates(machine: MachineParts, weights: int, *, shared: bool = False) -> list[WorkerLayout]:
    """Return the layouts to try, from one worker with all threads to one for each thread, as memory allows.

    The number of workers doubles. `weights` are the bytes of the model, which each process has for itself unless they
    are `shared`. With GPUs there is one layout: a worker for each.
    """
    if machine.gpus:
        return [layout_of(machine, len(machine.gpus))]
    found = []
    workers = 1
    while workers <= machine.threads and (workers == 1 or _fits(machine, weights, workers, shared=shared)):
        found.append(layout_of(machine, workers))
        workers *= 2
    return found


def layout_of(machine: MachineParts, workers: int, threads: int | None = None) -> WorkerLayout:
    """Return the layout with so many workers, each with its share of the machine, or with so many threads."""
    share = max(1, machine.threads // workers)
    return WorkerLayout(workers, threads or share, cores_of(workers, machine.groups), machine.gpus)


def _fits(machine: MachineParts, weights: int, workers: int, *, shared: bool) -> bool:
    copies = 1 if shared else workers
    return machine.memory is None or copies * weights + workers * OWN_MEMORY <= SHARE * machine.memory
