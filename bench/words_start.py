"""The first words of a new process with stock weights: everybody seen from outside, from start to end, in turn."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.results import Row, row
from bench.startup import run
from bench.whisper_peers import BEAM
from bench.words_sets import Clip

SECONDS = 5.0
TARGET = "1.8x faster-whisper"
FASTER_WHISPER = f"""
import sys
from faster_whisper import WhisperModel
model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8", local_files_only=True)
segments, _ = model.transcribe(sys.argv[2], language="en", beam_size={BEAM})
print(" ".join(segment.text for segment in segments))
"""


def nearest(clips: Sequence[Clip]) -> Clip:
    """Return the English clip whose length is nearest to 5 s."""
    english = [clip for clip in clips if clip.name.startswith("en/")]
    return min(english, key=lambda clip: abs(clip.seconds - SECONDS))


def first_words(name: str, ours: Path, theirs: Path, clip: Clip, runs: int) -> list[Row]:
    """Time processes that hear one clip, and their peaks of memory; the first of each only warms the disk's cache."""
    asked = ["--model", str(ours), "--language", "en", "--device", "cpu", "--compute-type", "int8"]
    commands = {
        "ours": [sys.executable, "-m", "malsori", "transcribe", str(clip.path), *asked],
        "faster-whisper": [sys.executable, "-c", FASTER_WHISPER, str(theirs), str(clip.path)],
    }
    seen: dict[str, list[tuple[float, float]]] = {each: [] for each in commands}
    for turn in range(runs + 1):
        for each, command in commands.items():
            figure = run(command)
            if turn:
                seen[each].append(figure)
    case = f"{name}, first words of a clip of {clip.seconds:.1f} s, new process"
    times = {each: [seconds for seconds, _ in pairs] for each, pairs in seen.items()}
    peaks = {each: [memory for _, memory in pairs] for each, pairs in seen.items()}
    return [
        row(case, "time", "s", times, target=TARGET if name == "base" else ""),
        row(case, "peak memory", "MB", peaks, digits=0, target="1x faster-whisper" if name == "base" else ""),
    ]
