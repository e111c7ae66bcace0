"""Blocks pushed into a stream to mono 16 kHz float32. Files and whole arrays are in `decode.py`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ..errors import UnsupportedFormat
from ..types import SAMPLE_RATE, Audio
from .limits import DEFAULT_LIMITS, Limits
from .mono import Mixer, Resampler
from .pieces import Frames
from .samples import Pcm16Decoder, Samples, as_array, as_frames, kind_of, to_float, whole_rate

Block: TypeAlias = "bytes | bytearray | memoryview | Samples"
"""PCM16 bytes (little-endian, mono), or an array of samples (see `Samples`)."""

_MIX_HZ = 50  # decisions per second on how channels are mixed
_PCM16_VIEWS = {"B", "b", "c", "<h"} | ({"h", "=h", "@h"} if sys.byteorder == "little" else set())


@dataclass(frozen=True, slots=True)
class _BlockForm:
    """Sample type and channels of a stream's blocks: those of its first block that is not empty."""

    samples: str
    channels: int

    def __str__(self) -> str:
        return f"blocks of {self.samples} with {self.channels} channel{'s' * (self.channels > 1)}"


class Intake:
    """Takes blocks of any size at `sample_rate` Hz; any cut of the same sound gives the same 16 kHz samples.

    One channel gives the samples of the file mode, exactly. Several are mixed in steps of 20 ms, which wait until they
    are full: the mean of the channels, or the loudest one where they cancel each other out. A file decides that once
    a second, for which a stream cannot wait, so they differ where channels cancel.
    """

    def __init__(
        self, sample_rate: float = SAMPLE_RATE, *, limits: Limits = DEFAULT_LIMITS, name: str = "stream"
    ) -> None:
        self._rate, self._limits, self._name = whole_rate(sample_rate, name), limits, name
        limits.check_shape(name, self._rate, 1)
        self._form: _BlockForm | None = None
        self._bytes = Pcm16Decoder()
        self._mixer = Mixer()
        self._resampler = Resampler(self._rate)
        self._waiting: Frames = np.zeros((0, 1), np.float32)
        self._reported: set[str] = set()

    def push(self, block: Block, sample_rate: float | None = None) -> Audio:
        """Return the samples completed at 16 kHz; `sample_rate`, where given, must be that of the stream.

        Raises `UnsupportedFormat` for a block of another type, shape, rate or channel count than the stream takes; the
        stream is as it was before.
        """
        if sample_rate is not None and sample_rate != self._rate:
            raise UnsupportedFormat(self._name, f"blocks at {self._rate} Hz", f"one at {sample_rate} Hz")
        return self._mixed(self._frames(block))

    def flush(self) -> Audio:
        """Return the samples held back. Blocks pushed later must be of the same form, and are not joined to these."""
        self._bytes.flush()
        rest, self._waiting = self._waiting, self._waiting[:0]
        mono = self._mono([rest] if len(rest) else [])
        return np.concatenate([self._resampler.push(mono), self._resampler.flush()])

    def mended(self) -> str | None:
        """Return what was mended in the samples, a line once for each kind of fault; None when there is nothing new."""
        lines = {kind: line for kind, line in self._mixer.mended().items() if kind not in self._reported}
        self._reported |= lines.keys()
        return "; ".join(lines.values()) or None

    def _frames(self, block: Block) -> Frames:
        """Return a block as float32 `(frames, channels)`. Raises `UnsupportedFormat` for one unlike those before."""
        if isinstance(block, (bytes, bytearray, memoryview)):
            _check_view(self._name, memoryview(block))
            self._check_form(_BlockForm("PCM16 bytes", 1), len(block))
            return self._bytes.push(bytes(block))[:, np.newaxis]
        array = as_array(block, self._name)
        if array is None:
            raise UnsupportedFormat(self._name, "PCM16 bytes or an array of samples", type(block).__name__)
        frames = as_frames(array, self._name, whole=False)
        self._limits.check_shape(self._name, self._rate, frames.shape[1])
        self._check_form(_BlockForm(kind_of(frames), frames.shape[1]), len(frames))
        return to_float(frames)

    def _check_form(self, form: _BlockForm, size: int) -> None:
        if not size:
            return
        if self._form is None:
            self._form = form
            self._waiting = np.zeros((0, form.channels), np.float32)
        elif form != self._form:
            raise UnsupportedFormat(self._name, f"{self._form} like the first", str(form))

    def _mixed(self, frames: Frames) -> Audio:
        """Mix the complete steps of 20 ms and resample them; a single channel is not held back for that."""
        if not len(frames):
            return np.zeros(0, np.float32)
        if frames.shape[1] == 1:
            return self._resampler.push(self._mono([frames]))
        step = max(1, self._rate // _MIX_HZ)
        held = np.concatenate([self._waiting, frames])
        whole = len(held) - len(held) % step
        self._waiting = held[whole:].copy()
        return self._resampler.push(self._mono(np.split(held[:whole], whole // step) if whole else []))

    def _mono(self, steps: list[Frames]) -> Audio:
        parts = list(self._mixer.mixed(iter(steps)))
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _check_view(name: str, view: memoryview) -> None:
    """Refuse views of anything but PCM16: floats, for one, would be heard as noise."""
    if view.format not in _PCM16_VIEWS or view.ndim != 1:
        shape = "" if view.ndim == 1 else f" in {view.ndim} dimensions"
        wanted = "PCM16 as a memoryview of format B or h (int16, little-endian) in one dimension"
        raise UnsupportedFormat(name, wanted, f"one of format {view.format!r}{shape}")
