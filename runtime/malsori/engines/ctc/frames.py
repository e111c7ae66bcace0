"""Samples to frames: the arithmetic of a stack of unpadded convolutions, and the time of each frame.

wav2vec2's seven convolutions (kernels 10 3 3 3 3 2 2, strides 5 2 2 2 2 2 2) see 400 samples per frame and step 320,
so a second has 49 frames, not 50:

    frame 0   samples    0 ..  400, centre  200, owns  40 .. 360
    frame 1   samples  320 ..  720, centre  520, owns 360 .. 680
    ...
    frame 48  samples 15360 .. 15760
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from ...types import SAMPLE_RATE, Span


@dataclass(frozen=True, slots=True)
class Frames:
    """The convolutions of one model, first to last."""

    kernels: tuple[int, ...]
    strides: tuple[int, ...]

    def count(self, samples: int) -> int:
        """Return how many frames `samples` samples give; 0 below `receptive_field`."""
        for kernel, stride in zip(self.kernels, self.strides, strict=True):
            if samples < kernel:
                return 0
            samples = (samples - kernel) // stride + 1
        return samples

    @property
    def stride(self) -> int:
        """Samples from one frame to the next."""
        return prod(self.strides)

    @property
    def receptive_field(self) -> int:
        """Samples that one frame sees, and so the shortest clip that gives a frame."""
        field = 1
        for kernel, stride in zip(reversed(self.kernels), reversed(self.strides), strict=True):
            field = (field - 1) * stride + kernel
        return field

    def samples(self, start: int, stop: int) -> Span:
        """Return the samples that the frames `[start, stop)` see, `start < stop`."""
        return Span(start * self.stride, (stop - 1) * self.stride + self.receptive_field)

    def edge(self, frame: int) -> float:
        """Return the time in seconds at which `frame` begins.

        A frame owns the `stride` samples around the centre of what it sees, so neighbours meet without gap or overlap,
        and frames `[start, stop)` last from `edge(start)` to `edge(stop)`.
        """
        return (frame * self.stride + (self.receptive_field - self.stride) / 2) / SAMPLE_RATE
