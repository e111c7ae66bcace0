"""The contract of a family of models with the pipeline. Engines are shared by threads and keep no state of a call."""

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

    The gate cuts clips of at most `longest_clip` seconds. An engine with `long_form` cuts recordings into windows by
    itself, and so gets them whole where there is no gate; one with `fills_windows` reads neighbouring stretches of
    speech better and faster in one clip than each alone.
    """

    manifest: Manifest
    longest_clip: float
    long_form: bool
    fills_windows: bool

    def check(self, options: DecodeOptions) -> tuple[str, ...]:
        """Raise `OptionError` for options that the model lacks; return a warning for each that makes no difference."""
        ...

    def batches(self, lengths: Sequence[int], options: DecodeOptions) -> list[list[int]]:
        """Return the indices of clips, given their lengths in samples, grouped as they best share a call."""
        ...

    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        """Return one hypothesis per clip, in order; `previous` are the texts spoken before each (Whisper)."""
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
    """An engine that detects which of its model's languages is spoken."""

    def detect_language(self, clip: Audio, options: DecodeOptions = ...) -> dict[str, float]:
        """Return language codes with probabilities, the likeliest first; they sum to 1."""
        ...


@runtime_checkable
class HasLogits(Protocol):
    """An engine whose model gives logits over `vocabulary` for each of its `frames`, so that words can be aligned."""

    frames: Frames
    vocabulary: Vocabulary

    def logits(self, clips: Sequence[Audio], batch_size: int = ...) -> list[NDArray[np.float32]]:
        """Return unnormalised log-probabilities, float32 `(frames, vocabulary)` for each clip of any length."""
        ...

    def decode(self, logits: NDArray[np.float32], length: int, options: DecodeOptions = ...) -> Hypothesis:
        """Return the hypothesis of a clip of `length` samples from its logits."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LeftContext:
    """The sound before an utterance, up to its start, with the text and language of that sound."""

    sound: Audio
    text: str
    language: str


@runtime_checkable
class Follower(Protocol):
    """An engine that can decode an utterance behind its left context."""

    def follow(self, clip: Audio, context: LeftContext, options: DecodeOptions) -> Hypothesis | None:
        """Return the hypothesis of `clip` decoded behind `context`, times from the clip's start.

        None where `clip` is to be read without it: in another language than the context's, where a window has no room
        for both, or when the reading fails the guards or has no words.
        """
        ...
