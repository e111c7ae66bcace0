"""The training itself: transformers' Trainer with our batches, our scoring and our checkpoints' rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_utils import EvalLoopOutput

from export.common import ExportRefused
from export.training.batches import ByLength, Recordings
from export.training.clips import Clip
from export.training.settings import Precision


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a trainer gets besides its model."""

    clips: Sequence[Clip]
    held_out: Sequence[Clip]
    arguments: TrainingArguments
    callbacks: Sequence[TrainerCallback]


class ClipTrainer(Trainer):
    """A Trainer that takes clips in batches by length, and removes checkpoints by their number."""

    def __init__(
        self, model: nn.Module, lesson: Lesson, collate: Callable[..., dict[str, Any]], *, normalized: bool = False
    ) -> None:
        super().__init__(
            model=model,
            args=lesson.arguments,
            data_collator=collate,
            train_dataset=Recordings(lesson.clips, normalized=normalized),
            eval_dataset=Recordings(lesson.held_out, normalized=normalized),
            callbacks=list(lesson.callbacks),
        )
        self.remove_callback(PrinterCallback)

    def figures(self, dataloader: DataLoader[Any]) -> dict[str, float]:
        """Return the figures of an `Evaluation`, by name; the batches are the held-out clips in their order."""
        raise NotImplementedError

    def evaluation_loop(self, dataloader: DataLoader[Any], *_: Any, **__: Any) -> EvalLoopOutput:
        """Return the figures of the held-out clips as transformers names them."""
        self.model.eval()
        with torch.no_grad():
            metrics = {f"eval_{name}": figure for name, figure in self.figures(dataloader).items()}
        return EvalLoopOutput(None, None, metrics, len(self.eval_dataset))

    def _get_train_sampler(self, train_dataset: Any = None) -> ByLength:
        lengths = [clip.samples for clip in self.train_dataset.clips]
        return ByLength(lengths, self.args.per_device_train_batch_size, self.args.seed)

    def _rotate_checkpoints(self, use_mtime: bool = False, output_dir: str | None = None) -> None:
        super()._rotate_checkpoints(use_mtime=False, output_dir=output_dir)  # by number: clocks are too coarse for age


def choose_device(asked: str) -> str:
    """Return `cuda` or `cpu`. Raises `ExportRefused` for a GPU that is not there."""
    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise ExportRefused("--device cuda: PyTorch sees no GPU here; --device cpu trains without one")
    return "cuda" if there and asked != "cpu" else "cpu"


def choose_precision(asked: Precision, device: str) -> str:
    """Return fp32 on a CPU, and on a GPU bf16 where it has it, else fp16; or what was asked for.

    Raises `ExportRefused` for what the device has not.
    """
    bf16 = device == "cpu" or torch.cuda.is_bf16_supported(including_emulation=False)
    if asked == "fp16" and device == "cpu":
        raise ExportRefused("--precision fp16 needs a GPU; --precision bf16 or fp32")
    if asked == "bf16" and not bf16:
        raise ExportRefused("--precision bf16: this GPU has none; --precision fp16 or fp32")
    if asked != "auto":
        return asked
    if device == "cpu":
        return "fp32"
    return "bf16" if bf16 else "fp16"
