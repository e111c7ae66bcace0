"""The contract between streams and schedulers, and the scheduler without threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ...engines.base import DecodeOptions, Engine
from ...errors import EngineError, MalsoriError
from ...types import Audio, Hypothesis
from ..isolation import as_engine_error

Outcome: TypeAlias = Hypothesis | MalsoriError
Hear: TypeAlias = Callable[[], Hypothesis]
"""Recognises one utterance, with the engine."""


@dataclass(slots=True)
class SchedulerCounters:
    """Counts of a scheduler: finals, calls of engines for them, partials done, and partials dropped as `stale`."""

    finals: int = 0
    calls: int = 0
    partials: int = 0
    stale: int = 0


class Scheduling(Protocol):
    """Decides which work an engine does next: finals before partials before batch work. Finals are never dropped."""

    counters: SchedulerCounters
    closed: bool  # whether it takes no more work

    def final(
        self,
        engine: Engine,
        clip: Audio,
        options: DecodeOptions,
        done: Callable[[Outcome], None],
        owner: object = None,
        hear: Hear | None = None,
    ) -> None:
        """Request the recognition of an utterance; `done` is called once, from any thread, with hypothesis or error.

        For each `owner`, a stream, in the order of the requests; `done` must not raise and should be brief. `hear`, if
        given, recognises the utterance in a call of its own, after those of its owner before it were reported.
        """
        ...

    def partial(self, engine: Engine, owner: object, work: Callable[[], None]) -> bool:
        """Request `work` behind finals, in place of a waiting partial of the same owner; return whether there was one.

        `work` uses the engine and raises nothing.
        """
        ...

    def drop(self, owner: object, *, finals: bool = False) -> None:
        """Drop the waiting partials of an owner, whose utterance has ended; they count as stale. Running ones go on.

        With `finals` also its finals, whose `done` gets `Cancelled`.
        """
        ...


class Inline:
    """Does everything at once, in the thread that asks: for simulations, tests, and one stream at a time."""

    closed = False

    def __init__(self) -> None:
        self.counters = SchedulerCounters()

    def final(
        self,
        engine: Engine,
        clip: Audio,
        options: DecodeOptions,
        done: Callable[[Outcome], None],
        owner: object = None,
        hear: Hear | None = None,
    ) -> None:
        """Recognise the utterance and call `done` before returning."""
        self.counters.finals += 1
        self.counters.calls += 1
        try:
            outcome: Outcome = as_engine_error(hear or (lambda: engine.transcribe([clip], options)[0]), engine)
        except MalsoriError as error:
            outcome = error
        except BaseException:  # an interrupt: nobody may wait for the final for ever
            done(EngineError(f"{engine.manifest.name} was interrupted"))
            raise
        done(outcome)

    def partial(self, engine: Engine, owner: object, work: Callable[[], None]) -> bool:
        """Do the work before returning; nothing is ever replaced."""
        self.counters.partials += 1
        work()
        return False

    def drop(self, owner: object, *, finals: bool = False) -> None:
        """Do nothing: nothing ever waits."""
