"""How much sound the encoder sees of a clip, and which clips are best given to one call: decisions alone."""

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

MARGIN = 2.0  # seconds, where only a floor was given
# Seconds that windows have. The longer ones are few, so that the filled clips of a recording share a batch: a decoder
# reads eight windows of one length in 2.6 times the time of one (base, int8, 2 cores).
RUNGS = (*range(1, 13), 15, 20, 25, 30)
LONGER = 1.5  # times as long, at least, is the window in which a reading that does not stand is tried again


@dataclass(frozen=True, slots=True)
class Context:
    """The shortest window and the silence behind a clip, in seconds."""

    floor_s: float = 30.0
    margin_s: float = MARGIN

    @classmethod
    def of(cls, manifest: Manifest, asked: AudioContext) -> Context:
        """Return what was asked for: the bundle's own for "auto", a window of 30 s for "full" and where it has none."""
        kept = manifest.audio_context
        if asked == "full" or (asked == "auto" and not kept):
            return cls()
        floor = kept["floor_s"] if asked == "auto" else float(asked)
        return cls(floor, kept.get("margin_s", MARGIN))

    def window(self, samples: int) -> int:
        """Return the mel frames of the window for a clip of that many samples: the first of `RUNGS` that is enough.

        It depends on nothing but the clip: a text must not change with the neighbours in a batch.
        """
        return _rung(max(self.floor_s, samples / SAMPLE_RATE + self.margin_s))


def longer(window: int) -> int:
    """Return the mel frames of the window to try behind one of `window`, `WINDOW` at last."""
    return _rung(window / MEL_RATE * LONGER)


def _rung(seconds: float) -> int:
    return next((rung * MEL_RATE for rung in RUNGS if rung >= seconds), WINDOW)


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
