"""Any sample rate to 16 kHz, in blocks, with soxr."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..types import SAMPLE_RATE, Audio


class Resampler:
    """Resamples mono float32 from `rate` Hz to 16 kHz; any cut of the input gives the same output."""

    def __init__(self, rate: int) -> None:
        import soxr

        self._stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32") if rate != SAMPLE_RATE else None

    def push(self, block: Audio) -> Audio:
        """Return the samples completed at 16 kHz; the filter holds some milliseconds back."""
        return self._run(block, last=False)

    def flush(self) -> Audio:
        """Return the samples that the filter held back, and start over."""
        rest = self._run(np.zeros(0, np.float32), last=True)
        if self._stream is not None:
            self._stream.clear()
        return rest

    def _run(self, block: Audio, last: bool) -> Audio:
        if self._stream is None:
            return block
        resampled: Audio = self._stream.resample_chunk(block, last=last)
        return np.clip(resampled, -1.0, 1.0)  # the filter rings beyond full scale at hard edges


def resample(blocks: Iterator[Audio], rate: int) -> Iterator[Audio]:
    """Yield the blocks at 16 kHz; no block is empty."""
    resampler = Resampler(rate)
    for block in blocks:
        resampled = resampler.push(block)
        if len(resampled):
            yield resampled
    rest = resampler.flush()
    if len(rest):
        yield rest
