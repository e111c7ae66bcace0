"""Frames as stored to mono samples at 16 kHz.

Not-finite samples become silence, loud ones are clipped, channels are mixed; soxr changes the rate, in blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..types import SAMPLE_RATE, Audio
from .pieces import Frames

_CANCELLED = 0.01  # -20 dB: a mix with less energy than this part of its loudest channel has lost the speech
_FULL, _THREE_DB, _SIX_DB = 1.0, 0.7071, 0.5
_WEIGHTS = {  # ITU-R BS.775 to stereo and then to mono, as parts of the centre's weight
    "FC": _FULL,
    **dict.fromkeys(("FL", "FR", "FLC", "FRC", "DL", "DR", "WL", "WR"), _THREE_DB),
    **dict.fromkeys(("BL", "BR", "BC", "SL", "SR", "SDL", "SDR", "TC"), _SIX_DB),
    **dict.fromkeys(("TFL", "TFC", "TFR", "TBL", "TBC", "TBR", "TSL", "TSR", "BFC", "BFL", "BFR"), _SIX_DB),
    **dict.fromkeys(("LFE", "LFE2"), 0.0),  # the low-frequency effects, which a down-mix leaves out
}


def weights_of(layout: tuple[str, ...]) -> Audio | None:
    """Return the weight of each channel in a mix that cannot clip, shape `(channels,)`; None for the mean.

    Example: ("FL", "FR", "FC", "LFE") gives 0.29, 0.29, 0.41, 0.
    """
    if len(layout) < 2 or any(channel not in _WEIGHTS for channel in layout):
        return None
    weights = np.array([_WEIGHTS[channel] for channel in layout], np.float32)
    total = float(weights.sum())
    return weights / np.float32(total) if total and np.ptp(weights) else None


def _weighted(block: Frames, weights: Audio | None) -> Audio:
    """Add the channels up one by one: unlike a mean or a product, that is the same for any cut of a sound, and fast."""
    if weights is None:
        weights = np.full(block.shape[1], 1 / block.shape[1], np.float32)
    mono: Audio = block[:, 0] * weights[0]
    for channel in range(1, block.shape[1]):
        if weights[channel]:
            mono += block[:, channel] * weights[channel]
    return mono


@dataclass(slots=True)
class Mixer:
    """Mixes blocks to mono, each on its own, and counts the samples that it mends. One per recording."""

    lossy: bool = False
    samples: int = 0
    not_finite: int = 0
    clipped: int = 0
    peak: float = 0.0
    cancelled: bool = False

    def mixed(self, blocks: Iterator[Frames], weights: Audio | None = None) -> Iterator[Audio]:
        """Yield each block in mono: the mean of its channels, or their sum with these `weights`."""
        for block in blocks:
            yield self._to_mono(self._mended(block), weights)

    def apart(self, blocks: Iterator[Frames]) -> Iterator[Frames]:
        """Yield each block with all of its channels, mended."""
        yield from map(self._mended, blocks)

    @property
    def all_bad(self) -> bool:
        """Whether there were samples and none was a finite number."""
        return 0 < self.samples == self.not_finite

    def warnings(self) -> tuple[str, ...]:
        """Return a line for each kind of fault that was mended."""
        return tuple(self.mended().values())

    def mended(self) -> dict[str, str]:
        """Return, by kind of fault, a line that says how much was mended so far."""
        lines = {}
        if self.not_finite:
            lines["not finite"] = f"{self.not_finite} samples that were not finite numbers became silence"
        if self.clipped:
            lines["clipped"] = f"{self.clipped} samples beyond full scale were clipped (peak {self.peak:g})"
        if self.cancelled:
            lines["cancelled"] = "the channels cancel each other out; the loudest one was used where they do"
        return lines

    def _mended(self, block: Frames) -> Frames:
        self.samples += block.size
        peak = float(np.abs(block).max(initial=0.0))  # NaN when there is one
        if peak <= 1.0:
            return block
        finite = np.isfinite(block)
        self.not_finite += block.size - int(finite.sum())
        block = np.where(finite, block, np.float32(0))
        beyond = np.abs(block) > 1.0
        if not self.lossy and beyond.any():
            self.clipped += int(beyond.sum())
            self.peak = max(self.peak, float(np.abs(block).max()))
        return np.clip(block, -1.0, 1.0)

    def _to_mono(self, block: Frames, weights: Audio | None) -> Audio:
        if block.shape[1] == 1:
            return np.ascontiguousarray(block[:, 0])
        mono = _weighted(block, weights)
        energies = np.einsum("fc,fc->c", block, block)
        if weights is not None:
            energies *= weights > 0  # effects alone, in a film's quiet moments, are not speech that was lost
        loudest = int(energies.argmax())
        if float(mono @ mono) < _CANCELLED * float(energies[loudest]):
            self.cancelled = True
            return np.ascontiguousarray(block[:, loudest])
        return mono


class Resampler:
    """Resamples float32 from `rate` Hz to 16 kHz; any cut of the input gives the same output.

    Blocks are mono, `(samples,)`, or have several `channels`, `(samples, channels)`.
    """

    def __init__(self, rate: int, channels: int = 0) -> None:
        import soxr

        self._shape = (0, channels) if channels else (0,)
        width = max(channels, 1)
        self._stream = soxr.ResampleStream(rate, SAMPLE_RATE, width, dtype="float32") if rate != SAMPLE_RATE else None

    def push(self, block: Audio) -> Audio:
        """Return the samples completed at 16 kHz; the filter holds some milliseconds back."""
        return self._run(block, last=False)

    def flush(self) -> Audio:
        """Return the samples that the filter held back, and start over."""
        rest = self._run(np.zeros(self._shape, np.float32), last=True)
        if self._stream is not None:
            self._stream.clear()
        return rest

    def _run(self, block: Audio, last: bool) -> Audio:
        if self._stream is None:
            return block
        resampled: Audio = self._stream.resample_chunk(np.ascontiguousarray(block), last=last)
        return np.clip(
            resampled.reshape(-1, *self._shape[1:]), -1.0, 1.0
        )  # the filter rings beyond full scale at hard edges


def resample(blocks: Iterator[Audio], resampler: Resampler) -> Iterator[Audio]:
    """Yield the blocks at 16 kHz; no block is empty."""
    for block in blocks:
        resampled = resampler.push(block)
        if len(resampled):
            yield resampled
    rest = resampler.flush()
    if len(rest):
        yield rest
