"""What trains a CTC model: its batches, its evaluation by greedy decoding, and the parts of it that thaw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from export.training.ctc.model import Learned, set_learning
from export.training.ctc.settings import ModelOptions
from export.training.learner import ClipTrainer, Lesson
from export.training.rates import rates
from malsori.engines.ctc.decoder import greedy
from malsori.engines.ctc.words import words_of

IGNORED = -100  # the label that transformers leaves out of the loss


class CtcLearner(ClipTrainer):
    """It scores held-out clips by the error rates of greedy decoding, as the runtime does it."""

    def __init__(self, learned: Learned, lesson: Lesson) -> None:
        self.vocabulary, self.frames = learned.vocabulary, learned.frames
        normalized = bool(learned.extractor.do_normalize)
        super().__init__(learned.model, lesson, Collate(learned.masked), normalized=normalized)

    def figures(self, dataloader: DataLoader[Any]) -> dict[str, float]:
        """Return the loss and the error rates."""
        clips = self.eval_dataset.clips
        heard: list[str] = []
        loss = 0.0
        for batch in dataloader:
            batch = self._prepare_inputs(batch)
            output = self.model(**batch)
            of_batch = clips[len(heard) : len(heard) + len(batch["labels"])]
            loss += output.loss.item() * len(of_batch)
            logits = output.logits.float().cpu().numpy()
            heard += [
                self._words(row[: self.frames.count(clip.samples)]) for row, clip in zip(logits, of_batch, strict=True)
            ]
        return rates([clip.text for clip in clips], heard) | {"loss": loss / len(clips)}

    def _words(self, logits: Any) -> str:
        words = words_of(greedy(logits, self.vocabulary.blank), self.vocabulary)
        return " ".join(word.text for word in words)


class Thaw(TrainerCallback):
    """Let each part of the model learn from its own step on; a function of the step, so that a resumed run agrees."""

    def __init__(self, options: ModelOptions) -> None:
        self._options = options

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **parts: Any
    ) -> None:
        """Set what learns in this step."""
        set_learning(parts["model"], self._options, state.global_step)


@dataclass(frozen=True, slots=True)
class Collate:
    """Pad with zeros to the longest clip; a mask only for models that take one (see `shape_of` in `export/graph/`)."""

    masked: bool

    def __call__(self, items: Sequence[tuple[NDArray[np.float32], tuple[int, ...]]]) -> dict[str, Any]:
        """Return `input_values` float32 `(batch, samples)`, `labels` and perhaps `attention_mask`, int64."""
        sounds, labels = zip(*items, strict=True)
        longest = max(map(len, sounds))
        words = max(1, *map(len, labels))  # one column at least: transformers asks for its max
        batch = {
            "input_values": np.stack([np.pad(sound, (0, longest - len(sound))) for sound in sounds]),
            "labels": np.stack([np.pad(ids, (0, words - len(ids)), constant_values=IGNORED) for ids in labels]),
        }
        batch["labels"] = batch["labels"].astype(np.int64)
        if self.masked:
            batch["attention_mask"] = np.stack([np.arange(longest) < len(sound) for sound in sounds]).astype(np.int64)
        return {name: torch.from_numpy(values) for name, values in batch.items()}
