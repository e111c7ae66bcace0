"""Windows of sound as Whisper's encoder takes them, of any length: silence in the waveform first, then log-mel."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from export.context.settings import FULL, ContextOptions
from malsori.types import SAMPLE_RATE

HOP = 160  # samples per mel frame
STRIDE = 2 * HOP  # samples per frame of the encoder: 320
FRAMES = SAMPLE_RATE // STRIDE  # of the encoder, per second: 50
LONGEST = int(FULL) * FRAMES  # frames of the full window: 1500
TRANSFORM = 400  # samples of the Fourier transform


class LogMel(nn.Module):
    """Whisper's own features, on whatever device the sound is; `filters` are those of its extractor, `(201, mels)`."""

    def __init__(self, filters: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("filters", torch.from_numpy(filters).float().T.contiguous())
        self.register_buffer("taper", torch.hann_window(TRANSFORM))

    def forward(self, audio: Tensor) -> Tensor:
        """Turn float32 `(batch, samples)` into `(batch, mels, samples / 160)`."""
        spectrum = torch.stft(audio, TRANSFORM, HOP, window=self.taper, return_complex=True)[..., :-1]
        mel = self.filters @ (spectrum.real.square() + spectrum.imag.square())
        logs = mel.clamp(min=1e-10).log10()
        return (torch.maximum(logs, logs.amax((1, 2), keepdim=True) - 8) + 4) / 4


def in_window(audio: Tensor, frames: int) -> Tensor:
    """Return `(batch, samples)` with silence behind it, or cut, to so many frames of the encoder."""
    return F.pad(audio, (0, frames * STRIDE - audio.shape[1]))


def shortest(samples: int, options: ContextOptions) -> int:
    """Return the frames of the shortest window for a clip: whole seconds, as the runtime takes them."""
    seconds = max(options.floor, samples / SAMPLE_RATE + options.margin)
    return min(LONGEST, math.ceil(seconds) * FRAMES)


def draw(shortest: int, chance: float) -> int:
    """Return the frames of a window between the shortest and the full one, for a `chance` from 0 to 1.

    Squared, so that half of the windows lie in the shortest quarter: there is most to learn there, at the least cost.
    """
    return shortest + round((LONGEST - shortest) * chance**2)
