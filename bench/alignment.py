"""How far the times of aligned words are from the truth, on speech whose words' times are known to the sample.

    python -m bench.alignment          # needs the library of espeak-ng

The clips are sentences and voices of espeak-ng that nano-ctc-ko was never trained on (`export/nano/timed_speech.py`), a
third of them with a pause between two words, clean and in noise 20 dB below the speech. Truth is where a word can be
heard first and last; against espeak's own events, which count the silent closure of a stop to its word, in rows of
their own. Whisper's words are compared before and after `align_with`, in clips that it hears rightly. The spread of a
median is from the 25th to the 75th percentile, that of a 95th from the 90th to the worst.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

import malsori
from bench import command
from bench.places import MODELS
from bench.results import Row, seconds, write
from bench.time_errors import NOISE, PERCENTILES, error_row
from export.nano.timed_speech import TimedClip, TimedWord, draw_timed
from malsori.engines.ctc.viterbi import Chain, best_path

CLIPS = 200
WHISPER_CLIPS = 40
TARGETS = {50: "at most 20", 95: "at most 60"}


def clips() -> list[TimedClip]:
    """Speak the same sentences every time; every third has a pause in it."""
    return [draw_timed(random.Random(f"alignment-{i}"), held_out=True, pause=i % 3 == 2) for i in range(CLIPS)]


def errors(spoken: Sequence[TimedClip], transcriber: malsori.Transcriber) -> dict[str, list[float]]:
    """Return how many milliseconds the times of all words are off, absolute, by what they are times of."""
    found: dict[str, list[float]] = {"starts": [], "ends": [], "starts, by events": [], "ends, by events": []}
    for clip in spoken:
        words = malsori.align(clip.audio, clip.text, transcriber).words
        for word, true in zip(words, clip.words, strict=True):
            _add(found, word, true)
    found["starts and ends"] = found["starts"] + found["ends"]
    return found


def _add(found: dict[str, list[float]], word: malsori.AlignedWord, true: TimedWord) -> None:
    found["starts"].append(1000 * abs(word.start - true.heard_start))
    found["ends"].append(1000 * abs(word.end - true.heard_end))
    found["starts, by events"].append(1000 * abs(word.start - true.start))
    found["ends, by events"].append(1000 * abs(word.end - true.end))


def rows_of(case: str, found: dict[str, list[float]]) -> list[Row]:
    """Return the median and the 95th percentile of each kind of error."""
    return [
        error_row(f"{case}, {what}", {"ours": values}, percent, TARGETS[percent] if what == "starts and ends" else "")
        for what, values in found.items()
        for percent in PERCENTILES
    ]


def whisper_rows(spoken: Sequence[TimedClip], aligner: malsori.Transcriber) -> list[Row]:
    """Compare the times of Whisper's words with those that `align_with` gives them."""
    whisper = malsori.load(str(MODELS / "nano-whisper"), threads=1)
    own: list[float] = []
    ours: list[float] = []
    for clip in spoken:
        coarse = whisper.transcribe(clip.audio, language="ko", word_timestamps=True)
        if coarse.text == clip.text:
            own += _distances(coarse, clip)
            ours += _distances(whisper.transcribe(clip.audio, language="ko", align_with=aligner), clip)
    figures = {"ours": ours, "Whisper's own": own} if own else {"ours": ours}
    return [error_row("nano-whisper with align_with, starts and ends", figures, each) for each in PERCENTILES]


def _distances(transcript: malsori.Transcript, clip: TimedClip) -> list[float]:
    words = [word for segment in transcript.segments for word in segment.words]
    pairs = list(zip(words, clip.words, strict=True))
    starts = [1000 * abs(word.start - true.heard_start) for word, true in pairs]
    return starts + [1000 * abs(word.end - true.heard_end) for word, true in pairs]


def path_time(minutes: int) -> Row:
    """Time the best path alone for that many minutes of speech, 12 letters a second over 72 tokens."""
    rng = np.random.default_rng(0)
    frames, letters = minutes * 60 * 50, minutes * 60 * 12
    chain = Chain.of(rng.integers(1, 72, letters), np.zeros(letters + 1, np.intp))
    scores = rng.normal(size=(512, 72))
    took = seconds(lambda: best_path(chain, frames, lambda start, stop: scores[: stop - start]))
    return Row(f"best path, {minutes} min of speech", "time", "s", round(took, 2))


def main() -> None:
    """Measure everything and write the result file."""
    command.parser(__doc__).parse_args()
    transcriber, clean = malsori.load(str(MODELS / "nano-ctc-ko"), threads=1), clips()
    noisy = [clip.noisy(np.random.default_rng(index), NOISE) for index, clip in enumerate(clean)]
    rows = rows_of("clean", errors(clean, transcriber))
    rows += rows_of(f"noise at {NOISE:.0f} dB", errors(noisy, transcriber))
    rows += whisper_rows(clean[:WHISPER_CLIPS], transcriber)
    rows += [path_time(minutes) for minutes in (1, 10, 60)]
    print(write("alignment", rows))


if __name__ == "__main__":
    main()
