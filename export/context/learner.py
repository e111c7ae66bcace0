"""The training itself: the pupil's batches at windows drawn by chance, held-out clips at their shortest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import TrainingArguments, WhisperForConditionalGeneration
from transformers.trainer_callback import PrinterCallback, TrainerCallback
from transformers.trainer_utils import EvalLoopOutput

from export.context.curve import FIGURES
from export.context.matching import Matcher, collate
from export.context.settings import ContextOptions
from export.context.sound import draw, shortest
from export.finetune.batches import Recordings
from export.finetune.clips import Clip
from export.finetune.learner import ClipTrainer


class ContextLearner(ClipTrainer):
    """It draws one window for each batch, whose clips are of about one length: the encoder has no mask."""

    def __init__(
        self,
        pupil: WhisperForConditionalGeneration,
        matcher: Matcher,
        options: ContextOptions,
        clips: Sequence[Clip],
        held_out: Sequence[Clip],
        arguments: TrainingArguments,
        callbacks: Sequence[TrainerCallback],
    ) -> None:
        self.matcher, self.options = matcher, options
        super().__init__(
            model=pupil,
            args=arguments,
            data_collator=collate,
            train_dataset=Recordings(clips, normalized=False),
            eval_dataset=Recordings(held_out, normalized=False),
            callbacks=list(callbacks),
        )
        self.model_accepts_loss_kwargs = (
            False  # the loss is a mean; transformers then divides by the accumulated batches
        )
        self.remove_callback(PrinterCallback)

    def compute_loss(self, model: nn.Module, inputs: dict[str, Tensor], *_: Any, **__: Any) -> Tensor:
        """Return how far the pupil is from the teacher at a window drawn from torch's generator, which is resumed."""
        least = shortest(inputs["audio"].shape[1], self.options)
        return self.matcher(model, **inputs, frames=draw(least, float(torch.rand(())))).loss

    def evaluation_loop(self, *_: Any, **__: Any) -> EvalLoopOutput:
        """Return the held-out clips' figures, each clip at its own shortest window."""
        recordings: Recordings = self.eval_dataset
        total = dict.fromkeys(FIGURES, 0.0)
        self.model.eval()
        for frames, batch in _by_window(recordings.clips, self.options, self.args.per_device_eval_batch_size):
            inputs = self._prepare_inputs(collate([recordings[index] for index in batch]))
            with torch.no_grad():
                match = self.matcher(self.model, **inputs, frames=frames)
            for name in FIGURES:
                total[name] += float(getattr(match, name).float().mean()) * len(batch)
        metrics = {f"eval_{name}": figure / len(recordings) for name, figure in total.items()}
        return EvalLoopOutput(predictions=None, label_ids=None, metrics=metrics, num_samples=len(recordings))


def _by_window(clips: Sequence[Clip], options: ContextOptions, size: int) -> Iterator[tuple[int, list[int]]]:
    """Yield windows in frames with the clips, by number, that are heard in them, at most `size` together."""
    windows: dict[int, list[int]] = {}
    for index, clip in enumerate(clips):
        windows.setdefault(shortest(clip.samples, options), []).append(index)
    for frames, members in sorted(windows.items()):
        for start in range(0, len(members), size):
            yield frames, members[start : start + size]
