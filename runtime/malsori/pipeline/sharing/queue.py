"""What waits for one engine, and what it does next. Knows no threads; who asks says what time it is, in seconds.

Finals come first, those that arrive together in one call; then partials, the newest of each owner; then chores, such as
a batch of a file. The scheduler's workers go by it, and so does the simulation that counts the streams an engine bears.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ...engines.base import DecodeOptions
from ...types import Audio
from .scheduling import Hear, Outcome

Batches: TypeAlias = Callable[[Sequence[int], DecodeOptions], list[list[int]]]

ACTIVE_S = 10.0  # so long after its last sign of life a stream may still end an utterance at any moment
CALL_CANDIDATES = 64  # finals among which those that share a call are sought: behind them it is too late for any


@dataclass(slots=True, eq=False)
class FinalRequest:
    """A final that has been due since `since`; `reported` once its outcome has been told. `hear` shares no call."""

    clip: Audio
    options: DecodeOptions
    done: Callable[[Outcome], None]
    owner: object
    since: float
    hear: Hear | None = None
    reported: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PartialRequest:
    """A partial of an owner."""

    owner: object
    work: Callable[[], None]


@dataclass(frozen=True, slots=True, eq=False)
class BatchWork:
    """Work that can wait; `abandon` is called instead where it never will be done."""

    work: Callable[[], None]
    abandon: Callable[[], None]
    since: float


Call: TypeAlias = list[FinalRequest]
Job: TypeAlias = Call | PartialRequest | BatchWork


class EngineQueue:
    """The queue of one engine. `batches` is the engine's own choice of clips that best share a call.

    gather_s: how long a final waits for those of other streams, where others are known to be active.
    patience_s: a chore that has waited so long goes before partials, so that files end where streams leave no room.
    """

    def __init__(self, batches: Batches, gather_s: float, patience_s: float) -> None:
        self.finals: list[FinalRequest] = []
        self.batch_work: deque[BatchWork] = deque()
        self._steps: dict[int, PartialRequest] = {}
        self._seen: dict[int, float] = {}  # when each owner, by its id, was last heard of; the latest last
        self._batches = batches
        self._gather_s = gather_s
        self._patience_s = patience_s

    def final(self, request: FinalRequest) -> None:
        """Take a final."""
        self.finals.append(request)
        if request.owner is not None:
            self._meet(request.owner, request.since)

    def partial(self, step: PartialRequest, now: float) -> bool:
        """Take a partial, in the place of the owner's that waits; return whether there was one."""
        self._meet(step.owner, now)
        stale = id(step.owner) in self._steps
        self._steps[id(step.owner)] = step  # keeps the place: who comes often must not wait for ever
        return stale

    def drop(self, owner: object) -> bool:
        """Forget the partial of an owner; return whether there was one."""
        return self._steps.pop(id(owner), None) is not None

    def drop_all(self) -> int:
        """Forget all partials; return how many there were."""
        count = len(self._steps)
        self._steps.clear()
        return count

    def active(self, now: float) -> bool:
        """Return whether any stream has been heard of lately."""
        while self._seen and (oldest := next(iter(self._seen.items())))[1] + ACTIVE_S < now:
            del self._seen[oldest[0]]
        return bool(self._seen)

    def due(self, now: float) -> float:
        """Return the seconds until `take` has something to give: 0 is now, `inf` when something new has come."""
        if self.finals:
            return self._gathering(now)
        return 0.0 if self._steps or self.batch_work else math.inf

    def take(self, now: float) -> Job:
        """Take what is to be done next: finals that share a call, or a partial, or a chore. There must be one."""
        if self.finals:
            return self._call()
        if self.batch_work and (not self._steps or self.batch_work[0].since + self._patience_s <= now):
            return self.batch_work.popleft()
        return self._steps.pop(next(iter(self._steps)))

    def _meet(self, owner: object, now: float) -> None:
        self._seen.pop(id(owner), None)
        self._seen[id(owner)] = now

    def _gathering(self, now: float) -> float:
        """Return how long the oldest final still waits for others: not at all where none can come or a call is full."""
        first = self.finals[0]
        owners = {id(each.owner) for each in self.finals[:CALL_CANDIDATES]}
        alone = first.hear is not None or not self.active(now) or all(owner in owners for owner in self._seen)
        if alone or len(self.finals) >= first.options.batch_size:
            return 0.0
        return max(0.0, first.since + self._gather_s - now)

    def _call(self) -> Call:
        """Take the oldest final and those that best share its call, but none before an earlier one of its owner."""
        candidates = self.finals[:CALL_CANDIDATES]
        chosen = self._alike(candidates)
        behind: set[int] = set()
        call: Call = []
        for each in candidates:
            if id(each) in chosen and (each.owner is None or id(each.owner) not in behind):
                call.append(each)
            else:
                behind.add(id(each.owner))
        taken = {id(each) for each in call}
        self.finals = [each for each in self.finals if id(each) not in taken]
        return call

    def _alike(self, candidates: Sequence[FinalRequest]) -> set[int]:
        """Return the ids of those that the engine would have in one call with the first, which is among them."""
        options = candidates[0].options
        if candidates[0].hear is not None:
            return {id(candidates[0])}
        alike = [each for each in candidates if each.options == options and each.hear is None]
        try:
            for batch in self._batches([len(each.clip) for each in alike], options):
                if 0 in batch:
                    return {id(alike[index]) for index in batch}
        except Exception:
            pass  # the first goes alone, and the call itself tells what is wrong
        return {id(candidates[0])}
