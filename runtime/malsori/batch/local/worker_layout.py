"""How many worker processes there are, and which part of the machine each has."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..settings import WorkerSettings


@dataclass(frozen=True, slots=True)
class WorkerLayout:
    """`workers` processes of `threads` each (None: as the settings say).

    `cpus` are groups of cores, `gpus` the GPUs by their names for CUDA_VISIBLE_DEVICES; the processes take them in
    turn, and have all where there are none.
    """

    workers: int = 1
    threads: int | None = None
    cpus: tuple[tuple[int, ...], ...] = ()
    gpus: tuple[str, ...] = ()

    def cpus_of(self, seat: int) -> tuple[int, ...]:
        """Return the cores of a process, none for all."""
        return self.cpus[seat % len(self.cpus)] if self.cpus else ()

    def gpu_of(self, seat: int) -> str:
        """Return the GPU of a process, "" for all."""
        return self.gpus[seat % len(self.gpus)] if self.gpus else ""

    def settings(self, settings: WorkerSettings) -> WorkerSettings:
        """Return the settings of one of the processes."""
        if self.threads is None:
            return settings
        return replace(settings, loading=replace(settings.loading, threads=self.threads))


ONE_WORKER = WorkerLayout()
