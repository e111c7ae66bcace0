"""What two finished bundles say of the held-out clips, at the short window and at 30 s, through CTranslate2 alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from export.log_mel import TorchLogMel
from export.training.clips import Clip
from export.training.context.settings import ContextOptions
from export.training.context.sound import LONGEST, in_window, shortest
from export.training.rates import rates
from export.whisper_checkpoint import Checkpoint
from malsori.engines.machine.cpus import cpu_threads


@dataclass(frozen=True, slots=True)
class Heard:
    """The tokens of each clip, without special ones, and their words."""

    tokens: list[list[int]]
    texts: list[str]

    def against(self, other: Heard) -> dict[str, float]:
        """Return the share of clips with the same tokens, and the CER of our words if theirs are right."""
        same = sum(map(list.__eq__, self.tokens, other.tokens)) / len(self.tokens)
        return {"same_tokens": round(same, 4), "cer": round(rates(other.texts, self.texts)["cer"], 4)}


class Hearing:
    """Transcribe the clips greedily, in the teacher's language for each, without timestamps."""

    def __init__(
        self, checkpoint: Checkpoint, mel: TorchLogMel, clips: Sequence[Clip], options: ContextOptions
    ) -> None:
        self._tokenizer, self._prompt = checkpoint.tokenizer, len(checkpoint.prompt())
        self._mel, self._clips, self._options = mel, clips, options

    def __call__(self, bundle: Path, *, full: bool) -> Heard:
        """Return what the bundle hears, at 30 s or at each clip's shortest window."""
        import ctranslate2

        model = ctranslate2.models.Whisper(str(bundle), device="cpu", intra_threads=cpu_threads())
        tokens = [
            self._hear(model, clip, LONGEST if full else shortest(clip.samples, self._options)) for clip in self._clips
        ]
        return Heard(tokens, [" ".join(self._tokenizer.decode(row).split()) for row in tokens])

    def _hear(self, model: Any, clip: Clip, frames: int) -> list[int]:
        import ctranslate2

        mel = self._mel(in_window(torch.from_numpy(clip.sound())[None], frames)).numpy()
        features = ctranslate2.StorageView.from_array(np.ascontiguousarray(mel))
        result = model.generate(features, [list(clip.ids[: self._prompt])], beam_size=1, max_length=448)[0]
        return [token for token in result.sequences_ids[0] if token < self._tokenizer.eos_token_id]


def compare(hearing: Hearing, before: Path, after: Path, clips: Sequence[Clip]) -> dict[str, Any]:
    """Return the figures of both bundles against what the one before hears at 30 s, and against texts if there are."""
    teacher = hearing(before, full=True)
    heard = {
        "short_before": hearing(before, full=False),
        "short_after": hearing(after, full=False),
        "full_after": hearing(after, full=True),
    }
    figures: dict[str, Any] = {"clips": len(clips)} | {name: one.against(teacher) for name, one in heard.items()}
    if all(clip.text for clip in clips):
        spoken = [clip.text for clip in clips]
        for name, one in ({"full_before": teacher} | heard).items():
            errors = {f"text_{rate}": round(rates(spoken, one.texts)[rate], 4) for rate in ("cer", "wer")}
            figures[name] = figures.get(name, {}) | errors
    return figures
