"""What was said before an utterance: for engines that hear a short one better when they know that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..types import Audio, Hypothesis
from .base import DecodeOptions


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
