"""What a run of a batch has come to, in words: for the screen, for plain lines, and for the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .progress import REMAINING_AFTER, clock, percent, remaining

if TYPE_CHECKING:
    from ..batch.batch_progress import BatchProgress
    from ..batch.summary import BatchSummary

NO_SPEED_BEFORE = 1.0  # seconds
SURE_SHARE = 0.05  # of a run that tells when it will end before any file is done


@dataclass(frozen=True, slots=True)
class RunFigures:
    """The progress of a run `elapsed_s` seconds after it began, at the time of day `at`.

    `hearing_s` of these have gone by since the first sign of progress: loading the model says nothing of the end.
    `failure` is the line of the latest failure.
    """

    progress: BatchProgress
    elapsed_s: float
    hearing_s: float
    at: datetime
    failure: str = ""

    @property
    def shares(self) -> tuple[float, float]:
        """What is done and all that this run has to do: in bytes, or in files where their sizes are unknown."""
        told = self.progress
        if told.bytes_total:
            return told.bytes_heard, told.bytes_total
        return told.done_now + told.failed_now, told.done_now + told.failed_now + told.left

    @property
    def speed(self) -> float:
        """Seconds of sound heard in a second; 0 as long as that is unsure."""
        return self.progress.heard / self.elapsed_s if self.elapsed_s >= NO_SPEED_BEFORE else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest will take, None as long as that is unsure."""
        done, total = self.shares
        if self.hearing_s < REMAINING_AFTER or done <= 0 or total <= done:
            return None
        if not self.progress.done_now + self.progress.failed_now and done < total * SURE_SHARE:
            return None  # the first windows are gathered before any is heard: hours for what takes minutes
        return (total - done) * self.hearing_s / done

    @property
    def parts(self) -> list[str]:
        """The figures, each a few words."""
        told = self.progress
        done, total = self.shares
        left = remaining(self.hearing_s, done, total - done)
        return [
            f"{told.done + told.failed:,} of {told.files:,} files",
            *([f"{told.failed:,} failed"] if told.failed else []),
            f"{sound(told.heard)} of sound",
            *([times(self.speed)] if self.speed else []),
            *([percent(done, total)] if total else []),
            *([f"{left} left, ends {end_of(self.at, self.left_s)}"] if left and self.left_s is not None else []),
        ]


def sound(seconds: float) -> str:
    """Return an amount of sound: 12 s, 34 min, 5.6 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:,.1f} h"


def times(speed: float) -> str:
    """Return how many seconds of sound are heard in a second: 31x real time."""
    return f"{speed:.0f}x real time" if speed >= 9.95 else f"{speed:.1f}x real time"


def end_of(now: datetime, left_s: float) -> str:
    """Return when a run will end: a time of today or tomorrow, or with its date."""
    try:
        end = now + timedelta(seconds=left_s)
    except OverflowError:
        return "in years"
    days = (end.date() - now.date()).days
    return f"{end:%H:%M}" if days == 0 else f"tomorrow {end:%H:%M}" if days == 1 else f"{end:%Y-%m-%d %H:%M}"


def end_rows(
    progress: BatchProgress, summary: BatchSummary, elapsed_s: float, status: str
) -> Iterator[tuple[str, str]]:
    """Yield the rows of the table at the end of a run; `status` is the command that shows the batch."""
    before = (
        f" ({progress.done_now:,} in this run, {progress.done_before:,} were there)" if progress.done_before else ""
    )
    yield "files", f"{summary.files:,}"
    yield "done", f"{summary.done:,}{before}"
    yield "failed", f"{summary.failed:,}"
    if summary.pending:
        yield "left", f"{summary.pending:,}; the same line goes on with them"
    all_of_it = f", {sound(summary.seconds)} in all" if progress.done_before else ""
    yield "sound", f"{sound(progress.seconds)}{all_of_it}"
    if progress.done_now + progress.failed_now:
        speed = f", {times(progress.seconds / elapsed_s)}" if elapsed_s >= NO_SPEED_BEFORE else ""
        yield "time", f"{clock(elapsed_s)}{speed}"
    yield from warned_rows(summary, status)
    yield from failure_rows(summary, status)


def warned_rows(summary: BatchSummary, status: str) -> Iterator[tuple[str, str]]:
    """Yield a row that says where the warnings are, if any file that is done has some."""
    if summary.warned:
        yield "warned", f"{summary.warned:,}, of which {status} --done --json has the warnings"


def failure_rows(summary: BatchSummary, status: str) -> Iterator[tuple[str, str]]:
    """Yield a row for each cause of failures with an example, the most frequent first, and what to type next."""
    for each in summary.causes:
        such = "such as " if each.files > 1 else ""
        yield each.cause, f"{each.files:,}: {such}{each.examples[0]}" if each.examples else f"{each.files:,}"
    if summary.failed:
        yield "to see all", f"{status} --failed"
        yield "to try again", "the same line with --retry-failed"
