"""What a reader of some format hands on: sound in pieces, each with its form, and what the file says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .clock import FileClock

Frames: TypeAlias = NDArray[np.float32]
"""Samples as stored, float32, shape `(frames, channels)`."""

_BLOCK_VALUES = 1 << 20  # samples times channels: 4 MiB, whatever rate and channel count a header claims


@dataclass(frozen=True, slots=True)
class Form:
    """Rate in Hz, channels, and which is which: `("FL", "FR", "FC", ...)`, empty where nobody says."""

    rate: int
    channels: int
    layout: tuple[str, ...] = ()

    @property
    def block(self) -> int:
        """How many frames are worked on at a time: those of a second, fewer where they would be large."""
        return max(1, min(self.rate, _BLOCK_VALUES // self.channels))


@dataclass(frozen=True, slots=True)
class SoundPiece:
    """Some frames of one form, no more than a block."""

    frames: Frames
    form: Form


@dataclass(frozen=True, slots=True)
class Promise:
    """How many `seconds` the file says it holds (None: not a word), and by how many an intact one may fall short.

    One that is not `firm` is kept by most files: what is missing is worth a warning and no error.
    """

    seconds: float | None = None
    slack_s: float = 0.0
    firm: bool = True


@dataclass(slots=True)
class SoundStream:
    """Sound on its way out of a file; `form` is that of its first piece.

    `pieces` raise `CorruptAudio`. While they are read, `clock` tells gaps and damage, `notes` warnings, `heard_s` the
    seconds read, and `counted_s` how many of these the present `promise` is not about: some files say more as they are
    read, such as those that are joined from several. `lossy` codecs overshoot full scale by design.
    """

    form: Form
    pieces: Iterator[SoundPiece]
    clock: FileClock
    promise: Promise = Promise()
    lossy: bool = False
    notes: list[str] = field(default_factory=list)
    heard_s: float = 0.0
    counted_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How a caller wants a file to be read; the fields are those of `decode_blocks`."""

    allow_truncated: bool = False
    track: int | str | None = None
    start_at_zero: bool = False


def silence(seconds: float, form: Form) -> Iterator[SoundPiece]:
    """Yield pieces of zeros that last so long."""
    left = round(seconds * form.rate)
    while left > 0:
        count = min(left, form.block)
        yield SoundPiece(np.zeros((count, form.channels), np.float32), form)
        left -= count
