"""What a batch is made of: a recording to be heard, and what became of it. Both travel between processes."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from ..errors import MalsoriError


@dataclass(frozen=True, slots=True)
class BatchItem:
    """A recording of a batch.

    `number` is its row in the journal, `source` an absolute path or a URL, `size` its bytes (0 where unknown). `stem`
    is the path of its results below the output folder, with `/` between folders and without an ending. `options` are
    its own, as keywords of `transcribe`, and go before those of the batch. One that is `alone` is heard by itself: a
    worker has died of it, or of another beside it.
    """

    number: int
    source: str
    stem: str
    size: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    alone: bool = False


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of an item: its results are written, or `cause` names the class of its error and `message` says why.

    `seconds` are those of its sound, `digest` the sha256 of its bytes ("" where it could not be read).
    """

    number: int
    cause: str = ""
    message: str = ""
    seconds: float = 0.0
    language: str = ""
    warnings: tuple[str, ...] = ()
    digest: str = ""

    @classmethod
    def of_error(cls, number: int, error: MalsoriError, **known: Any) -> ItemResult:
        """Return the result of an item that an error has ended; `known` is what is known of it all the same."""
        return cls(number, type(error).__name__, str(error), **known)

    @property
    def failed(self) -> bool:
        """Whether there are no results."""
        return bool(self.cause)


def with_source(message: str, source: str) -> str:
    """Return why an item has failed, with its source; most messages name it themselves."""
    return message if source in message else f"{source}: {message}"


@dataclass(frozen=True, slots=True)
class ItemProgress:
    """How far an item is: `seconds` of it are done; `length` is its length in seconds, None while unknown."""

    number: int
    seconds: float
    length: float | None = None


@dataclass(frozen=True, slots=True)
class RunFailed:
    """What a process that hears items has raised, which ends the whole run."""

    error: MalsoriError


ItemEvent: TypeAlias = ItemResult | ItemProgress


class Runner(Protocol):
    """Hears the items of a batch: worker processes of this machine, or actors of a cluster."""

    def run(self, items: Iterator[BatchItem]) -> Generator[ItemEvent, None, None]:
        """Yield one result for each item, in any order, and progress between them.

        Items are taken as workers ask for them, so that few are begun at a time. A worker that dies costs the items
        that it had begun: they are heard again, each alone, and one of which a worker dies again has a result with the
        cause `WorkerDied`. Closing the generator ends the workers. Raises `MalsoriError` for what ends the whole run.
        """
        ...


class Hearer(Protocol):
    """What a worker is to a runner: it has loaded the model, and hears items."""

    def work(self, items: Iterable[BatchItem]) -> Iterator[ItemEvent]:
        """Yield one result for each item, in any order, and progress between them; items are taken as they are needed.

        Errors of an item are its result. Raises `MalsoriError` for what ends the whole run.
        """
        ...
