"""What a live source gives, one block after another. The sources are in the files beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import AudioError


def _nothing() -> NDArray[np.generic]:
    return np.zeros(0, np.int16)


@dataclass(frozen=True, slots=True)
class Captured:
    """A block of sound, and what happened before it.

    `samples` are int16 or float32, `(frames,)` or `(frames, channels)`, at the source's rate; none when nothing came in
    time. `lost` frames were lost just before them, for `reason`. `trouble` is an error that the source goes on after.
    `mended` has what was mended in the sound up to here, one line each.
    """

    samples: NDArray[np.generic] = field(default_factory=_nothing)
    lost: int = 0
    reason: str = ""
    trouble: AudioError | None = None
    mended: tuple[str, ...] = ()


class LiveSource(Protocol):
    """Sound in blocks, as it is made. To be read by one thread."""

    name: str
    rate: int  # Hz; the same from the first block to the last
    channels: int
    patient: bool  # whether sound waits for a reader who is late, as in a pipe

    def read(self, timeout: float) -> Captured | None:
        """Return the next block, waiting up to `timeout` seconds for it; None when the sound is at its end.

        Raises `AudioError` for sound that cannot be read on.
        """
        ...

    def close(self) -> None:
        """Let go of what was opened; sound that was not read is lost."""
        ...
