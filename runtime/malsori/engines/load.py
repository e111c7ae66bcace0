"""From a bundle's manifest to the engine that runs it. Which families there are is in `bundles/families.py`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast, get_args

from ..bundles.families import FAMILIES
from ..bundles.manifest import MANIFEST, Manifest
from ..errors import ModelIncompatible, OptionError
from .base import DecodeOptions, Engine, Memory
from .machine.cpus import cpu_threads
from .machine.devices import DEVICES
from .whisper.model_files import TYPES

THREADS_PER_CORE = 4  # engines start what they are told: 1000 threads on two cores never finish
ALWAYS_ALLOWED = 16  # threads, however few the cores
WITH_LOGITS = tuple(kind for kind, family in FAMILIES.items() if family.logits)
COMPUTE_TYPES = ("default", "auto", *TYPES, "int4")  # the last of wav2vec2 bundles


class EngineClass(Protocol):
    """What the class of a family answers before there is an engine, and how it makes one (`base.Engine`)."""

    def __call__(self, folder: Path, manifest: Manifest, **settings: Any) -> Engine:
        """Load a bundle; `settings` are those of `load_engine`. Raises `OptionError` for one that cannot be."""
        ...

    def files(self, folder: Path, manifest: Manifest) -> tuple[str, ...]:
        """Return the files that the manifest must list: those it cannot be without, and those that would be read."""
        ...

    def check_options(self, manifest: Manifest, options: DecodeOptions) -> None:
        """Raise `OptionError` for what a model does not have, as far as its manifest tells."""
        ...


def load_engine(
    folder: Path,
    manifest: Manifest,
    *,
    device: str = "auto",
    compute_type: str = "default",
    threads: int | None = None,
    workers: int = 1,
    memory: Memory = "normal",
) -> Engine:
    """Return the engine for a bundle; only the family asked for is imported.

    Raises:
        ModelIncompatible: for a kind that this version does not run, a file that the manifest does not list (so that
            nothing vouches for it), and what the engine itself refuses.
        OptionError: for a number of threads out of bounds (0 and None leave it to the engine), for more workers than
            cores, for workers where a family has no choice of them, and as the engine does.
    """
    check_loading(device=device, compute_type=compute_type, threads=threads, workers=workers, memory=memory)
    made_by = engine_class(manifest, str(folder))
    for name in made_by.files(folder, manifest):
        if name not in manifest.files:
            raise ModelIncompatible(str(folder / MANIFEST), f"lists no file {name!r}, which this model needs")
    return made_by(
        folder, manifest, device=device, compute_type=compute_type, threads=threads, workers=workers, memory=memory
    )


def engine_class(manifest: Manifest, path: str = MANIFEST) -> EngineClass:
    """Import and return the class that runs a model. Raises `ModelIncompatible` for a kind that this version lacks."""
    if manifest.kind not in FAMILIES:
        raise ModelIncompatible(path, f"kind {manifest.kind!r} is not one that this version runs")
    module, _, name = FAMILIES[manifest.kind].engine.partition(":")
    return cast(EngineClass, getattr(import_module(module), name))


def check_options(manifest: Manifest, options: DecodeOptions) -> None:
    """Raise `OptionError` for what a model does not have, as far as its manifest tells: before it is loaded."""
    engine_class(manifest).check_options(manifest, options)


def check_loading(*, device: object, compute_type: object, threads: object, workers: object, memory: object) -> None:
    """Raise `OptionError` for what no model can be loaded with, before one is looked for."""
    most, cores = max(ALWAYS_ALLOWED, THREADS_PER_CORE * cpu_threads()), max(1, cpu_threads())
    if not _counts(threads, 0, most) and threads is not None:
        raise OptionError(f"threads: expected 0 to {most}, found {threads!r}")
    if not _counts(workers, 1, cores):
        raise OptionError(f"workers: expected 1 to {cores}, the cores there are, found {workers!r}")
    if memory not in get_args(Memory):
        raise OptionError(f"memory: expected {' or '.join(get_args(Memory))}, found {memory!r}")
    if device not in DEVICES:
        raise OptionError(f"device: expected {', '.join(DEVICES)}, found {device!r}")
    if compute_type not in COMPUTE_TYPES:
        raise OptionError(f"compute_type: expected {', '.join(COMPUTE_TYPES)}, found {compute_type!r}")


def _counts(value: object, least: int, most: int) -> bool:
    """Return whether it is a whole number between two."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
