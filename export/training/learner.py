"""The training itself: transformers' Trainer with our batches, our scoring and our checkpoints' rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_utils import EvalLoopOutput

from export.common import ExportRefused
from export.training.batches import ByLength, Recordings
from export.training.clips import Clip
from export.training.settings import Precision, TrainingOptions

if TYPE_CHECKING:
    from export.training.subject import Subject

LOGS_PER_EVALUATION = 10


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


def arguments(subject: Subject, clips: int, *, begun: bool) -> TrainingArguments:
    """Return transformers' settings of a run over so many clips; one that has begun is not evaluated at its start."""
    options = subject.settings.training
    steps = total_steps(options, clips)
    return TrainingArguments(
        output_dir=str(subject.settings.work),
        max_steps=steps,
        per_device_train_batch_size=options.batch_size,
        per_device_eval_batch_size=subject.judged_together,
        gradient_accumulation_steps=options.accumulate,
        learning_rate=options.learning_rate,
        lr_scheduler_type=subject.schedule,
        warmup_steps=round(options.warmup * steps),
        weight_decay=options.weight_decay,
        bf16=subject.precision == "bf16",
        fp16=subject.precision == "fp16",
        use_cpu=subject.device == "cpu",
        dataloader_pin_memory=subject.device == "cuda",
        dataloader_num_workers=options.workers,
        eval_strategy="steps",
        eval_steps=options.evaluate_every,
        eval_on_start=not begun,
        save_strategy="steps",
        save_steps=options.evaluate_every,
        save_total_limit=2,  # the best and the last
        metric_for_best_model=subject.evaluation.metric,
        greater_is_better=False,
        logging_steps=max(1, options.evaluate_every // LOGS_PER_EVALUATION),
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        seed=options.seed,
        report_to="none",
        disable_tqdm=True,
    )


def total_steps(options: TrainingOptions, clips: int) -> int:
    """Return the weight updates of a run: those asked for, or what the epochs come to."""
    batches = math.ceil(clips / options.batch_size)
    return options.steps or max(1, math.ceil(options.epochs * math.ceil(batches / options.accumulate)))


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
