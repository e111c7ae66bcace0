"""Which cores share a cache and a memory: processes that stay within such a group do not wait for each other's data."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from ...engines.machine.cpus import cpu_threads

SYSTEM = Path("/sys/devices/system")
Cores = tuple[int, ...]


def usable_cores() -> Cores:
    """Return the cores that this process may use; none where a quota gives fewer, so that no choice of them counts."""
    if not hasattr(os, "sched_getaffinity"):
        return ()
    mask = tuple(sorted(os.sched_getaffinity(0)))
    return mask if cpu_threads() >= len(mask) else ()


def cpu_groups(cores: Cores, system: Path = SYSTEM) -> tuple[Cores, ...]:
    """Return the cores in groups of one memory (NUMA node) and one last cache; one group where neither is known."""
    nodes = [_listed(path) for path in sorted(system.glob("node/node[0-9]*/cpulist"))]
    caches = [_listed(path) for path in system.glob("cpu/cpu[0-9]*/cache/index3/shared_cpu_list")]
    groups: dict[tuple[Cores, Cores], list[int]] = {}
    for core in cores:
        groups.setdefault((_with(core, nodes), _with(core, caches)), []).append(core)
    return tuple(sorted(tuple(group) for group in groups.values()))


def cores_of(workers: int, groups: tuple[Cores, ...]) -> tuple[Cores, ...]:
    """Return the cores of each worker, none where the groups cannot be dealt out evenly, or there is only one.

    With fewer workers than groups each has several; with more, several share one.
    """
    count = len(groups)
    if count < 2 or workers < 2 or len({len(group) for group in groups}) > 1:
        return ()
    if workers < count and count % workers == 0:
        each = count // workers
        return tuple(
            tuple(core for group in groups[first : first + each] for core in group) for first in range(0, count, each)
        )
    return groups if workers % count == 0 else ()


def _listed(path: Path) -> Cores:
    """Return the numbers of a list as the kernel writes it. Example: `0-2,8` is (0, 1, 2, 8)."""
    found: list[int] = []
    with suppress(OSError, ValueError):
        for part in path.read_text("ascii").strip().split(","):
            first, _, last = part.partition("-")
            found.extend(range(int(first), int(last or first) + 1))
    return tuple(found)


def _with(core: int, lists: Collection[Cores]) -> Cores:
    return next((cores for cores in lists if core in cores), ())
