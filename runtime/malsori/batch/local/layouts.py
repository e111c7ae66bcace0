"""`layout_for`: how many worker processes a batch gets on this machine, as asked, as kept, or as a trial finds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ...bundles import find_bundle
from ...bundles.manifest import Manifest
from ...engines.load import WITH_LOGITS
from ...engines.machine.cpus import cpu_threads
from ...engines.machine.devices import choose_device, visible_gpus
from ...engines.machine.libraries import has_driver
from ...engines.machine.memory import free_memory
from ...urls import is_url
from ..settings import WorkerSettings
from .candidates import MachineParts, candidates, layout_of
from .cpu_groups import cpu_groups, usable_cores
from .layout_cache import LayoutCache, key_of
from .layout_trial import TriedLayout, best_layout, speed_of
from .worker_layout import WorkerLayout

LOOKED_AT = 1000  # recordings, whose bytes say whether a batch is worth a trial
WORTH_BYTES = 100_000_000  # from which on it is: 52 minutes of 16-bit sound at 16 kHz, 1.7 hours of MP3 at 128 kbit/s
TRIED = 24  # recordings, of which a trial hears the beginnings
BUSY = 0.25  # of the processors in use by others, from which on a trial's outcome is not kept
LOOK_S = 0.5  # seconds for which that is looked at
STAT = Path("/proc/stat")


def layout_for(
    settings: WorkerSettings,
    first: Callable[[int], Sequence[str]],
    report: Callable[[str], None],
    *,
    workers: int | None = None,
    cache: LayoutCache | None = None,
    measure: Callable[[WorkerSettings, WorkerLayout, Sequence[str]], float] = speed_of,
) -> WorkerLayout:
    """Return how many processes hear a batch, and what part of the machine each has.

    With `workers` there are so many, each with its share of the threads or with those of the settings; with threads in
    the settings alone there is one, or one for each GPU. Otherwise that is chosen which a trial found best: now, on the
    first of the batch's recordings (`first` returns the sources of so many), or earlier. For a few recordings that were
    not tried there is one. `report` gets a line before a trial and one about its outcome.

    Raises `ModelError` and `DeviceUnavailable` as `load` does, and what the batch itself would raise.
    """
    manifest = find_bundle(settings.model).manifest()
    machine = machine_parts(settings, manifest)
    threads = settings.loading.threads or None
    if workers is not None or threads is not None or machine.gpus:
        return layout_of(machine, workers or max(1, len(machine.gpus)), threads)
    layouts = candidates(machine, manifest.size, shared=_shares(settings, manifest))
    if len(layouts) == 1:
        return layouts[0]
    cache = cache or LayoutCache()
    key = _key(settings, machine)
    kept = cache.get(key)
    if kept in layouts:
        return kept
    sound = [source for source in first(LOOKED_AT) if not is_url(source)]
    if len(sound) < TRIED or sum(map(_bytes_of, sound)) < WORTH_BYTES:
        return layouts[0]
    report("trying how many workers are best on this machine, up to half a minute; --workers N goes without")
    busy = is_busy()
    tried = best_layout(layouts, lambda layout: measure(settings, layout, sound[:TRIED]))
    report(told(tried) + "; the machine is busy, so that the next batch tries again" * busy)
    if tried[0].speed > 0 and not busy:
        cache.put(key, tried[0])
    return tried[0].layout


def _bytes_of(path: str) -> int:
    with suppress(OSError):
        return os.path.getsize(path)
    return 0


def machine_parts(settings: WorkerSettings, manifest: Manifest) -> MachineParts:
    """Return what this machine has for a model: GPUs where it will compute on them. Raises `DeviceUnavailable`."""
    cores = usable_cores()
    groups = cpu_groups(cores) if cores else ()
    return MachineParts(cpu_threads(), groups, free_memory(), _gpus(settings.loading.device, manifest))


def told(tried: Sequence[TriedLayout]) -> str:
    """Return the outcome of a trial. Example: `2 workers of 4 threads: 31 s of sound a second, against 24 with 1`."""
    best, *others = tried
    if best.speed == 0:
        return "the first recordings cannot be heard, so nothing was measured; there is one worker"
    line = f"{_named(best.layout)}: {best.speed:.3g} s of sound a second"
    against = [f"{each.speed:.3g} with {each.layout.workers}" for each in others if each.speed > 0]
    return f"{line}, against {' and '.join(against)}" if against else line


def is_busy(look_s: float = LOOK_S, stat: Path = STAT) -> bool:
    """Return whether others compute so much now that a trial would measure them; False where the system does not say.

    The load average would count what has ended in the last minute, such as the batch before.
    """
    try:
        before = _processor_times(stat)
        time.sleep(look_s)
        idle, total = (now - then for now, then in zip(_processor_times(stat), before, strict=True))
    except (OSError, ValueError):
        return False
    return total > 0 and idle < (1 - BUSY) * total


def _processor_times(stat: Path) -> tuple[int, int]:
    """Return the ticks that the processors of the machine were idle, waits for disks included, and all their ticks."""
    with stat.open() as file:
        ticks = [int(field) for field in file.readline().split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def _named(layout: WorkerLayout) -> str:
    workers, threads = layout.workers, layout.threads
    return f"{workers} worker{'s' * (workers > 1)} of {threads} thread{'s' * (threads != 1)}"


def _gpus(device: str, manifest: Manifest) -> tuple[str, ...]:
    if device == "cpu" or (device == "auto" and not has_driver()):
        return ()
    library = "onnxruntime" if manifest.kind in WITH_LOGITS else "ctranslate2"
    return visible_gpus() if choose_device(device, library) != "cpu" else ()  # type: ignore[arg-type]


def _shares(settings: WorkerSettings, manifest: Manifest) -> bool:
    """Return whether all processes use the same pages of the file of weights: see `load` on `memory`.

    CTranslate2 reads weights into each process.
    """
    return manifest.kind in WITH_LOGITS and settings.loading.memory == "low"


def _key(settings: WorkerSettings, machine: MachineParts) -> str:
    from malsori import __version__

    from ...pipeline.trials.speed import host

    return key_of(settings, machine, host()["cpu"], __version__)
