"""The length of the encoder's window for a clip, and which clips share one call. Pure functions of lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ...bundles.manifest import Manifest
from ...types import SAMPLE_RATE
from ..base import DecodeOptions
from .features import HOP, MEL_RATE, WINDOW
from .guards import token_limit
from .options import AudioContext

MARGIN_S = 2.0  # seconds of silence behind a clip, where only a floor was given
# Lengths of windows in seconds. There are few long ones, so that filled clips of a recording share a batch: a decoder
# reads eight windows of one length in 2.6 times the time of one (base, int8, 2 cores).
WINDOW_SECONDS = (*range(1, 13), 15, 20, 25, 30)
RETRY_FACTOR = 1.5  # least length of the window for a retry, over that of the window whose reading was rejected
BATCHES_PER_CALL = 2  # with one batch per call, lanes that are done would wait for the last one


@dataclass(frozen=True, slots=True)
class Context:
    """The shortest window of a model (floor) and the least silence behind a clip (margin), in seconds."""

    floor_s: float = 30.0
    margin_s: float = MARGIN_S

    @classmethod
    def of(cls, manifest: Manifest, asked: AudioContext) -> Context:
        """Return the bundle's context for "auto", the floor `asked` in seconds, or 30 s for "full" and by default."""
        kept = manifest.audio_context
        if asked == "full" or (asked == "auto" and not kept):
            return cls()
        floor = kept["floor_s"] if asked == "auto" else float(asked)
        return cls(floor, kept.get("margin_s", MARGIN_S))

    def window(self, samples: int) -> int:
        """Return the mel frames of the window for a clip of `samples`: the first of `WINDOW_SECONDS` that is enough.

        It depends on the clip alone, so that a text does not change with the neighbours in a batch.
        """
        return _frames_of(max(self.floor_s, samples / SAMPLE_RATE + self.margin_s))


def longer(window: int) -> int:
    """Return the mel frames of the next longer window to retry in, at most `WINDOW`."""
    return _frames_of(window / MEL_RATE * RETRY_FACTOR)


def _frames_of(seconds: float) -> int:
    return next((rung * MEL_RATE for rung in WINDOW_SECONDS if rung >= seconds), WINDOW)


def calls(lengths: Sequence[int], context: Context, options: DecodeOptions) -> list[list[int]]:
    """Return the indices of clips, given their lengths in samples, grouped by call and sorted by window and limit.

    With `options.live` a call has one batch of clips with the same window and limit, so that none waits for another.
    """

    def alike(index: int) -> tuple[int, int]:
        window = context.window(lengths[index])
        return window, token_limit(-(-lengths[index] // HOP), options.whisper, full=window == WINDOW)

    order = sorted(range(len(lengths)), key=alike, reverse=True)  # the longest first: the lanes end together
    groups = [list(group) for _, group in groupby(order, alike)] if options.live else [order]
    size = options.batch_size if options.live else BATCHES_PER_CALL * options.batch_size
    return [group[first : first + size] for group in groups for first in range(0, len(group), size)]
