"""What the reading of a source tells, step by step, and how a run asks for it: `serial.py` reads it there and then.

`ahead.py` does so in threads of its own. Either way a `Recording` is changed by the run alone, as it takes the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from ...errors import MalsoriError
from ...types import Span, Why
from ..clip import Clip
from ..options import TranscribeOptions
from .loudness import Loudness


@dataclass(frozen=True, slots=True)
class SourceOpened:
    """The first step: what the source is called, what it promises, and with which options it is read.

    `asked`: whether it asked for some of the options itself. `held` are the seconds of what was decoded that may still
    become a clip. One that is `short` shares engine calls with others.
    """

    options: TranscribeOptions
    asked: bool
    warnings: tuple[str, ...]
    name: str
    promised: float | None
    gated: bool
    outside: Why
    held: float
    short: bool


@dataclass(frozen=True, slots=True)
class ClipsFound:
    """Clips in order, and the samples that were decoded when the last of them was found.

    The `first` ones of a recording come together: its language is detected in them.
    """

    clips: tuple[Clip, ...]
    samples: int
    first: bool = False


@dataclass(frozen=True, slots=True)
class SourceEnded:
    """The last step: the source was read to its end, or not, because of an `error` that concerns this source alone."""

    samples: int = 0
    warnings: tuple[str, ...] = ()
    filled: tuple[Span, ...] = ()
    loudness: Loudness = field(default_factory=Loudness)
    error: MalsoriError | None = None


Step: TypeAlias = SourceOpened | ClipsFound | SourceEnded


class SourceReading(Protocol):
    """The reading of one source."""

    def waits(self) -> bool:
        """Return whether the next step will be long in coming."""
        ...

    def steps(self, advanced: Callable[[int], None]) -> Generator[Step, None, None]:
        """Yield the steps, and call `advanced` with the samples decoded so far. Raises what concerns the whole run."""
        ...


class SourceReadings(Protocol):
    """The readings of the sources of a run, in order.

    Where nobody `hurries`, long recordings share engine calls as short ones do.
    """

    hurries: bool

    def waits(self) -> bool:
        """Return whether the next source will be long in coming."""
        ...

    def __iter__(self) -> Iterator[SourceReading]: ...

    def __next__(self) -> SourceReading:
        """Return the next one. Raises as the iterable of the sources does."""
        ...

    def close(self) -> None:
        """End what is still being read."""
        ...
