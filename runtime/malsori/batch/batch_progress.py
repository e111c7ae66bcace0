"""How far a run of a batch is: what a view shows while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .batch_items import BatchItem, ItemProgress, ItemResult
from .planning import PlanCounts


@dataclass(frozen=True, slots=True)
class ItemBegun:
    """An item that is being heard, and how far it is."""

    item: BatchItem
    progress: ItemProgress | None = None

    @property
    def seconds(self) -> float:
        """Seconds of its sound that were heard."""
        return self.progress.seconds if self.progress else 0.0

    @property
    def share(self) -> float:
        """How much of it was heard, from 0 to 1; 0 while its length is unknown."""
        length = self.progress.length if self.progress else None
        return min(1.0, self.seconds / length) if length else 0.0


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """Files of a run by what became of them, before it (`..._before`) and in it.

    `seconds` of sound are done in this run, `elapsed_s` of time have gone by. `bytes_done` of `bytes_total` are those
    of the files that this run has to do, by which its end is estimated. `begun` are the items in work of which
    something was told, or else the next one, by their numbers; `ended_last` is the one whose result came last, `causes`
    counts the failures of this run.
    """

    files: int = 0
    done_before: int = 0
    failed_before: int = 0
    done_now: int = 0
    failed_now: int = 0
    seconds: float = 0.0
    elapsed_s: float = 0.0
    bytes_done: int = 0
    bytes_total: int = 0
    begun: Mapping[int, ItemBegun] = field(default_factory=dict)
    causes: Mapping[str, int] = field(default_factory=dict)
    ended_last: ItemBegun | None = None

    @classmethod
    def of(cls, counts: PlanCounts) -> BatchProgress:
        """Return the progress of a run that begins."""
        return cls(counts.files, counts.done, counts.failed, bytes_total=counts.pending_bytes)

    @property
    def done(self) -> int:
        """Files that are done, those of runs before too."""
        return self.done_before + self.done_now

    @property
    def failed(self) -> int:
        """Files that have failed, those of runs before too."""
        return self.failed_before + self.failed_now

    @property
    def left(self) -> int:
        """Files that are still to be done."""
        return self.files - self.done - self.failed

    @property
    def heard(self) -> float:
        """Seconds of sound that this run has heard, those of files in work too."""
        return self.seconds + sum(each.seconds for each in self.begun.values())

    @property
    def bytes_heard(self) -> float:
        """Bytes of the files that are done, and their shares of those in work."""
        return self.bytes_done + sum(each.item.size * each.share for each in self.begun.values())

    def began(self, item: BatchItem) -> BatchProgress:
        """Return the progress with one more item in work."""
        return replace(self, begun={**self.begun, item.number: ItemBegun(item)})

    def advanced(self, told: ItemProgress, elapsed_s: float) -> BatchProgress:
        """Return the progress with an item that is further."""
        known = self.begun.get(told.number)
        begun = self.begun if known is None else {**self.begun, told.number: replace(known, progress=told)}
        return replace(self, begun=begun, elapsed_s=elapsed_s)

    def ended(self, result: ItemResult, elapsed_s: float) -> BatchProgress:
        """Return the progress with what became of an item."""
        begun = dict(self.begun)
        known = begun.pop(result.number, None)
        causes = {**self.causes, result.cause: self.causes.get(result.cause, 0) + 1} if result.failed else self.causes
        return replace(
            self,
            done_now=self.done_now + (not result.failed),
            failed_now=self.failed_now + result.failed,
            seconds=self.seconds + result.seconds,
            elapsed_s=elapsed_s,
            bytes_done=self.bytes_done + (known.item.size if known else 0),
            begun=begun,
            causes=causes,
            ended_last=known,
        )
