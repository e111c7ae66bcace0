"""Which clips are best given to one call of the engine: the decision, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ..base import DecodeOptions
from .features import HOP, WINDOW
from .guards import token_limit
from .window import Context

CALLS = 2  # times as many clips as are read at once are best given together: no lane waits for another


def calls(lengths: Sequence[int], context: Context, options: DecodeOptions) -> list[list[int]]:
    """Return the indices of clips of so many samples by call, neighbours by their windows and limits.

    Where somebody waits for the words, a call is what is read at once: none of its clips waits for another reading.
    """

    def alike(index: int) -> tuple[int, int]:
        window = context.window(lengths[index])
        return window, token_limit(-(-lengths[index] // HOP), options.whisper, full=window == WINDOW)

    order = sorted(range(len(lengths)), key=alike, reverse=True)  # the longest first: the lanes end together
    groups = [list(group) for _, group in groupby(order, alike)] if options.live else [order]
    size = options.batch_size if options.live else CALLS * options.batch_size
    return [group[first : first + size] for group in groups for first in range(0, len(group), size)]
