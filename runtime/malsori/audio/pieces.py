"""The output of every reader: sound in pieces, each with its form, and what the file promises of its length."""

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
    """Rate in Hz, number of channels, and their speakers: `("FL", "FR", "FC", ...)`, empty where unknown."""

    rate: int
    channels: int
    layout: tuple[str, ...] = ()

    @property
    def block(self) -> int:
        """Frames per block: those of a second, fewer where that would be more than 4 MiB."""
        return max(1, min(self.rate, _BLOCK_VALUES // self.channels))


@dataclass(frozen=True, slots=True)
class SoundPiece:
    """Up to a block of frames of one form."""

    frames: Frames
    form: Form


@dataclass(frozen=True, slots=True)
class Promise:
    """The `seconds` that a file says it holds (None: it does not say), and by how many an intact one may fall short.

    Some intact files break one that is not `firm`: missing sound is then a warning and no error.
    """

    seconds: float | None = None
    slack_s: float = 0.0
    firm: bool = True


@dataclass(slots=True)
class SoundStream:
    """The sound of a file while it is read; `form` is that of its first piece.

    Iterating `pieces` raises `CorruptAudio`. `clock` has gaps and damage so far, `notes` warnings, `heard_s` the
    seconds read, and `counted_s` those of them that belong to earlier parts: `promise` is about the present part of a
    file that is joined from several. `lossy` codecs overshoot full scale by design.
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
    """How a file is to be read; the fields are parameters of `decode_blocks`."""

    allow_truncated: bool = False
    track: int | str | None = None
    start_at_zero: bool = False


def silence(seconds: float, form: Form) -> Iterator[SoundPiece]:
    """Yield pieces of zeros of that length."""
    left = round(seconds * form.rate)
    while left > 0:
        count = min(left, form.block)
        yield SoundPiece(np.zeros((count, form.channels), np.float32), form)
        left -= count
