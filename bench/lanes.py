"""Several windows at once: one call on all threads against calls on a thread each, and eight windows against one.

    python -m bench.lanes BUNDLE SOUND     # a Whisper bundle, and a recording of some minutes

Stretches of `SECONDS` are read in windows of 30 s, all that are given together; the first of each only warms up.
"ours" are calls on a thread each, as `replicas.py` settles it where there are several windows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bench import command
from bench.results import Row, alternate, row, seconds, write
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


def engine(bundle: str, lanes: int, clips: Sequence[Audio]) -> WhisperEngine:
    """Return an engine that is ready to read in so many lanes; some clips make it so."""
    used = load(bundle, device="cpu").engine
    assert isinstance(used, WhisperEngine), "a Whisper bundle is needed"
    timing(used, lanes, [clips[index % len(clips)] for index in range(lanes)], 1)()
    return used


def timing(used: WhisperEngine, lanes: int, clips: Sequence[Audio], beam: int) -> Callable[[], float]:
    """Return a measurement of some clips read together in so many lanes, in seconds."""
    options = DecodeOptions(language="en", beam_size=beam, temperature=(0.0,))

    def run() -> float:
        before, replicas.MOST_LANES = replicas.MOST_LANES, lanes
        try:
            return seconds(lambda: used.transcribe(clips, options))
        finally:
            replicas.MOST_LANES = before

    return run


def rows(bundle: str, sound: Audio) -> list[Row]:
    """Measure every count of windows, greedily and with a beam."""
    step = SECONDS * SAMPLE_RATE
    clips = [sound[first : first + step] for first in range(0, len(sound) - step, step)]
    engines = {way: engine(bundle, lanes, clips) for way, lanes in WAYS.items()}
    found = []
    for count in COUNTS:
        for beam in (1, 5):
            chosen = [clips[index % len(clips)] for index in range(count)]
            figures = alternate({way: timing(used, WAYS[way], chosen, beam) for way, used in engines.items()}, RUNS)
            found.append(row(f"{Path(bundle).name}, {count} windows, beam {beam}", "time", "s", figures))
    return found


def main() -> None:
    """Measure every count and write the result file."""
    parser = command.parser(__doc__)
    parser.add_argument("bundle")
    parser.add_argument("sound", help="a recording")
    asked = parser.parse_args()
    print(write("lanes", rows(asked.bundle, decode(asked.sound).samples)))


if __name__ == "__main__":
    main()
