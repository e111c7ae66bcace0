"""What a container reader hands on: frames in pieces, with what the container says of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Frames: TypeAlias = NDArray[np.float32]
"""Samples as stored, float32, shape `(frames, channels)`."""

PIECE_FRAMES = 4_096  # also the usual block of FLAC: what a damaged place costs at most


@dataclass(frozen=True, slots=True)
class Stream:
    """Sound on its way out of a container.

    `declared` is how many frames the container promises (None: it does not say) and `slack` by how many an intact one
    may fall short. `lossy` codecs overshoot full scale by design. `notes` are warnings that the header gave rise to.
    `pieces` are of any length and raise `CorruptAudio`.
    """

    rate: int
    channels: int
    pieces: Iterator[Frames]
    declared: int | None = None
    slack: int = 0
    lossy: bool = False
    notes: tuple[str, ...] = ()


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
