"""The one file that knows all engines: from a bundle's manifest to the class that runs it."""

from __future__ import annotations

from pathlib import Path

from ..bundles.manifest import Manifest
from ..errors import ModelIncompatible
from .base import Engine


def load_engine(
    folder: Path,
    manifest: Manifest,
    *,
    device: str = "auto",
    compute_type: str = "default",
    threads: int | None = None,
) -> Engine:
    """Return the engine for a bundle; only the family asked for is imported.

    Raises:
        ModelIncompatible: for a kind that this version does not run, and what the engine itself refuses.
    """
    if manifest.kind == "wav2vec2-ctc":
        from .wav2vec2 import Wav2Vec2Engine

        return Wav2Vec2Engine(folder, manifest, device=device, compute_type=compute_type, threads=threads)
    if manifest.kind == "whisper":
        from .whisper import WhisperEngine

        return WhisperEngine(folder, manifest, device=device, compute_type=compute_type, threads=threads)
    raise ModelIncompatible(str(folder), f"kind {manifest.kind!r} is not one that this version runs")
