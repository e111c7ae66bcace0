"""One recording on its way to a transcript: what is still to be recognised, what was heard, what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import MalsoriError
from ..types import Hypothesis, Span, Why
from .clip import Clip
from .loudness import Loudness


@dataclass(slots=True, eq=False)
class Recording:
    """The state of one source. It is `done` when it was read to its end and all that was found in it was recognised.

    `language` is the one settled for the whole of it, None while the engine is to find out by itself.
    """

    name: str = ""
    samples: int = 0
    language: str | None = None
    language_probability: float = 1.0
    heard: list[tuple[Clip, Hypothesis]] = field(default_factory=list)
    waiting: int = 0
    read: bool = False
    warnings: tuple[str, ...] = ()
    not_aligned: int = 0  # segments that kept their engine's word times
    gated: bool = False  # whether something vouches for speech in what was heard
    outside: Why = "gate"  # why no model was asked for what lies outside of the clips
    filled: tuple[Span, ...] = ()  # silence in the place of what the recording does not have
    loudness: Loudness = field(default_factory=Loudness)
    error: MalsoriError | None = None

    @property
    def last_text(self) -> str:
        """What was heard in the clip before."""
        return " ".join(segment.text for segment in self.heard[-1][1].segments) if self.heard else ""

    @property
    def done(self) -> bool:
        return self.error is not None or (self.read and not self.waiting)


@dataclass(frozen=True, slots=True)
class Job:
    """A clip to be recognised, whose it is, and whether it is the first of it."""

    recording: Recording
    clip: Clip
    opens: bool = False
