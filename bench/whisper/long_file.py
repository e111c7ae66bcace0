"""A long file of people reading: the same windows of 30 s in batches, and one window after another.

Everybody gets the same windows and says the same number of words in each, so that only the work on them is compared.
How a file is cut by voice activity detection, and what fallback costs, is seen with nano-whisper (`words.py`).
"""

from __future__ import annotations

from pathlib import Path

from bench.recordings import Audio
from bench.results import Row, alternate, row
from bench.whisper.clips import recording, timed, words_in
from bench.whisper.ours import hear, hear_together
from bench.whisper.peers import BATCH, WINDOW, faster_whisper, faster_whisper_batched, windows

WORDS = words_in(WINDOW)


def rows(case: str, bundle: Path, minutes: float, sequential: bool) -> list[Row]:
    """Time so many minutes in batches, and if wanted window after window."""
    audio = recording(minutes)
    made = [in_batches(case, bundle, audio)]
    return [*made, one_by_one(case, bundle, audio)] if sequential else made


def in_batches(case: str, bundle: Path, audio: Audio) -> Row:
    """Compare with faster-whisper's batched pipeline at the same batch size."""
    cuts = windows(len(audio))
    clips = [audio[start:stop] for start, stop in cuts]
    ours, theirs = hear_together(bundle), faster_whisper_batched(bundle)
    works = {
        "ours": timed("ours", lambda: ours(clips, WORDS), WORDS * len(cuts)),
        "faster-whisper batched": timed("faster-whisper", lambda: theirs(audio, WORDS), WORDS * len(cuts)),
    }
    case = f"{case}, {len(cuts)} windows in batches of {BATCH}"
    return row(case, "time", "s", alternate(works, 1, warm_up=0), target="1x faster-whisper batched")


def one_by_one(case: str, bundle: Path, audio: Audio) -> Row:
    """Compare with faster-whisper's own way through a file."""
    ours, theirs = hear(bundle), faster_whisper(bundle)
    words = WORDS * len(windows(len(audio)))
    works = {
        "ours": timed("ours", lambda: ours(audio, WORDS), words),
        "faster-whisper": timed("faster-whisper", lambda: theirs(audio, WORDS), words),
    }
    return row(f"{case}, one window after another", "time", "s", alternate(works, 1, warm_up=0))
