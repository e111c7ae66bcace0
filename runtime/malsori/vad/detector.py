"""The contract between gate and detector, and the framing that detectors share. Detectors are in their own files."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..types import Audio

Probabilities: TypeAlias = NDArray[np.float32]
"""How speech-like each frame is: float32, shape `(frames,)`, in [0, 1]."""


class Detector(Protocol):
    """Turns sound into a speech probability per frame. Holds the state of one recording or stream; not thread-safe."""

    @property
    def frame(self) -> int:
        """Samples per frame."""
        ...

    def push(self, block: Audio) -> Probabilities:
        """Return the probabilities of the frames that `block` completes; the rest waits for the next block."""
        ...

    def flush(self) -> Probabilities:
        """Return the probability of the rest, filled up with silence (none when there is none), and start over."""
        ...

    def reset(self) -> None:
        """Forget all that was pushed."""
        ...


class Framer:
    """Cuts blocks of any size into whole frames; the rest waits for the next block."""

    def __init__(self, frame: int) -> None:
        self._frame = frame
        self._rest = np.zeros(0, np.float32)

    def push(self, block: Audio) -> NDArray[np.float32]:
        """Return the frames completed by `block`, shape `(frames, frame)`."""
        samples = np.concatenate([self._rest, block]) if len(self._rest) else block
        whole = len(samples) - len(samples) % self._frame
        self._rest = samples[whole:].copy()  # a view would keep the caller's whole block alive
        return samples[:whole].reshape(-1, self._frame)

    @property
    def held(self) -> int:
        """Samples that wait for the next block."""
        return len(self._rest)
