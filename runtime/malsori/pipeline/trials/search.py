"""Which settings of a calibration are tried, and which is chosen: the safe one that encodes the least.

A setting is a `Context`: a floor and a margin in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...engines.whisper.features import MEL_RATE, WINDOW
from ...engines.whisper.window import Context
from .figures import Figures, figures_of
from .hearing import TrialReader, TrialRecording

LEAST_AT_FLOOR = 3  # clips in the floor's own window, without which nothing is known of it
TIE_FACTOR = 1.05  # of seconds encoded; among settings within it, longer windows are preferred
FLOORS = (3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0)  # seconds
MARGINS = (0.5, 1.0, 2.0, 3.0)  # seconds
FULL = Context()
GRID = tuple(Context(floor, margin) for floor in FLOORS for margin in MARGINS)
LIKELY_HEARD = 6  # settings that are usually tried before a safe one is found


@dataclass(frozen=True, slots=True)
class CalibrationLimits:
    """What a shorter window may cost: percentage points of character errors, per cent of clips read again."""

    max_loss: float = 0.5
    max_retries: float = 10.0


def objection(figures: Figures, limits: CalibrationLimits) -> str:
    """Return why a setting is not to be recommended, or "" where it is safe."""
    if too_few_at_floor(figures):
        return "too few clips that short" if figures.at_floor else "no clip that short"
    if figures.loss * 100 > limits.max_loss:
        return f"loses {figures.loss * 100:.2f} points"
    if figures.retries * 100 > limits.max_retries:
        return f"{figures.retries:.0%} read again"
    return ""


def too_few_at_floor(figures: Figures) -> bool:
    """Return whether too few clips were short enough for the floor's own window."""
    return figures.at_floor < LEAST_AT_FLOOR


def choose(full: Figures, settings: Sequence[Figures], limits: CalibrationLimits) -> Figures:
    """Return the safe setting that encodes the least, and among those within `TIE_FACTOR` the longest windows.

    Compared by seconds of window, which are the same in every run, unlike times. `full` if no other is safe.
    """
    safe = [full, *(each for each in settings if not objection(each, limits))]
    least = min(each.encoded for each in safe)
    near = [each for each in safe if each.encoded <= least * TIE_FACTOR]
    return max(near, key=lambda each: (each.window, each.context.floor_s, each.context.margin_s))


def distinct_settings(lengths: Sequence[int]) -> dict[Context, tuple[Context, ...]]:
    """Return the settings that differ for clips of these lengths in samples, each with all that are equal to it.

    Settings are equal where they give every clip the same window; the longest one stands for them. Those that give
    every clip the full window are left out.
    """
    groups: dict[tuple[int, ...], list[Context]] = {}
    for context in GRID:
        groups.setdefault(tuple(map(context.window, lengths)), []).append(context)
    groups.pop(tuple(map(FULL.window, lengths)), None)
    longest = {max(group, key=order): tuple(group) for group in groups.values()}
    return {context: longest[context] for context in sorted(longest, key=order)}


def order(context: Context) -> tuple[float, float]:
    """Return the sort key of a setting."""
    return context.floor_s, context.margin_s


@dataclass(slots=True)
class SearchProgress:
    """Seconds of window read and, estimated, in all: the time is in proportion to them."""

    say: Callable[[str, float, float], None]
    done: float = 0.0
    total: float = 0.0

    def heard(self, path: Path, window: int) -> None:
        """Count one reading."""
        self.done += window / MEL_RATE
        self.say(f"hearing {path.name}", self.done, max(self.total, self.done))


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The figures of the settings that were tried, in order, and the settings given up for too many retries."""

    heard: tuple[Figures, ...]
    given_up: tuple[Context, ...]


def search(
    reader: TrialReader,
    recordings: Sequence[TrialRecording],
    settings: Sequence[Context],
    limits: CalibrationLimits,
    progress: SearchProgress,
    *,
    every: bool = False,
) -> SearchResult:
    """Try the settings that may be chosen, or with `every` all of them, to the end."""
    least = figures_of(FULL, [recording.take for recording in recordings]).encoded
    heard: list[Figures] = []
    given_up: list[Context] = []
    lengths = [len(clip) for recording in recordings for clip in recording.clips]
    waiting = sorted(settings, key=lambda context: (encoded(context, lengths), order(context)))
    if not every:
        waiting = [context for context in waiting if clips_at_floor(context, lengths) >= LEAST_AT_FLOOR]
    while waiting:
        context = waiting.pop(0)
        if not every and encoded(context, lengths) > least * TIE_FACTOR:
            break
        ahead = list(_unheard([context, *waiting[: LIKELY_HEARD - 1]], recordings))
        progress.total = progress.done + sum(window for *_, window in ahead) / MEL_RATE
        most = len(lengths) if every else limits.max_retries / 100 * len(lengths)
        if not _hear(reader, context, recordings, most):
            given_up.append(context)
            continue
        heard.append(figures_of(context, [recording.take for recording in recordings]))
        if not objection(heard[-1], limits):
            least = min(least, heard[-1].encoded)
    return SearchResult(tuple(sorted(heard, key=lambda each: order(each.context))), tuple(sorted(given_up, key=order)))


def _hear(reader: TrialReader, context: Context, recordings: Sequence[TrialRecording], most: float) -> bool:
    """Read all clips with a setting; return False, and stop, as soon as more than `most` are read again."""
    retried = 0
    for recording in recordings:
        for index, clip in enumerate(recording.clips):
            window = context.window(len(clip))
            reader.short(recording, index, window)
            retried += recording.runs[index][window].retried
            if retried > most:
                return False
    return True


def encoded(context: Context, lengths: Sequence[int]) -> float:
    """Return the seconds of window that a setting encodes, without retries."""
    return sum(map(context.window, lengths)) / MEL_RATE


def clips_at_floor(context: Context, lengths: Sequence[int]) -> int:
    """Return how many clips are read in the floor's own window."""
    return sum(context.window(length) == context.window(0) for length in lengths)


def expected_seconds(settings: Sequence[Context], lengths: Sequence[int]) -> float:
    """Return an estimate of the seconds of short windows that will be read."""
    first = sorted(settings, key=lambda context: encoded(context, lengths))[:LIKELY_HEARD]
    return sum(sum({context.window(length) for context in first}) for length in lengths) / MEL_RATE


def _unheard(
    settings: Sequence[Context], recordings: Sequence[TrialRecording]
) -> Iterator[tuple[TrialRecording, int, int]]:
    """Yield each recording, index of a clip and window that these settings need and that was not read, once."""
    for recording in recordings:
        for index, clip in enumerate(recording.clips):
            windows = {context.window(len(clip)) for context in settings} - recording.runs[index].keys() - {WINDOW}
            yield from ((recording, index, window) for window in sorted(windows))
