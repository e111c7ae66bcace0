"""A window's tokens to segments by their time tokens, and how far it was read (arXiv 2212.04356, section 3.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...types import Word
from .features import MEL_RATE

PRECISION = 0.02  # seconds from one time token to the next
FRAMES = 2  # mel frames from one time token to the next


@dataclass(frozen=True, slots=True)
class WindowSegment:
    """A segment of a window: `start` and `end` in seconds from the window's start, and tokens, time tokens included."""

    start: float
    end: float
    tokens: tuple[int, ...]
    words: tuple[Word, ...] = ()


def split(
    tokens: Sequence[int], timestamp_begin: int, size: int, *, whole: bool = False
) -> tuple[list[WindowSegment], int]:
    """Return the segments of a window with `size` mel frames of sound, and the frame from which to read on.

    A segment ends at a pair of time tokens. Tokens behind the last pair are an unfinished segment, left to the next
    window, unless a single time token ends them, which means silence behind it, or they are the `whole` rest: an ended
    reading of the clip's last sound. A pair at the very end means that more speech follows: the frame is its time.
    """
    is_time = [token >= timestamp_begin for token in tokens]
    cuts = [i for i in range(1, len(tokens)) if is_time[i - 1] and is_time[i]]
    ends_alone = len(tokens) >= 2 and is_time[-1] and not is_time[-2]
    if not cuts:
        times = [token - timestamp_begin for token, time in zip(tokens, is_time, strict=True) if time]
        end = times[-1] * PRECISION if times and times[-1] else size / MEL_RATE
        # In openai/whisper such a segment begins with its window, whatever the first time token.
        begin = times[0] * PRECISION if is_time[:1] == [True] and times[0] * PRECISION < end else 0.0
        return [WindowSegment(begin, end, tuple(tokens))], size
    cuts += [len(tokens)] * ends_alone
    parts = [tokens[first:last] for first, last in zip([0, *cuts], cuts, strict=False)]
    segments = [
        WindowSegment((part[0] - timestamp_begin) * PRECISION, (part[-1] - timestamp_begin) * PRECISION, tuple(part))
        for part in parts
    ]
    rest = tuple(tokens[cuts[-1] :])
    said = whole and not all(is_time[cuts[-1] :])
    if said:
        segments.append(WindowSegment((rest[0] - timestamp_begin) * PRECISION, size / MEL_RATE, rest))
    return segments, size if ends_alone or said else (tokens[cuts[-1] - 1] - timestamp_begin) * FRAMES
