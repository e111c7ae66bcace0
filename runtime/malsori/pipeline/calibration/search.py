"""Which settings are heard: those that could still be taken, the ones of the least to encode first.

What is skipped could not have been chosen, so the choice is the one of hearing all: a setting is passed over when too
few clips are short enough for its floor, or when its windows alone are more to encode than a safe setting needs; it is
given up as soon as more clips than may be are read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...engines.whisper.features import MEL_RATE, WINDOW
from ...engines.whisper.window import Context
from .choice import TIE, WITNESSES, Limits, objection
from .figures import Figures, figures_of
from .listening import Listener, Recording
from .settings import FULL, order

AHEAD = 6  # settings that are mostly heard before a safe one is found


@dataclass(slots=True)
class Progress:
    """Seconds of window heard and, as far as can be told before, in all: time goes with them."""

    say: Callable[[str, float, float], None]
    done: float = 0.0
    total: float = 0.0

    def heard(self, path: Path, window: int) -> None:
        """Count one reading."""
        self.done += window / MEL_RATE
        self.say(f"hearing {path.name}", self.done, max(self.total, self.done))


@dataclass(frozen=True, slots=True)
class Tried:
    """The figures of the settings that were heard, in their order, and those given up as read again too often."""

    heard: tuple[Figures, ...]
    given_up: tuple[Context, ...]


def search(
    listener: Listener,
    recordings: Sequence[Recording],
    settings: Sequence[Context],
    limits: Limits,
    progress: Progress,
    *,
    every: bool = False,
) -> Tried:
    """Hear the settings that can be taken; with `every` all of them, and to the end."""
    least = figures_of(FULL, [recording.take for recording in recordings]).encoded
    heard: list[Figures] = []
    given_up: list[Context] = []
    lengths = [len(clip) for recording in recordings for clip in recording.clips]
    waiting = sorted(settings, key=lambda context: (encoded(context, lengths), order(context)))
    if not every:
        waiting = [context for context in waiting if witnesses(context, lengths) >= WITNESSES]
    while waiting:
        context = waiting.pop(0)
        if not every and encoded(context, lengths) > least * TIE:
            break
        ahead = list(_unheard([context, *waiting[: AHEAD - 1]], recordings))
        progress.total = progress.done + sum(window for *_, window in ahead) / MEL_RATE
        most = len(lengths) if every else limits.max_retries / 100 * len(lengths)
        if not _hear(listener, context, recordings, most):
            given_up.append(context)
            continue
        heard.append(figures_of(context, [recording.take for recording in recordings]))
        if not objection(heard[-1], limits):
            least = min(least, heard[-1].encoded)
    return Tried(tuple(sorted(heard, key=lambda each: order(each.context))), tuple(sorted(given_up, key=order)))


def _hear(listener: Listener, context: Context, recordings: Sequence[Recording], most: float) -> bool:
    """Hear all clips with a setting; return False, and stop, as soon as more than `most` are read again."""
    retried = 0
    for recording in recordings:
        for index, clip in enumerate(recording.clips):
            window = context.window(len(clip))
            listener.short(recording, index, window)
            retried += recording.runs[index][window].retried
            if retried > most:
                return False
    return True


def encoded(context: Context, lengths: Sequence[int]) -> float:
    """Return how many seconds of window a setting has encoded at least: without those read again."""
    return sum(map(context.window, lengths)) / MEL_RATE


def witnesses(context: Context, lengths: Sequence[int]) -> int:
    """Return how many clips are heard in the floor's own window."""
    return sum(context.window(length) == context.window(0) for length in lengths)


def expected(settings: Sequence[Context], lengths: Sequence[int]) -> float:
    """Return how many seconds of short windows are likely to be heard."""
    first = sorted(settings, key=lambda context: encoded(context, lengths))[:AHEAD]
    return sum(sum({context.window(length) for context in first}) for length in lengths) / MEL_RATE


def _unheard(settings: Sequence[Context], recordings: Sequence[Recording]) -> Iterator[tuple[Recording, int, int]]:
    """Yield each clip and window that these settings need and nobody has heard, once."""
    for recording in recordings:
        for index, clip in enumerate(recording.clips):
            windows = {context.window(len(clip)) for context in settings} - recording.runs[index].keys() - {WINDOW}
            yield from ((recording, index, window) for window in sorted(windows))
