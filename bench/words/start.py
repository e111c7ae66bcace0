"""The first words of a new process with stock weights: everybody seen from outside, from start to end, in turn."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench import startup
from bench.recordings import Recording
from bench.results import Row
from bench.whisper.peers import BEAM

SECONDS = 5.0
TARGETS = ("1.8x faster-whisper", "1x faster-whisper")  # of time and of memory
FASTER_WHISPER = f"""
import sys
from faster_whisper import WhisperModel
model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8", local_files_only=True)
segments, _ = model.transcribe(sys.argv[2], language="en", beam_size={BEAM})
print(" ".join(segment.text for segment in segments))
"""


def nearest(clips: Sequence[Recording]) -> Recording:
    """Return the English clip whose length is nearest to 5 s."""
    english = [clip for clip in clips if clip.name.startswith("en/")]
    return min(english, key=lambda clip: abs(clip.seconds - SECONDS))


def first_words(name: str, ours: Path, theirs: Path, clip: Recording, runs: int) -> list[Row]:
    """Time processes that hear one clip, and their peaks of memory."""
    asked = ["--model", str(ours), "--language", "en", "--device", "cpu", "--compute-type", "int8"]
    commands = {
        "ours": [sys.executable, "-m", "malsori", "transcribe", str(clip.path), *asked],
        "faster-whisper": [sys.executable, "-c", FASTER_WHISPER, str(theirs), str(clip.path)],
    }
    case = f"{name}, first words of a clip of {clip.seconds:.1f} s, new process"
    return startup.first_words(case, commands, runs, TARGETS if name == "base" else ("", ""))
