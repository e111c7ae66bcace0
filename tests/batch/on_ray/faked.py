"""A hearer that hears nothing: what it does with an item is said by the name of its source."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from malsori.batch.batch_items import BatchItem, ItemEvent, ItemProgress, ItemResult
from malsori.batch.settings import WorkerSettings
from malsori.errors import ModelNotFound


class NamedDeeds:
    """Does what a source is called: `poison` ends the process, `slow` takes a second, `bad` fails.

    Each process leaves a file with its number in the folder of the results, so that a test can end it.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        if settings.model == "missing":
            raise ModelNotFound("missing")
        self._folder = Path(settings.output)
        (self._folder / f"pid-{os.getpid()}").touch()

    def work(self, items: Iterable[BatchItem]) -> Iterator[ItemEvent]:
        for item in items:
            yield ItemProgress(item.number, 0.0)
            if item.source == "poison":
                os.kill(os.getpid(), signal.SIGKILL)
            if item.source == "slow":
                time.sleep(0.5)
            if item.source == "bad":
                yield ItemResult(item.number, "CorruptAudio", "bad: expected sound, found none")
            else:
                (self._folder / f"{item.stem}.txt").write_text(item.source)
                yield ItemResult(item.number, seconds=1.0)
