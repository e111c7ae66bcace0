"""What happens in a batch as JSON Lines on stdout, an object for each event, written at once.

    {"event": "start", "files": 5000, "done": 1790, "failed": 0, "left": 3210, "bytes_total": 91234567}
    {"event": "file", "source": "/talks/a.mp3", "stem": "a", "state": "done", "seconds": 62.5, "language": "ko", ...}
    {"event": "progress", "files": 5000, "done": 1791, ..., "speed": 31.2, "left_s": 4210.0, "now": [{"source": ...}]}
    {"event": "end", ..., "causes": [{"cause": "CorruptAudio", "files": 3, "examples": [...]}]}

A run that was interrupted has no end. Who reads slowly slows the run once `MOST_WAITING` events wait; who stops reading
loses the events and not the run.
"""

from __future__ import annotations

import json
import queue
from typing import TYPE_CHECKING, Any

from .console import complain, emit

if TYPE_CHECKING:
    from ..batch.batch_items import ItemResult
    from ..batch.batch_progress import BatchProgress
    from ..batch.summary import BatchSummary
    from .batch_figures import RunFigures

EVENTS_EVERY = 1.0  # seconds between events of progress
MOST_WAITING = 10_000  # events of files


class BatchEvents:
    """Writes the events of one run. Those of files wait in a queue, which the view's thread empties."""

    every = EVENTS_EVERY

    def __init__(self) -> None:
        self._waiting: queue.Queue[dict[str, Any]] = queue.Queue(MOST_WAITING)
        self._gone = False
        self._told: BatchProgress | None = None

    def start(self, progress: BatchProgress) -> None:
        """Write what the run has to do."""
        self._write({"event": "start", **_counts(progress), "bytes_total": progress.bytes_total})

    def take(self, progress: BatchProgress, result: ItemResult) -> None:
        """Tell of a file that is done or has failed."""
        ended = progress.ended_last
        event = {
            "event": "file",
            "source": ended.item.source if ended else None,
            "stem": ended.item.stem if ended else None,
            "state": "failed" if result.failed else "done",
            "seconds": round(result.seconds, 3),
            "language": result.language,
            "warnings": list(result.warnings),
            "cause": result.cause,
            "message": result.message,
        }
        while not self._gone:
            try:
                self._waiting.put(event, timeout=1.0)
                return
            except queue.Full:
                continue

    def note(self, text: str) -> None:
        """Tell what a user should know, on stderr."""
        complain(text)

    def show(self, figures: RunFigures) -> None:
        """Write the events that wait, and how far the run is if that has changed."""
        self._write_waiting()
        if figures.progress != self._told:
            self._told = figures.progress
            self._write(_progress(figures))

    def close(self) -> None:
        """Write the events that wait."""
        self._write_waiting()

    def end(self, figures: RunFigures, summary: BatchSummary) -> None:
        """Write how the run has ended."""
        told = figures.progress
        self._write(
            {
                "event": "end",
                **_counts(told),
                "done_now": told.done_now,
                "failed_now": told.failed_now,
                "seconds": round(told.seconds, 3),
                "seconds_in_all": round(summary.seconds, 3),
                "elapsed_s": round(figures.elapsed_s, 3),
                "speed": round(told.seconds / figures.elapsed_s, 2) if figures.elapsed_s else 0.0,
                "causes": summary.to_dict()["causes"],
            }
        )

    def _write_waiting(self) -> None:
        while True:
            try:
                self._write(self._waiting.get_nowait())
            except queue.Empty:
                return

    def _write(self, event: dict[str, Any]) -> None:
        if self._gone:
            return
        try:
            emit(json.dumps(event, ensure_ascii=False) + "\n")
        except OSError as error:  # whoever reads has gone: the results are what counts
            self._gone = True
            complain(f"events are no longer written, {error.strerror or error}; the run goes on")


def _counts(progress: BatchProgress) -> dict[str, Any]:
    return {"files": progress.files, "done": progress.done, "failed": progress.failed, "left": progress.left}


def _progress(figures: RunFigures) -> dict[str, Any]:
    told = figures.progress
    begun = [each for each in told.begun.values() if each.progress]
    return {
        "event": "progress",
        **_counts(told),
        "seconds": round(told.heard, 3),
        "elapsed_s": round(figures.elapsed_s, 3),
        "speed": round(figures.speed, 2),
        "bytes_done": round(told.bytes_heard),
        "bytes_total": told.bytes_total,
        "left_s": None if figures.left_s is None else round(figures.left_s, 1),
        "now": [
            {
                "source": each.item.source,
                "seconds": round(each.seconds, 3),
                "length": each.progress and each.progress.length,
            }
            for each in begun
        ],
    }
