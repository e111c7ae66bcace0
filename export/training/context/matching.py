"""How far the pupil at a short window is from the teacher at 30 s: states of the encoder, distributions of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import WhisperForConditionalGeneration

from export.log_mel import TorchLogMel
from export.training.context.listening import padded
from export.training.context.model import Teacher, autocast, decode, encode
from export.training.context.settings import ContextOptions
from export.training.context.sound import LONGEST, in_window

NOTHING = -1  # behind the end of a row


@dataclass(frozen=True, slots=True)
class Match:
    """One batch's figures: the loss and its two parts, all means, and for each clip whether its tokens are the same."""

    loss: Tensor
    hidden: Tensor
    tokens: Tensor
    same: Tensor


class Matcher:
    """Hold a pupil against its teacher; `prompt` is the number of tokens before the text."""

    def __init__(
        self, teacher: Teacher, mel: TorchLogMel, prompt: int, options: ContextOptions, device: str, precision: str
    ) -> None:
        self._teacher, self._mel, self._prompt = teacher, mel, prompt
        self._options, self._device, self._precision = options, device, precision

    def __call__(self, pupil: WhisperForConditionalGeneration, audio: Tensor, ids: Tensor, frames: int) -> Match:
        """Compare at a window of so many frames; `audio` float32 `(batch, samples)`, `ids` int64 `(batch, tokens)`."""
        full, short = (self._mel(in_window(audio, each)) for each in (LONGEST, frames))
        tokens = ids[:, :-1].clamp(min=0)
        with autocast(self._device, self._precision):
            theirs = self._teacher.states(full)
            ours = encode(pupil.model.encoder, short)
            expected = self._teacher.logits(tokens, theirs)[:, self._prompt - 1 :]
            found = decode(pupil.model.decoder, tokens, ours)[:, self._prompt - 1 :]
        hidden = relative_error(ours.float(), theirs[:, :frames].float())
        scored = ids[:, self._prompt :] != NOTHING
        divergence = kl(found, expected)[scored].mean()
        # Fed with the teacher's tokens, whoever prefers each of them would have said them all, and nothing else.
        same = ((found.argmax(-1) == ids[:, self._prompt :]) | ~scored).all(-1)
        loss = self._options.hidden_weight * hidden + self._options.token_weight * divergence
        return Match(loss, hidden, divergence, same)


def relative_error(ours: Tensor, theirs: Tensor) -> Tensor:
    """Return the squared difference as a share of the teacher's square, so that models of any scale compare."""
    return F.mse_loss(ours, theirs) / theirs.square().mean()


def kl(ours: Tensor, theirs: Tensor) -> Tensor:
    """Return the divergence of two distributions given as logits, over the last axis, in nats."""
    ours, theirs = ours.log_softmax(-1), theirs.log_softmax(-1)
    return (theirs.exp() * (theirs - ours)).sum(-1)


def collate(items: Sequence[tuple[np.ndarray, tuple[int, ...]]]) -> dict[str, Tensor]:
    """Return `audio`, padded with silence, and `ids`, padded with `NOTHING`."""
    sounds, rows = zip(*items, strict=True)
    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[NOTHING] * (width - len(row))] for row in rows])
    return {"audio": padded(sounds), "ids": ids}
