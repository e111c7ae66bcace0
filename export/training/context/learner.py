"""What trains the pupil: its batches at windows drawn by chance, held-out clips at their shortest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import WhisperForConditionalGeneration

from export.training.clips import Clip
from export.training.context.matching import Matcher, collate
from export.training.context.settings import ContextOptions
from export.training.context.sound import draw, shortest
from export.training.learner import ClipTrainer, Lesson

FIGURES = ("loss", "hidden", "tokens", "same")  # of a `Match`, and of the evaluation that is their mean


class ContextLearner(ClipTrainer):
    """It draws one window for each batch, whose clips are of about one length: the encoder has no mask."""

    def __init__(
        self, pupil: WhisperForConditionalGeneration, matcher: Matcher, options: ContextOptions, lesson: Lesson
    ) -> None:
        self.matcher, self.options = matcher, options
        super().__init__(pupil, lesson, collate)
        # The loss is a mean; transformers then divides by the accumulated batches.
        self.model_accepts_loss_kwargs = False

    def compute_loss(self, model: nn.Module, inputs: dict[str, Tensor], *_: Any, **__: Any) -> Tensor:
        """Return how far the pupil is from the teacher at a window drawn from torch's generator, which is resumed."""
        least = shortest(inputs["audio"].shape[1], self.options)
        return self.matcher(model, **inputs, frames=draw(least, float(torch.rand(())))).loss

    def figures(self, dataloader: DataLoader[Any]) -> dict[str, float]:
        """Return the means of the matches, each clip at its own shortest window."""
        recordings = self.eval_dataset
        total = dict.fromkeys(FIGURES, 0.0)
        for frames, batch in _by_window(recordings.clips, self.options, self.args.per_device_eval_batch_size):
            inputs = self._prepare_inputs(collate([recordings[index] for index in batch]))
            match = self.matcher(self.model, **inputs, frames=frames)
            for name in FIGURES:
                total[name] += float(getattr(match, name).float().mean()) * len(batch)
        return {name: figure / len(recordings) for name, figure in total.items()}


def _by_window(clips: Sequence[Clip], options: ContextOptions, size: int) -> Iterator[tuple[int, list[int]]]:
    """Yield windows in frames with the clips, by number, that are heard in them, at most `size` together."""
    windows: dict[int, list[int]] = {}
    for index, clip in enumerate(clips):
        windows.setdefault(shortest(clip.samples, options), []).append(index)
    for frames, members in sorted(windows.items()):
        for start in range(0, len(members), size):
            yield frames, members[start : start + size]
