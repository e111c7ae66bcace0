"""What a session asks of the way from sound to logits: frames that stay as they are, and frames that may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...types import Audio


@dataclass(frozen=True, slots=True)
class Reading:
    """Logits `(frames, vocabulary)`: of the frames `committed` now, once and for all, and of those `ahead` of them."""

    committed: NDArray[np.float32]
    ahead: NDArray[np.float32]

    @classmethod
    def split(cls, logits: NDArray[np.float32], committed: int) -> Reading:
        """Cut the logits of consecutive frames behind the first `committed`."""
        return cls(logits[:committed], logits[committed:])


class Reader(Protocol):
    """Reads one utterance as it comes."""

    most: int  # samples that `read` takes at once

    def read(self, sound: Audio) -> Reading:
        """Take the samples that follow; return what has been heard that was not committed before."""
        ...
