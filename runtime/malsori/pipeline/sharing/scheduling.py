"""Who may use an engine, and when: the contract between streams and schedulers, and the scheduler without threads."""

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
    """What a scheduler has done: finals, in so many calls of engines; partials, and those dropped because late."""

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
        """Have a whole utterance recognised; `done` gets what was heard, or the error, from any thread, once.

        Those of one `owner`, a stream, are told in the order given; `done` must not raise and should be brief. `hear`
        recognises the utterance, if given, when those of its owner before it have been told; it shares no call.
        """
        ...

    def partial(self, engine: Engine, owner: object, work: Callable[[], None]) -> bool:
        """Have `work` done when nothing more urgent waits; it replaces what waits of the same owner, which is counted.

        Return whether something was replaced.

        `work` uses the engine and raises nothing.
        """
        ...

    def drop(self, owner: object) -> None:
        """Forget what waits of an owner, whose utterance has ended; it is counted. What is being done goes on."""
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
        except BaseException:  # an interrupt: who waits for the final must not wait for ever
            done(EngineError(f"{engine.manifest.name} was interrupted"))
            raise
        done(outcome)

    def partial(self, engine: Engine, owner: object, work: Callable[[], None]) -> bool:
        """Do the work before returning; nothing is ever replaced."""
        self.counters.partials += 1
        work()
        return False

    def drop(self, owner: object) -> None:
        """Do nothing: nothing ever waits."""
