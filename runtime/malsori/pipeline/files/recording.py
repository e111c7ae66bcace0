"""The state of one recording in a run, and the progress of the run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ...errors import MalsoriError
from ...joining import joined
from ...types import SAMPLE_RATE, Hypothesis, Span, Why
from ..clip import Clip
from ..options import USUAL, TranscribeOptions
from .loudness import Loudness
from .steps import SourceEnded, SourceOpened


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run: the recording being read, and the seconds of speech `found` and `heard` so far in all.

    The recording is number `number` of the run, from 1 on. `seconds` of it are done: recognised, or found to be no
    speech. `length` is its length in seconds, first by its container, then as decoded, None while unknown. `done`
    counts the recordings that are done, with fractions for those being read.
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
    """The state of one source. It is `done` when it was decoded to its end and all its clips were recognised.

    `options` are those of the run, changed by its own where it `asked` for some. `language` is the one detected or
    given for the whole of it, None where the engine detects one per clip. `waiting` clips of it, `queued` seconds in
    sum, are still to be recognised.
    """

    name: str = ""
    number: int = 1
    options: TranscribeOptions = USUAL
    asked: bool = False
    promised: float | None = None  # seconds, by its container
    samples: int = 0
    language: str | None = None
    language_probability: float = 1.0
    heard: list[tuple[Clip, Hypothesis]] = field(default_factory=list)
    waiting: int = 0
    queued: float = 0.0
    reached: float = 0.0  # seconds, the end of the last clip found
    reported: float = 0.0  # seconds that were reported as done, which never become fewer
    held: float = math.inf  # seconds of what was decoded that may still become a clip
    read: bool = False
    warnings: tuple[str, ...] = ()
    not_aligned: int = 0  # segments that kept their engine's word times
    gated: bool = False  # whether the gate chose the clips
    outside: Why = "gate"  # why sound outside of the clips was not read
    filled: tuple[Span, ...] = ()  # silence put in for sound that the recording lacks
    loudness: Loudness = field(default_factory=Loudness)
    error: MalsoriError | None = None

    def begin(self, opened: SourceOpened) -> None:
        """Take the first step of its reading."""
        self.options, self.asked, self.warnings = opened.options, opened.asked, opened.warnings
        self.name, self.promised = opened.name, opened.promised
        self.gated, self.outside, self.held = opened.gated, opened.outside, opened.held

    def end(self, ended: SourceEnded) -> None:
        """Take the last step of its reading; an error that it has already stays."""
        self.error = self.error or ended.error
        if ended.error is None:
            self.samples, self.filled, self.loudness = ended.samples, ended.filled, ended.loudness
            self.warnings += ended.warnings
            self.read = True

    @property
    def last_text(self) -> str:
        """The text of the clip recognised last."""
        return joined(self.heard[-1][1].segments) if self.heard else ""

    @property
    def length(self) -> float | None:
        """Length in seconds: by its container, or as decoded once it was decoded to its end."""
        return self.samples / SAMPLE_RATE if self.read else self.promised

    @property
    def behind(self) -> float:
        """Seconds of it that were decoded and wait for nothing."""
        read = self.samples / SAMPLE_RATE
        return max(0.0, (read if self.read else max(self.reached, read - self.held)) - self.queued)

    @property
    def done(self) -> bool:
        return self.error is not None or (self.read and not self.waiting)


@dataclass(frozen=True, slots=True)
class Job:
    """A clip to be recognised, and whether it is the `first` of its recording."""

    recording: Recording
    clip: Clip
    first: bool = False
