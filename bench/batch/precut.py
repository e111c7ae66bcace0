"""The engine by itself, on clips that were cut before: what a batch could do if reading and the gate cost nothing.

python -m bench.batch.precut MODEL FOLDER     # prints seconds and clips as JSON

All WAV files of the folder are cut as `transcribe` cuts them; then the time is taken in which the engine reads the
clips in the batches that it asks for. It knows all of them at once, which a batch never does.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from malsori import Transcriber, load
from malsori.engines.base import DecodeOptions, Engine
from malsori.types import SAMPLE_RATE, Audio, Hypothesis, Segment


class Cutter:
    """An engine that keeps the clips that it is given, and says of each that there was something all through it."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.clips = engine, list[Audio]()

    def __getattr__(self, name: str) -> Any:
        """Return what the true engine has: how long its clips may be, and which of them share a call."""
        return getattr(self._engine, name)

    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        """Keep the clips."""
        self.clips += clips
        return [Hypothesis((Segment("something", 0.0, len(clip) / SAMPLE_RATE, 1.0),), "en", 1.0) for clip in clips]


def cut(transcriber: Transcriber, paths: Sequence[Path]) -> list[Audio]:
    """Return the clips of all files."""
    cutter = Cutter(transcriber.engine)
    for _ in Transcriber(cutter, detector=transcriber.detector).transcribe_many(paths, language="en"):
        pass
    return cutter.clips


def read(engine: Engine, clips: Sequence[Audio]) -> float:
    """Return the seconds that the engine takes for the clips."""
    options = DecodeOptions(language="en")
    batches = engine.batches([len(clip) for clip in clips], options)
    begun = time.perf_counter()
    for batch in batches:
        engine.transcribe([clips[index] for index in batch], options)
    return time.perf_counter() - begun


def main() -> None:
    """Cut, read, tell."""
    transcriber = load(sys.argv[1], device="cpu")
    begun = time.perf_counter()
    clips = cut(transcriber, sorted(Path(sys.argv[2]).glob("*.wav")))
    cutting, cpu = time.perf_counter() - begun, time.process_time()
    seconds = read(transcriber.engine, clips)
    told = {"seconds": seconds, "cpu": time.process_time() - cpu, "cutting": cutting, "clips": len(clips)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
