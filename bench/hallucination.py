"""Words where nobody speaks: how many a minute each kind of sound gets, with the gate and without, ours and the peer's.

    python -m bench.hallucination [BUNDLE]        # nano-whisper by default; minutes
    python -m bench.hallucination --quick         # does everything run? writes no result

The same weights in malsori and in faster-whisper, both at their defaults but for the beam, and no language given, as
whoever does not know better asks. The sounds are made (`nonspeech.py`); with the recordings of `../shared/speech` there
are also rooms and machines. nano-whisper was trained with clips that nobody speaks in; what a stock model makes of
these sounds is for whoever has one to measure: `BUNDLE` takes any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bench import command
from bench.nonspeech import Sound, kinds, words_per_minute
from bench.places import MODELS, RECORDINGS
from bench.recordings import RATE, ROOMS
from bench.results import Row, tell, write
from bench.whisper.ours import freely, load
from bench.whisper.peers import BEAM, faster_model, plain

SECONDS, TIMES = 30.0, 4  # of each made sound, and how many different ones
Hear = Callable[[Sound, bool], str]
"""What is heard in a sound, with or without voice activity detection."""


def sounds(seconds: float, times: int) -> Iterator[tuple[str, list[Sound]]]:
    """Yield every kind of sound with examples of it."""
    for name, make in kinds().items():
        yield name, [make(np.random.default_rng(seed), seconds) for seed in range(times)]
    from malsori.audio import decode

    for name, files in ROOMS.items():
        paths = [RECORDINGS / f"{file}.flac" for file in files]
        if all(path.exists() for path in paths):
            yield name, [decode(path).samples for path in paths]


def ours(bundle: Path) -> Hear:
    """Open the bundle in malsori."""
    transcriber = load(bundle)
    return lambda sound, vad: freely(transcriber, sound, vad=vad, beam_size=BEAM)[0]


def faster_whisper(bundle: Path) -> Hear:
    """Open the bundle in faster-whisper."""
    model = faster_model(bundle)
    return lambda sound, vad: " ".join(plain(model, sound, vad_filter=vad, beam_size=BEAM))


def rows(bundle: Path, seconds: float, times: int) -> Iterator[Row]:
    """Yield the words a minute of every kind of sound, with the gate and then without."""
    hearers = {"ours": ours(bundle), "faster-whisper": faster_whisper(bundle)}
    found = list(sounds(seconds, times))
    for vad in (True, False):
        for name, examples in found:
            length = sum(map(len, examples)) / RATE
            heard = {
                who: round(words_per_minute([hear(each, vad) for each in examples], length), 2)
                for who, hear in hearers.items()
            }
            mine = heard.pop("ours")
            yield Row(f"{name}, VAD {'on' if vad else 'off'}", "words", "a minute", mine, heard, {}, target(name, vad))


def target(name: str, vad: bool) -> str:
    """Return what is asked for: nothing in silence and next to nothing in the rest, where there is a gate."""
    if not vad:
        return ""
    return "0" if name == "silence" else "at most 1"


def main() -> None:
    """Listen to everything and write the result file."""
    parser = command.parser(__doc__)
    parser.add_argument("bundle", type=Path, nargs="?", default=MODELS / "nano-whisper")
    parser.add_argument("--quick", action="store_true", help="a few seconds of each; nothing is written")
    asked = parser.parse_args()
    found = []
    for each in rows(asked.bundle, 5.0 if asked.quick else SECONDS, 1 if asked.quick else TIMES):
        tell([each])
        found.append(each)
    if not asked.quick:
        print(write("hallucination", found))


if __name__ == "__main__":
    main()
