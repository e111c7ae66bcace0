"""How much sound the encoder sees of a clip: the decision, and nothing else.

Whisper was trained on 30 s. CTranslate2 takes less, and is as much faster; a model that was not taught to, shown just
the clip, repeats itself without end (futo-org/whisper-acft: word error rate 226 % for tiny.en). What large models bear
is a floor of 10 s with 2 s of silence behind the speech: about three times faster on clips of 2 to 6 s, same words
(handy-computer/transcribe.cpp PR 149). So a window is the clip and a margin, at least a floor, both kept per bundle.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...bundles.manifest import Manifest
from ...types import SAMPLE_RATE
from .features import MEL_RATE, WINDOW
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
