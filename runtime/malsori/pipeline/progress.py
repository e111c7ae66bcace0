"""How far a run is, as a value; showing it is the caller's affair."""

from __future__ import annotations

from dataclasses import dataclass


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
