"""A worker: it loads the model once, hears items as they are given, and writes their results."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Full, Queue

from ..bundles import find_bundle
from ..bundles.verify import digest
from ..errors import MalsoriError, ModelIncompatible
from ..output import render
from ..pipeline import Progress, SourceRequest
from ..pipeline.loading import load_as
from ..pipeline.options import TranscribeOptions
from ..types import Transcript
from .batch_items import BatchItem, ItemEvent, ItemProgress, ItemResult
from .locations import opened, results_at
from .settings import AHEAD, WorkerSettings

MOST_WAITING = 256  # results that wait for being written, where the disk is slower than the engine
LOOK_S = 0.5  # seconds between two looks whether anybody still wants what waits


@dataclass(frozen=True, slots=True)
class HeardItem:
    """An item that was heard, the sum of its bytes, and its transcript or why there is none."""

    item: BatchItem
    digest: str
    result: Transcript | MalsoriError


class BatchWorker:
    """Hears the items of a batch (`Hearer`)."""

    def __init__(self, settings: WorkerSettings) -> None:
        """Load the model. Raises as `load`, and `ModelIncompatible` where it is not the one that the batch is of."""
        self._settings = settings
        _check_digest(settings)
        self._transcriber = load_as(settings.loading, settings.model, settings.compute_type, wanted=settings.options)
        self._known = frozenset(self._transcriber.check(settings.options))
        self._results = results_at(settings.output)

    def work(self, items: Iterable[BatchItem]) -> Iterator[ItemEvent]:
        """Yield a result for each item, and progress between them, as `Hearer` says.

        A thread of its own hears, so that progress within a long recording is told while it is heard, and the engine
        does not wait for the disk: results are written here, and no more than `MOST_WAITING` of them wait for that.
        """
        events: Queue[ItemEvent | HeardItem | BaseException | None] = Queue(MOST_WAITING)
        unwanted = threading.Event()
        options = self._settings.options.changed(cancelled=unwanted.is_set)

        def tell(event: ItemEvent | HeardItem | BaseException | None) -> None:
            while not unwanted.is_set():
                try:
                    events.put(event, timeout=LOOK_S)
                except Full:
                    continue
                return

        def hear() -> None:
            try:
                for heard in self._heard(items, options, tell):
                    tell(heard)
                tell(None)
            except BaseException as error:
                tell(error)

        threading.Thread(target=hear, name="malsori-batch", daemon=True).start()
        try:
            while (event := events.get()) is not None:
                if isinstance(event, BaseException):
                    raise event
                yield self._written(event) if isinstance(event, HeardItem) else event
        finally:
            unwanted.set()

    def _heard(
        self, items: Iterable[BatchItem], options: TranscribeOptions, tell: Callable[[ItemProgress], None]
    ) -> Iterator[ItemResult | HeardItem]:
        begun: deque[tuple[BatchItem, str]] = deque()
        numbers: list[int] = []  # of the items, in the order of the run
        unopened: deque[ItemResult] = deque()

        def sources() -> Iterator[SourceRequest]:
            for item in items:
                try:
                    source = opened(item.source)
                    sum = digest(source) if isinstance(source, Path) else ""
                except (MalsoriError, OSError) as error:
                    unopened.append(_failed(item.number, error))
                    continue
                begun.append((item, sum))
                numbers.append(item.number)
                yield SourceRequest(source, item.options)

        def progress(told: Progress) -> None:
            tell(ItemProgress(numbers[told.number - 1], told.seconds, told.length))

        results = self._transcriber.transcribe_many(
            sources(), options, on_error="return", progress=progress, ahead=AHEAD
        )
        for result in results:
            while unopened:
                yield unopened.popleft()
            yield HeardItem(*begun.popleft(), result)
        yield from unopened

    def _written(self, heard: HeardItem) -> ItemResult:
        """Write the results of an item, and return what became of it."""
        item, sum, result = heard.item, heard.digest, heard.result
        if isinstance(result, MalsoriError):
            return ItemResult.of_error(item.number, result, digest=sum)
        try:
            self._results.write(item.stem, {form: self._text(result, form) for form in self._settings.formats})
        except MalsoriError as error:
            return ItemResult.of_error(item.number, error, digest=sum, seconds=result.duration)
        warnings = tuple(warning for warning in result.warnings if warning not in self._known)
        return ItemResult(item.number, "", "", result.duration, result.language, warnings, sum)

    def _text(self, transcript: Transcript, format: str) -> bytes:
        told = transcript if self._settings.words or format != "json" else transcript.without_words()
        return render(told, format, self._settings.cues).encode("utf-8", errors="replace")


def _check_digest(settings: WorkerSettings) -> None:
    found = find_bundle(settings.model)
    if settings.model_digest and (own := found.manifest().digest) != settings.model_digest:
        raise ModelIncompatible(
            str(found.folder),
            f"expected the model that the batch is of, with the digest {settings.model_digest[:12]}, found {own[:12]}; "
            "copy the same model to all machines",
        )


def _failed(number: int, error: MalsoriError | OSError) -> ItemResult:
    """Return the result of an item that cannot be opened."""
    if isinstance(error, MalsoriError):
        return ItemResult.of_error(number, error)
    return ItemResult(number, "AudioNotFound", f"{error.filename}: expected a readable file, found {error.strerror}")
