"""Tracks to batches, each for one call of CTranslate2, of even sizes so that all lanes end together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

from ..base import DecodeOptions
from .features import WINDOW
from .guards import token_limit
from .prompt import Prompts
from .track import Track

# Windows in a batch of a lane. Four take 6 % less time and, of 30 s each, 75 MB more in every lane (stock base).
LANE_WINDOWS = 3


def batches(
    tracks: Sequence[Track], lanes: int, options: DecodeOptions, prompts: Prompts, *, single_windows: bool
) -> list[list[Track]]:
    """Return the tracks in batches with one window, limit and length of prompt, as a call of CTranslate2 needs them.

    The batches read at a time have at most `batch_size` tracks in sum, and `LANE_WINDOWS` each, or one with
    `single_windows`. The longest windows come first, so that the lanes end together.
    """

    def alike(track: Track) -> tuple[int, bool, bool, int, int]:
        limit = token_limit(track.size, options.whisper, full=track.window == WINDOW)
        return track.window, track.timed, track.first, len(prompts.leading(track.spoken)), limit

    found = []
    for _, group in groupby(sorted(tracks, key=alike, reverse=True), alike):
        together = list(group)
        bound = 1 if single_windows else LANE_WINDOWS if lanes > 1 else options.batch_size
        most = min(options.batch_size // lanes, bound)
        rounds = -(-len(together) // (most * lanes))
        found += parts(together, min(rounds * lanes, len(together)))
    return found


def parts(tracks: Sequence[Track], count: int) -> list[list[Track]]:
    """Return the tracks in `count` parts, in order, whose sizes differ by at most 1, the largest first."""
    cuts = [-(-len(tracks) * index // count) for index in range(count + 1)]
    return [list(tracks[first:stop]) for first, stop in pairwise(cuts)]
