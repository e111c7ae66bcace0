"""One recording on its way to a transcript, and how far a run is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ...errors import MalsoriError
from ...joining import joined
from ...types import SAMPLE_RATE, Hypothesis, Span, Why
from ..clip import Clip
from .loudness import Loudness


@dataclass(frozen=True, slots=True)
class Progress:
    """A point in a run: the recording being heard, and seconds of speech found and recognised so far in all.

    The recording is number `number` of the run, from 1 on. `seconds` of it are behind: recognised, or read and found to
    be no speech. `length` is how many it has as its container says, and in truth once it was read to its end; None
    while nobody knows. `done` counts the recordings that are behind, and of those that are being heard, one or several
    together, the part that was.
    """

    name: str
    found: float
    heard: float
    number: int = 1
    seconds: float = 0.0
    length: float | None = None
    done: float = 0.0


@dataclass(slots=True, eq=False)
class Recording:
    """The state of one source. It is `done` when it was read to its end and all that was found in it was recognised.

    It is number `number` of its run. `language` is the one settled for the whole of it, None while the engine is to
    find out by itself. `waiting` pieces of it, of `queued` seconds together, are still to be recognised.
    """

    name: str = ""
    number: int = 1
    promised: float | None = None  # seconds, by its container
    samples: int = 0
    language: str | None = None
    language_probability: float = 1.0
    heard: list[tuple[Clip, Hypothesis]] = field(default_factory=list)
    waiting: int = 0
    queued: float = 0.0
    reached: float = 0.0  # seconds, where the last piece of it ends that was found
    reported: float = 0.0  # seconds that were reported as done, which never become fewer
    held: float = math.inf  # seconds of what was read that may still become a piece
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
        return joined(self.heard[-1][1].segments) if self.heard else ""

    @property
    def length(self) -> float | None:
        """Seconds that it has: by its container, in truth where it was read to its end."""
        return self.samples / SAMPLE_RATE if self.read else self.promised

    @property
    def behind(self) -> float:
        """Seconds of it that were read and wait for nothing."""
        read = self.samples / SAMPLE_RATE
        return max(0.0, (read if self.read else max(self.reached, read - self.held)) - self.queued)

    @property
    def done(self) -> bool:
        return self.error is not None or (self.read and not self.waiting)


@dataclass(frozen=True, slots=True)
class Job:
    """A clip to be recognised, whose it is, and whether it is the first of it."""

    recording: Recording
    clip: Clip
    first: bool = False
