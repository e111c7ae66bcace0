"""The one file that knows all engines: from a bundle's manifest to the class that runs it."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from ..bundles.manifest import MANIFEST, Manifest
from ..errors import ModelIncompatible, OptionError
from .base import DecodeOptions, Engine, Memory
from .ctc.asked import check_options as ctc_options
from .machine.cpus import cpu_threads
from .whisper.asked import check_options as whisper_options
from .whisper.model_files import TYPES

THREADS_PER_CORE = 4  # engines start what they are told: 1000 threads on two cores never finish
ALWAYS_ALLOWED = 16  # threads, however few the cores
DEVICES = ("auto", "cpu", "cuda", "tensorrt")
WITH_LOGITS = ("wav2vec2-ctc",)  # kinds whose engines are `HasLogits`
COMPUTE_TYPES = ("default", "auto", *TYPES, "int4")  # the last of wav2vec2 bundles


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


def check_options(manifest: Manifest, options: DecodeOptions) -> None:
    """Raise `OptionError` for what a model does not have, as far as its manifest tells: before it is loaded."""
    if manifest.kind == "wav2vec2-ctc":
        ctc_options(manifest, options)
    if manifest.kind == "whisper":
        whisper_options(manifest, options)


def _counts(value: object, least: int, most: int) -> bool:
    """Whether it is a whole number between two."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


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
    if manifest.kind == "wav2vec2-ctc":
        from .wav2vec2.engine import Wav2Vec2Engine, files

        if workers > 1:
            raise OptionError(f"{manifest.name} has no workers; its calls run at the same time anyhow")
        _check_listed(folder, manifest, files(manifest))
        return Wav2Vec2Engine(
            folder, manifest, device=device, compute_type=compute_type, threads=threads, memory=memory
        )
    if manifest.kind == "whisper":
        from .whisper.engine import WhisperEngine
        from .whisper.model_files import needed

        _check_listed(folder, manifest, needed(folder, manifest))
        return WhisperEngine(
            folder,
            manifest,
            device=device,
            compute_type=compute_type,
            threads=threads,
            workers=workers,
            memory=memory,
        )
    raise ModelIncompatible(str(folder), f"kind {manifest.kind!r} is not one that this version runs")


def _check_listed(folder: Path, manifest: Manifest, names: tuple[str, ...]) -> None:
    for name in names:
        if name not in manifest.files:
            raise ModelIncompatible(str(folder / MANIFEST), f"lists no file {name!r}, which this model needs")
