"""Windows of sound as Whisper's encoder takes them, of any length; how long the shortest one is, the runtime says."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from export.training.context.settings import ContextOptions
from malsori.engines.whisper.features import HOP, STRIDE, WINDOW
from malsori.types import SAMPLE_RATE

FRAMES = SAMPLE_RATE // STRIDE  # of the encoder, per second: 50
LONGEST = WINDOW * HOP // STRIDE  # frames of the full window: 1500


def in_window(audio: Tensor, frames: int) -> Tensor:
    """Return `(batch, samples)` with silence behind it, or cut, to so many frames of the encoder."""
    return F.pad(audio, (0, frames * STRIDE - audio.shape[1]))


def shortest(samples: int, options: ContextOptions) -> int:
    """Return the frames of the shortest window for a clip, as the runtime takes it."""
    return options.short.window(samples) * HOP // STRIDE


def draw(shortest: int, chance: float) -> int:
    """Return the frames of a window between the shortest and the full one, for a `chance` from 0 to 1.

    Squared, so that half of the windows lie in the shortest quarter: there is most to learn there, at the least cost.
    """
    return shortest + round((LONGEST - shortest) * chance**2)
