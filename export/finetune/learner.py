"""The training itself: transformers' Trainer with our batches, our scoring and our checkpoints' rules."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_utils import EvalLoopOutput

from export.common import ExportRefused
from export.finetune.batches import ByLength, Collate, Recordings
from export.finetune.clips import Clip
from export.finetune.model import Learned
from export.finetune.settings import Precision, TrainingOptions
from export.finetune.texts import rates
from malsori.engines.ctc.decoder import greedy
from malsori.engines.ctc.frames import Frames
from malsori.engines.ctc.words import words_of

STATE = "trainer_state.json"  # what transformers writes last into a checkpoint
EVALUATION_BATCH = 8
LOGS_PER_EVALUATION = 10


class ClipTrainer(Trainer):
    """A Trainer that takes clips in batches by length, and removes checkpoints by their number."""

    def _get_train_sampler(self, train_dataset: Any = None) -> ByLength:
        lengths = [clip.samples for clip in self.train_dataset.clips]
        return ByLength(lengths, self.args.per_device_train_batch_size, self.args.seed)

    def _rotate_checkpoints(self, use_mtime: bool = False, output_dir: str | None = None) -> None:
        super()._rotate_checkpoints(use_mtime=False, output_dir=output_dir)  # by number: clocks are too coarse for age


class Learner(ClipTrainer):
    """It scores held-out clips by the error rates of greedy decoding, as the runtime does it."""

    def __init__(
        self,
        learned: Learned,
        train: Sequence[Clip],
        held_out: Sequence[Clip],
        arguments: TrainingArguments,
        callbacks: Sequence[TrainerCallback],
    ) -> None:
        normalized = bool(learned.extractor.do_normalize)
        self.vocabulary = learned.vocabulary
        self.frames: Frames = learned.frames
        super().__init__(
            model=learned.model,
            args=arguments,
            data_collator=Collate(learned.masked),
            train_dataset=Recordings(train, normalized=normalized),
            eval_dataset=Recordings(held_out, normalized=normalized),
            callbacks=list(callbacks),
        )
        self.remove_callback(PrinterCallback)

    def evaluation_loop(self, dataloader: DataLoader[Any], *_: Any, **__: Any) -> EvalLoopOutput:
        """Return `eval_loss`, `eval_cer`, `eval_wer` and `eval_exact` of the held-out clips, which come in order."""
        clips = self.eval_dataset.clips
        self.model.eval()
        heard: list[str] = []
        loss = 0.0
        for batch in dataloader:
            batch = self._prepare_inputs(batch)
            with torch.no_grad():
                output = self.model(**batch)
            of_batch = clips[len(heard) : len(heard) + len(batch["labels"])]
            loss += output.loss.item() * len(of_batch)
            logits = output.logits.float().cpu().numpy()
            heard += [
                self._words(row[: self.frames.count(clip.samples)]) for row, clip in zip(logits, of_batch, strict=True)
            ]
        figures = rates([clip.text for clip in clips], heard) | {"loss": loss / len(clips)}
        metrics = {f"eval_{name}": figure for name, figure in figures.items()}
        return EvalLoopOutput(predictions=None, label_ids=None, metrics=metrics, num_samples=len(clips))

    def _words(self, logits: Any) -> str:
        words = words_of(greedy(logits, self.vocabulary.blank), self.vocabulary)
        return " ".join(word.text for word in words)


def arguments(
    work: Path,
    options: TrainingOptions,
    clips: int,
    *,
    masked: bool,
    begun: bool,
    metric: str = "cer",
    schedule: str = "linear",
) -> TrainingArguments:
    """Return transformers' settings of a run over `clips` clips; `metric` is what the best checkpoint has least of.

    A model without mask is scored one clip at a time: the padding of a batch would count as sound.
    """
    device = choose_device(options.device)
    precision = choose_precision(options.precision, device)
    steps = total_steps(options, clips)
    return TrainingArguments(
        output_dir=str(work),
        max_steps=steps,
        per_device_train_batch_size=options.batch_size,
        per_device_eval_batch_size=EVALUATION_BATCH if masked else 1,
        gradient_accumulation_steps=options.accumulate,
        learning_rate=options.learning_rate,
        lr_scheduler_type=schedule,
        warmup_steps=round(options.warmup * steps),
        weight_decay=options.weight_decay,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=device == "cpu",
        dataloader_pin_memory=device == "cuda",
        dataloader_num_workers=options.workers,
        eval_strategy="steps",
        eval_steps=options.evaluate_every,
        eval_on_start=not begun,
        save_strategy="steps",
        save_steps=options.evaluate_every,
        save_total_limit=2,  # the best and the last
        metric_for_best_model=metric,
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


def checkpoints(work: Path) -> list[Path]:
    """Return the complete checkpoints of a work folder, the oldest first; a run killed while saving leaves another."""
    found = sorted(work.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    return [path for path in found if state_of(path)]


def state_of(checkpoint: Path) -> dict[str, Any]:
    """Return the trainer's state as a checkpoint has it, empty when the checkpoint is not complete."""
    try:
        return dict(json.loads((checkpoint / STATE).read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def forget(work: Path, *, but: Sequence[Path] = ()) -> None:
    """Remove the checkpoints of a work folder, except those named."""
    for path in set(work.glob("checkpoint-*")) - set(but):
        shutil.rmtree(path)
