"""What the pipeline asks of a family of models. An engine is shared by threads and keeps no state between calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..bundles.manifest import Manifest
from ..types import Audio, Hypothesis
from .ctc.frames import Frames
from .ctc.vocabulary import Vocabulary
from .options import HOTWORD_WEIGHT, DecodeOptions, HotWord, Task
from .session import Session, SessionOptions

__all__ = ["HOTWORD_WEIGHT", "DecodeOptions", "Engine", "HotWord", "Layer", "Memory", "Task"]

Memory: TypeAlias = Literal["normal", "low"]
Layer: TypeAlias = int | Literal["all"]
"""0 is what goes into the first layer, N what comes out of the last of N; negative numbers count from the end."""


class Engine(Protocol):
    """Sound to text for one bundle.

    Speech without a pause comes in clips of at most `longest_clip` seconds. `long_form` tells that the engine has its
    own way through a recording, and so gets it whole where no gate cuts it; `fills_windows` that it hears neighbouring
    stretches of speech better and sooner in one clip than each alone.
    """

    manifest: Manifest
    longest_clip: float
    long_form: bool
    fills_windows: bool

    def check(self, options: DecodeOptions) -> tuple[str, ...]:
        """Raise `OptionError` for what the model does not have; return a line for each part that it will leave out."""
        ...

    def batches(self, lengths: Sequence[int], options: DecodeOptions) -> list[list[int]]:
        """Return which clips, of so many samples, best share one call of `transcribe`: each index once."""
        ...

    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        """Return one hypothesis per clip, in the order given; `previous` is what was said before each, for Whisper."""
        ...

    def open(self, options: DecodeOptions, session: SessionOptions = ...) -> Session:
        """Return a session for one utterance of a stream, which gives its text while it is spoken.

        Raises `OptionError` for what the model does not have.
        """
        ...

    def embed(self, clip: Audio, layer: Layer = -1) -> NDArray[np.float32]:
        """Return a layer's hidden states, float32 `(frames, hidden_size)`; `(layers, frames, hidden_size)` for "all".

        Raises `OptionError` for a layer that the bundle does not give.
        """
        ...


@runtime_checkable
class TellsLanguages(Protocol):
    """An engine that can tell which of its model's languages is spoken."""

    def detect_language(self, clip: Audio, options: DecodeOptions = ...) -> dict[str, float]:
        """Return language codes with probabilities, the likeliest first; they sum to 1."""
        ...


@runtime_checkable
class HasLogits(Protocol):
    """An engine whose model scores each token of `vocabulary` in each of its `frames`: words can be placed by that."""

    frames: Frames
    vocabulary: Vocabulary

    def logits(self, clips: Sequence[Audio], batch_size: int = ...) -> list[NDArray[np.float32]]:
        """Return unnormalised log-probabilities, float32 `(frames, vocabulary)` for each clip of any length."""
        ...

    def decode(self, logits: NDArray[np.float32], length: int, options: DecodeOptions = ...) -> Hypothesis:
        """Return what the logits of a clip of `length` samples say."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """The sound in front of an utterance, up to where that begins, all that was heard in it, and the language."""

    sound: Audio
    text: str
    language: str


@runtime_checkable
class Follower(Protocol):
    """An engine that can read an utterance behind what was said."""

    def follow(self, clip: Audio, said: Said, options: DecodeOptions) -> Hypothesis | None:
        """Return what was heard in `clip` alone, times from its start; None where that does not stand.

        `clip` is then to be read without what was said before. It does not stand in another language than that was
        said in, where there is no room for both, or when the reading fails the guards or has no words.
        """
        ...
