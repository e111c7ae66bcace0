"""Chunks of PCM, of any rate, width and number of channels, to mono 16 kHz; bytes of half a sample are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...audio.intake import Intake
from ...audio.limits import DEFAULT_LIMITS
from ...audio.samples import from_24_bits
from ...kinds import LEAST_RATE, MOST_RATE, is_whole
from ...types import Audio
from ..refusal import Refusal

STEP_MS = 20  # of sound that is worked on at least
WIDEST = 4  # bytes of a sample
CHANNELS = DEFAULT_LIMITS.max_channels
EMPTY: Audio = np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class ChunkForm:
    """How the samples of a chunk are stored: Hz, bytes of a sample (8 bits without a sign, others with), channels."""

    rate: int
    width: int
    channels: int

    @property
    def frame(self) -> int:
        """Bytes of one sample of all channels."""
        return self.width * self.channels


def chunk_form(data: Mapping[str, Any], usual: ChunkForm | None) -> ChunkForm:
    """Return what a message says of its sound; what it leaves out is as in `usual`. Raises `Refusal` for the rest."""
    values = []
    for name, least, most in (("rate", LEAST_RATE, MOST_RATE), ("width", 1, WIDEST), ("channels", 1, CHANNELS)):
        value = data.get(name)
        value = getattr(usual, name, None) if value is None else value
        if not is_whole(value) or not least <= value <= most:
            message = f"{name}: expected a whole number from {least} to {most}, found {repr(value)[:40]}"
            raise Refusal(400, "unsupported_format", message, name)
        values.append(int(value))
    return ChunkForm(*values)


class ChunkSound:
    """Turns the chunks of one turn into mono 16 kHz; any cut of the same bytes gives the same samples."""

    def __init__(self) -> None:
        self._form: ChunkForm | None = None
        self._intake = Intake()
        self._rest = b""

    def push(self, form: ChunkForm, data: bytes) -> Audio:
        """Return the samples completed by the bytes of a chunk. Those of another form than before begin anew."""
        before = EMPTY
        if form != self._form:
            before = self.flush()
            self._form, self._intake = form, Intake(form.rate)
        self._rest += data
        # Chunks of a few bytes wait for each other: each block is work for a thread.
        enough = len(self._rest) >= form.frame * form.rate * STEP_MS // 1_000
        now = self._taken(form) if enough else EMPTY
        return np.concatenate([before, now]) if len(before) else now

    def flush(self) -> Audio:
        """Return the samples held back; half a sample is dropped."""
        if self._form is None:
            return EMPTY
        last = np.concatenate([self._taken(self._form), self._intake.flush()])
        self._rest = b""
        return last

    def _taken(self, form: ChunkForm) -> Audio:
        whole = len(self._rest) - len(self._rest) % form.frame
        data, self._rest = self._rest[:whole], self._rest[whole:]
        return self._intake.push(_samples(data, form)) if whole else EMPTY


def _samples(data: bytes, form: ChunkForm) -> NDArray[np.generic]:
    """Return whole samples `(samples,)` or `(samples, channels)`."""
    if form.width == 3:
        samples: NDArray[Any] = from_24_bits(data, "<")
    else:
        samples = np.frombuffer(data, {1: "u1", 2: "<i2", 4: "<i4"}[form.width])
    return samples if form.channels == 1 else samples.reshape(-1, form.channels)
