"""Words where nobody speaks: how many a minute each kind of sound gets, with the gate and without, ours and the peer's.

    python -m bench.hallucination [BUNDLE]        # nano-whisper by default; minutes
    python -m bench.hallucination --quick         # does everything run? writes no result

The same weights in malsori and in faster-whisper, both at their defaults but for the beam, and no language given, as
whoever does not know better asks. The sounds are made (`nonspeech.py`); with the recordings of `../shared/speech` there
are also rooms and machines. nano-whisper was trained with clips that nobody speaks in; what a stock model makes of
these sounds is for whoever has one to measure: `BUNDLE` takes any.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bench.nonspeech import RATE, Sound, kinds, words_per_minute
from bench.results import Row, write
from bench.whisper_ours import bundled, freely, load
from bench.whisper_peers import BEAM, THREADS, plain

ROOT = Path(__file__).resolve().parents[1]
RECORDINGS = ROOT.parent / "shared" / "speech"
ROOMS = {  # as their index says: no speech in them
    "rooms and machines (recorded)": (
        "noise/speechbrain_noise1",
        "noise/speechbrain_noise4",
        "noise/speechbrain_noise5",
    ),
    "silences (recorded)": (
        "vad/ina_silence2sec",
        "vad/pyaa_n_IMBOEI4DBL_374.0_375.0",
        "vad/pyaa_n_IOBEWT1S55_174.0_175.0",
        "vad/pyaa_n_J950HTM138_56.0_57.0",
    ),
}
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
    from faster_whisper import WhisperModel

    model = WhisperModel(str(bundle), device="cpu", cpu_threads=THREADS)
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, nargs="?", default=bundled("nano-whisper"))
    parser.add_argument("--quick", action="store_true", help="a few seconds of each; nothing is written")
    asked = parser.parse_args()
    found = []
    for each in rows(asked.bundle, 5.0 if asked.quick else SECONDS, 1 if asked.quick else TIMES):
        print(f"{each.case}: {each.ours:g}, {each.peers}", file=sys.stderr, flush=True)
        found.append(each)
    if not asked.quick:
        print(write("hallucination", found))


if __name__ == "__main__":
    main()
