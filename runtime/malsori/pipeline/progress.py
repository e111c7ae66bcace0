"""How far a run is, as a value; showing it is the caller's affair."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """A point in a run: the recording being read, and seconds of speech found and recognised so far in all."""

    name: str
    found: float
    heard: float
