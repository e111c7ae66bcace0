"""What the pipeline asks of a family of models. An engine is shared by threads and keeps no state between calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..bundles.manifest import Manifest
from ..types import Audio, Hypothesis

Task: TypeAlias = Literal["transcribe", "translate"]


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How to turn clips into words; one that a family does not have is an `OptionError` unless it is at its default.

    `language` is an ISO 639-1 code or None for detection. `temperature` is tried in order until a result passes the
    guards (Whisper). `batch_size` bounds how many clips share one engine call.
    """

    language: str | None = None
    task: Task = "transcribe"
    word_timestamps: bool = False
    initial_prompt: str | None = None
    beam_size: int = 5
    temperature: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    batch_size: int = 8


class Engine(Protocol):
    """Sound to text for one bundle."""

    manifest: Manifest

    def transcribe(self, clips: Sequence[Audio], options: DecodeOptions) -> list[Hypothesis]:
        """Return one hypothesis per clip, in the order given."""
        ...

    def detect_language(self, clip: Audio) -> dict[str, float]:
        """Return language codes with probabilities, the likeliest first; they sum to 1."""
        ...

    def embed(self, clip: Audio) -> NDArray[np.float32]:
        """Return the encoder's last hidden states, float32, shape `(frames, hidden_size)`."""
        ...
