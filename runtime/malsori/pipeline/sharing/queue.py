"""The queue of one engine: what it does next. No threads; the caller passes the time in seconds.

Finals come first, those that arrive together in one call; then partials, the newest of each owner; then batch work,
such as clips of files, those of several files in one call where no stream is active. Used by the scheduler's lanes and
by the simulation of `capacity/`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ...engines.base import DecodeOptions
from ...types import Audio, Hypothesis
from .scheduling import Hear, Outcome

Batches: TypeAlias = Callable[[Sequence[int], DecodeOptions], list[list[int]]]

ACTIVE_S = 10.0  # seconds after its last request for which a stream counts as active
CALL_CANDIDATES = 64  # first finals, or clips, in the queue, among which those that share a call are sought


@dataclass(slots=True, eq=False)
class FinalRequest:
    """A final requested at `since`; `reported` once `done` was called. One with `hear` has a call of its own."""

    clip: Audio
    options: DecodeOptions
    done: Callable[[Outcome], None]
    owner: object
    since: float
    hear: Hear | None = None
    reported: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PartialRequest:
    """A partial of an owner: the work that computes and delivers it."""

    owner: object
    work: Callable[[], None]


@dataclass(frozen=True, slots=True, eq=False)
class BatchWork:
    """Work that can wait, requested at `since`: what it gives goes into `future`, unless that is cancelled before."""

    work: Callable[[], Any]
    since: float
    future: Future[Any] = field(default_factory=Future)


@dataclass(slots=True, eq=False)
class ClipRequest:
    """A clip of a file, requested at `since`, with the text `previous` to it; cancelling `future` takes it back.

    `options` are without the functions of whoever asks, so that those of several files can be equal. `owner` is one for
    clips asked for at once, and `progress` its own. After a call with clips of several owners has failed, they go
    `apart`, in one call for each owner.
    """

    clip: Audio
    options: DecodeOptions
    previous: str
    owner: object
    since: float
    progress: Callable[[float], None] | None = None
    apart: bool = False
    future: Future[Hypothesis] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class ClipCall:
    """Clips of files that share a call."""

    requests: list[ClipRequest]


Call: TypeAlias = list[FinalRequest]
Job: TypeAlias = Call | PartialRequest | BatchWork | ClipCall


class EngineQueue:
    """The queue of one engine. `batches` is the engine's own choice of clips that best share a call.

    gather_s: seconds that a final waits for those of other streams, where others are active.
    patience_s: seconds of waiting after which batch work goes before partials, so that files end beside busy streams.
    """

    def __init__(self, batches: Batches, gather_s: float, patience_s: float) -> None:
        self.finals: list[FinalRequest] = []
        self.batch_work: deque[BatchWork | ClipRequest] = deque()
        self._partials: dict[int, PartialRequest] = {}  # by the id of their owner
        self._seen: dict[int, float] = {}  # time of the last request of each owner, by its id; the latest last
        self._batches = batches
        self._gather_s = gather_s
        self._patience_s = patience_s

    def final(self, request: FinalRequest) -> None:
        """Queue a final."""
        self.finals.append(request)
        if request.owner is not None:
            self._meet(request.owner, request.since)

    def partial(self, request: PartialRequest, now: float) -> bool:
        """Queue a partial in place of one of the same owner; return whether there was one."""
        self._meet(request.owner, now)
        stale = id(request.owner) in self._partials
        self._partials[id(request.owner)] = request  # at the place of the stale one, so that it does not wait for ever
        return stale

    def drop(self, owner: object) -> bool:
        """Drop the partial of an owner; return whether there was one."""
        return self._partials.pop(id(owner), None) is not None

    def drop_finals(self, owner: object) -> list[FinalRequest]:
        """Drop the finals of an owner and return them."""
        dropped = [each for each in self.finals if each.owner is owner]
        self.finals = [each for each in self.finals if each.owner is not owner]
        return dropped

    def drop_all(self) -> int:
        """Drop all partials; return how many there were."""
        count = len(self._partials)
        self._partials.clear()
        return count

    def active(self, now: float) -> bool:
        """Return whether any stream made a request in the last `ACTIVE_S`."""
        while self._seen and (oldest := next(iter(self._seen.items())))[1] + ACTIVE_S < now:
            del self._seen[oldest[0]]
        return bool(self._seen)

    def due(self, now: float) -> float:
        """Return the seconds until `take` has work: 0 for now, `inf` for an empty queue.

        Batch work that was cancelled is forgotten.
        """
        self.batch_work = deque(each for each in self.batch_work if not each.future.cancelled())
        if self.finals:
            return self._gathering(now)
        return 0.0 if self._partials or self.batch_work else math.inf

    def take(self, now: float) -> Job:
        """Take the next work out of a queue that is not empty: finals that share a call, a partial, or batch work.

        Of clips of files it is a single one while streams are active, so that finals wait for no more than that.
        """
        if self.finals:
            return self._call()
        if self.batch_work and (not self._partials or self.batch_work[0].since + self._patience_s <= now):
            return self._batch_work(now)
        return self._partials.pop(next(iter(self._partials)))

    def _meet(self, owner: object, now: float) -> None:
        self._seen.pop(id(owner), None)
        self._seen[id(owner)] = now

    def _gathering(self, now: float) -> float:
        """Return the seconds that the oldest final still waits for others; 0 where none can come or a call is full."""
        first = self.finals[0]
        owners = {id(each.owner) for each in self.finals[:CALL_CANDIDATES]}
        alone = first.hear is not None or not self.active(now) or all(owner in owners for owner in self._seen)
        if alone or len(self.finals) >= first.options.batch_size:
            return 0.0
        return max(0.0, first.since + self._gather_s - now)

    def _call(self) -> Call:
        """Take the oldest final and those that best share its call; finals of one owner keep their order."""
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
        """Return the ids of the requests that best share a call with the first one, itself among them."""
        first = candidates[0]
        if first.hear is not None:
            return {id(first)}
        return self._sharing([each for each in candidates if each.options == first.options and each.hear is None])

    def _batch_work(self, now: float) -> BatchWork | ClipCall:
        """Take the oldest batch work; a clip with those of any file that best share its call."""
        first = self.batch_work[0]
        if isinstance(first, BatchWork):
            self.batch_work.popleft()
            return first
        clips = [each for each in self.batch_work if isinstance(each, ClipRequest)][:CALL_CANDIDATES]
        alike = [each for each in clips if each is first or _may_share(first, each)]
        chosen = {id(first)} if self.active(now) else self._sharing(alike)
        self.batch_work = deque(each for each in self.batch_work if id(each) not in chosen)
        return ClipCall([each for each in alike if id(each) in chosen])

    def _sharing(self, alike: Sequence[FinalRequest] | Sequence[ClipRequest]) -> set[int]:
        """Return the ids of those that best share a call with the first of some requests with equal options."""
        live = replace(alike[0].options, live=True)  # short calls of one window: a final may have to wait for it
        try:
            for batch in self._batches([len(each.clip) for each in alike], live):
                if 0 in batch:
                    return {id(alike[index]) for index in batch}
        except Exception:
            pass  # the first goes alone; what is wrong with it is raised in its call
        return {id(alike[0])}


def _may_share(first: ClipRequest, other: ClipRequest) -> bool:
    together = other.owner is first.owner or not (first.apart or other.apart)
    return together and other.options == first.options
