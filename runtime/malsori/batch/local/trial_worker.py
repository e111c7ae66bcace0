"""What a worker process does in a trial: it hears the same sound again and again, and tells when each time was."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import cycle

from ...audio import decode_blocks
from ...errors import AudioError
from ...pipeline.loading import load_as
from ...pipeline.options import SOURCE
from ...types import SAMPLE_RATE, Audio
from ..batch_items import BatchItem, ItemEvent, ItemResult
from ..settings import AHEAD, WorkerSettings

SOUND = "sound"  # option of an item: the paths of recordings
FIRST_S = 3.0  # of sound, by which the speed is guessed
PASS_S = 1.5  # that hearing the sound once should take
LONGEST_PASS_S = 240.0  # of sound, as much as `transcribe_many` hears together
LONGEST_CLIP_S = 30.0  # of each recording


@dataclass(frozen=True, slots=True)
class HeardPass(ItemResult):
    """A process, by its number, heard the sound once, from one time to another."""

    process: int = 0
    began: float = 0.0
    ended: float = 0.0


class TrialWorker:
    """Hears the recordings that an item names, once for each item; nothing is written."""

    def __init__(self, settings: WorkerSettings) -> None:
        """Load the model. Raises as `load`."""
        self._options = replace(settings.options, source=SOURCE)
        loading = replace(settings.loading, verify=False)  # the run itself does
        self._transcriber = load_as(loading, settings.model, settings.compute_type)
        self._clips: list[Audio] = []

    def work(self, items: Iterable[BatchItem]) -> Iterator[ItemEvent]:
        """Yield a `HeardPass` for each item, or a failure where there is nothing to hear.

        The first of them includes what is done once, and is not to be counted.
        """
        for item in items:
            if not self._clips:
                beginnings = read(item.options[SOUND])
                if not beginnings:
                    yield ItemResult(item.number, "AudioNotFound", "none of the recordings can be read")
                    continue
                self._clips = self._sized(beginnings)
            began = time.monotonic()
            self._hear(self._clips)
            yield HeardPass(
                item.number,
                seconds=seconds_of(self._clips),
                process=os.getpid(),
                began=began,
                ended=time.monotonic(),
            )

    def _hear(self, clips: Sequence[Audio]) -> None:
        for _ in self._transcriber.transcribe_many(clips, self._options, on_error="return", ahead=AHEAD):
            pass

    def _sized(self, clips: list[Audio]) -> list[Audio]:
        """Return so many of the clips that hearing them takes about `PASS_S`, after hearing two short pieces."""
        piece = clips[0][: round(FIRST_S * SAMPLE_RATE)]
        self._hear([piece])
        began = time.monotonic()
        self._hear([piece])
        speed = seconds_of([piece]) / (time.monotonic() - began)
        wanted = min(speed * PASS_S, LONGEST_PASS_S)
        found: list[Audio] = []
        for clip in cycle(clips):
            found.append(clip[: round(max(FIRST_S, wanted) * SAMPLE_RATE)])
            if seconds_of(found) >= wanted:
                break
        return found


def read(paths: Sequence[str]) -> list[Audio]:
    """Return the beginnings of the recordings, of which those that cannot be read are left out."""
    found = []
    for path in paths:
        with suppress(AudioError, OSError), decode_blocks(path) as blocks:
            found.append(blocks.first(LONGEST_CLIP_S))
    return [clip for clip in found if len(clip)]


def seconds_of(clips: Sequence[Audio]) -> float:
    """Return how long the clips are in sum."""
    return sum(len(clip) for clip in clips) / SAMPLE_RATE
