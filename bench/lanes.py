"""Several windows at once: one call on all threads against calls on a thread each, and eight windows against one.

    python -m bench.lanes BUNDLE SOUND     # a Whisper bundle, and a recording of some minutes

Stretches of `SECONDS` are read in windows of 30 s, all that are given together; the first of each only warms up.
"ours" are calls on a thread each, as `replicas.py` settles it where there are several windows.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.results import Row, alternate, row, write
from malsori import load
from malsori.audio import decode
from malsori.engines.base import DecodeOptions
from malsori.engines.whisper import replicas
from malsori.engines.whisper.engine import WhisperEngine
from malsori.types import SAMPLE_RATE, Audio

SECONDS = 25
COUNTS = (1, 2, 8)  # windows
RUNS = 3
WAYS = {"ours": replicas.MOST_LANES, "one call on all threads": 1}  # lanes


def engine(bundle: str, lanes: int) -> WhisperEngine:
    """Return an engine that never reads in more lanes than these."""
    used = load(bundle, device="cpu").engine
    assert isinstance(used, WhisperEngine), "a Whisper bundle is needed"
    lane = used._network.lanes
    if lanes == 1:
        used._network.lanes = lambda windows, **_: 1  # type: ignore[method-assign]
    else:
        lane(lanes)
    return used


def timing(used: WhisperEngine, clips: Sequence[Audio], beam: int) -> Callable[[], float]:
    """Return a measurement of some clips read together, in seconds."""
    options = DecodeOptions(language="en", beam_size=beam, temperature=(0.0,))

    def run() -> float:
        start = time.perf_counter()
        used.transcribe(clips, options)
        return time.perf_counter() - start

    return run


def rows(bundle: str, sound: Audio) -> list[Row]:
    """Measure every count of windows, greedily and with a beam."""
    step = SECONDS * SAMPLE_RATE
    clips = [sound[first : first + step] for first in range(0, len(sound) - step, step)]
    engines = {way: engine(bundle, lanes) for way, lanes in WAYS.items()}
    found = []
    for count in COUNTS:
        for beam in (1, 5):
            chosen = [clips[index % len(clips)] for index in range(count)]
            figures = alternate({way: timing(used, chosen, beam) for way, used in engines.items()}, RUNS)
            found.append(row(f"{Path(bundle).name}, {count} windows, beam {beam}", "time", "s", figures))
    return found


if __name__ == "__main__":
    print(write("lanes", rows(sys.argv[1], decode(sys.argv[2]).samples)))
