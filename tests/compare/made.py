"""Comparisons made by hand, without a model. No tests here."""

from __future__ import annotations

from collections.abc import Sequence

from malsori.compare import ComparedModel, ComparedRecording, ModelComparison, ModelOutcome
from malsori.compare.model_task import HeardRecording

HOST = {"cpu": "A processor", "threads": 2}


def outcome(
    label: str,
    *texts: str,
    seconds: float = 1.0,
    peak: int | None = 200_000_000,
    trouble: str = "",
    kind: str = "whisper",
) -> ModelOutcome:
    """Return a model that heard these texts in recordings of 10 s, each in some seconds."""
    heard = [HeardRecording(number, text, "en", 10.0, (seconds,)) for number, text in enumerate(texts)]
    return ModelOutcome(
        label,
        ComparedModel(label, "default", label),
        kind=kind,
        size=80_000_000,
        quantization="int8",
        device="cpu",
        load_s=0.5,
        peak=peak,
        latency_s=seconds,
        heard=tuple(heard),
        trouble=trouble,
    )


def comparison(said: Sequence[str | None], *models: ModelOutcome, runs: int = 1) -> ModelComparison:
    """Return the comparison of models on recordings of 10 s in which that was said."""
    recordings = [ComparedRecording(f"clip{n}.wav", f"clip{n}.wav", text, 10.0) for n, text in enumerate(said)]
    return ModelComparison(tuple(recordings), models, runs, HOST)
