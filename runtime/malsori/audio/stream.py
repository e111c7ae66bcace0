"""What a reader of some format hands on: sound in pieces, each with its form, and what the file says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .clock import Clock

Frames: TypeAlias = NDArray[np.float32]
"""Samples as stored, float32, shape `(frames, channels)`."""

PIECE_FRAMES = 1 << 16
"""About how many frames a piece has at most: numpy's work is then small beside the decoder's."""


@dataclass(frozen=True, slots=True)
class Form:
    """Rate in Hz, channels, and which is which: `("FL", "FR", "FC", ...)`, empty where nobody says."""

    rate: int
    channels: int
    layout: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """Some frames of one form."""

    frames: Frames
    form: Form


@dataclass(slots=True)
class Promise:
    """How many `frames` the file says it holds (None: it does not say), and by how many an intact one may fall short.

    Some files say more as they are read, such as one that is joined from several.
    """

    frames: int | None = None
    slack: int = 0


@dataclass(slots=True)
class Stream:
    """Sound on its way out of a file; `form` is that of its first piece.

    `lossy` codecs overshoot full scale by design. `notes` are warnings, and grow while the pieces are read. `clock`
    knows of gaps and damage. `pieces` raise `CorruptAudio`.
    """

    form: Form
    pieces: Iterator[Piece]
    promise: Promise = field(default_factory=Promise)
    clock: Clock = field(default_factory=Clock)
    lossy: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a caller wants a file to be read; the fields are those of `decode_blocks`."""

    allow_truncated: bool = False
    track: int | str | None = None
    start_at_zero: bool = False


READING = Reading()


def silence(seconds: float, form: Form) -> Iterator[Piece]:
    """Yield pieces of zeros that last so long."""
    left = round(seconds * form.rate)
    while left > 0:
        count = min(left, PIECE_FRAMES)
        yield Piece(np.zeros((count, form.channels), np.float32), form)
        left -= count


def reblock(pieces: Iterator[Frames], frames: int) -> Iterator[Frames]:
    """Yield the same samples in blocks of exactly `frames` frames; the last one is what is left."""
    held: list[Frames] = []
    count = 0
    for piece in pieces:
        while count + len(piece) >= frames:
            wanted = frames - count
            yield np.concatenate([*held, piece[:wanted]])
            piece, held, count = piece[wanted:], [], 0
        if len(piece):
            held.append(piece)
            count += len(piece)
    if held:
        yield np.concatenate(held)
