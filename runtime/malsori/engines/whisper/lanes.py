"""Which clips are read together: batches that CTranslate2 takes in one call, as even as the lanes reading them want."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

from ..base import DecodeOptions
from .features import WINDOW
from .guards import token_limit
from .prompt import Prompts
from .track import Track

# Windows that a lane reads at once: four take 6 % less time and, of 30 s each, 75 MB more in every lane (stock base).
LANE = 3


def batches(
    tracks: Sequence[Track], lanes: int, options: DecodeOptions, prompts: Prompts, *, sparing: bool
) -> list[list[Track]]:
    """Return the tracks in batches of one window, one prompt's length, which CTranslate2 wants, and one limit.

    Those that are read at a time have at most `batch_size` tracks together, and `LANE` each; `sparing` batches have
    one. The longest come first, so that the lanes end together.
    """

    def alike(track: Track) -> tuple[int, bool, bool, int, int]:
        limit = token_limit(track.size, options.whisper, full=track.window == WINDOW)
        return track.window, track.timed, track.first, len(prompts.leading(track.spoken)), limit

    found = []
    for _, group in groupby(sorted(tracks, key=alike, reverse=True), alike):
        together = list(group)
        bound = 1 if sparing else LANE if lanes > 1 else options.batch_size
        most = min(options.batch_size // lanes, bound)
        rounds = -(-len(together) // (most * lanes))
        found += parts(together, min(rounds * lanes, len(together)))
    return found


def parts(tracks: Sequence[Track], count: int) -> list[list[Track]]:
    """Return the tracks in so many parts, in order, none of which has two more than another, the largest first."""
    cuts = [-(-len(tracks) * index // count) for index in range(count + 1)]
    return [list(tracks[first:stop]) for first, stop in pairwise(cuts)]
