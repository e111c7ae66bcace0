"""Ten minutes, half an hour and two hours through nano-ctc-ko: peak memory must not grow, and no text may change.

    python -m bench.long_audio

Every figure is a fresh process of its own, which tells its peak (VmHWM) and how long it took to transcribe, loading
left out. Three kinds of sound, made on the fly into a temporary WAV: the Korean samples over and over, with their
pauses; the same with all pauses cut out, so that the gate finds none; and noise, with the gate off.
"""

from __future__ import annotations

import sys
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import command
from bench.places import MODELS, SAMPLES
from bench.processes import printed_json
from bench.results import Row, row, write
from malsori.audio import decode, decode_blocks
from malsori.engines.base import DecodeOptions
from malsori.pipeline import Transcriber, load
from malsori.pipeline.files.stretches import clips_without_gate, stretches_of
from malsori.types import SAMPLE_RATE, Audio
from malsori.vad import GateOptions, SileroDetector, speech_spans

MODEL = MODELS / "nano-ctc-ko"
MINUTES = (10, 30, 120)
ONE_BY_ONE = 10  # minutes
GROWTH = 10  # MB that two hours may take more than ten minutes: the transcript itself, and the allocator's moods
PROGRAM = f"""
import json, sys, time, malsori
from bench.processes import memory_mb
transcriber = malsori.load({str(MODEL)!r}, device="cpu")
start = time.perf_counter()
result = transcriber.transcribe(sys.argv[1], vad=sys.argv[2] == "on")
seconds = time.perf_counter() - start
peak = memory_mb()
print(json.dumps({{"seconds": seconds, "peak": peak, "duration": result.duration, "segments": len(result.segments)}}))
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A sound to repeat, and whether the gate looks for speech in it."""

    name: str
    sound: Audio
    vad: bool


def cases() -> list[Case]:
    """Return the three kinds of sound, some seconds of each."""
    rest = np.zeros(SAMPLE_RATE, np.float32)
    samples = [decode(SAMPLES / f"{name}.wav").samples for name in ("korean", "numbers")]
    speech = np.concatenate([part for sample in samples for part in (sample, rest)])
    bare = GateOptions(padding_ms=0, min_silence_ms=100)
    spans = speech_spans(speech, SileroDetector(), bare)
    unbroken = np.concatenate([speech[span.start : span.stop] for span in spans])
    noise = np.random.default_rng(0).normal(0, 0.1, 60 * SAMPLE_RATE).astype(np.float32)
    return [
        Case("speech, gate on", speech, True),
        Case("speech without a pause, gate on", unbroken, True),
        Case("noise, gate off", noise, False),
    ]


def write_wav(path: Path, sound: Audio, minutes: float) -> None:
    """Write a sound over and over, as PCM16, holding one round of it."""
    data = np.rint(sound.clip(-1, 1) * 32_767).astype("<i2").tobytes()
    size = 2 * round(minutes * 60 * SAMPLE_RATE)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        while size > 0:
            file.writeframes(data[:size])
            size -= len(data)


def transcribe(path: Path, *, vad: bool) -> dict[str, float]:
    """Transcribe in a process of its own; return its `peak` in MB, its `seconds`, and what it found."""
    found: dict[str, float] = printed_json("-c", PROGRAM, str(path), "on" if vad else "off")
    return found


def growth(case: Case, folder: Path) -> list[Row]:
    """Measure one kind of sound in all lengths, each against the shortest."""
    rows, shortest = [], 0.0
    for minutes in MINUTES:
        path = folder / "sound.wav"
        write_wav(path, case.sound, minutes)
        found = transcribe(path, vad=case.vad)
        name = f"{minutes} min of {case.name}"
        peaks = {"ours": [found["peak"]]}
        if shortest:
            peaks[f"{MINUTES[0]} min"] = [shortest]
        target = f"below {shortest + GROWTH:.0f}" if shortest else ""
        rows.append(row(name, "peak memory", "MB", peaks, target=target, digits=1))
        rows.append(
            row(name, "real-time factor", "s per s", {"ours": [found["seconds"] / found["duration"]]}, digits=4)
        )
        print(
            f"{name}: {found['peak']:.1f} MB, {found['seconds']:.0f} s, {found['segments']} segments", file=sys.stderr
        )
        shortest = shortest or found["peak"]
    return rows


def one_by_one(case: Case, folder: Path, transcriber: Transcriber) -> Row:
    """Count the pieces of a recording whose text alone is not the one that they have in its transcript."""
    path = folder / "sound.wav"
    write_wav(path, case.sound, ONE_BY_ONE)
    together = [segment.text for segment in transcriber.transcribe(path, vad=case.vad).segments]
    alone = list(texts(path, transcriber, vad=case.vad))
    changed = sum(mine != theirs for mine, theirs in zip(together, alone, strict=False))
    changed += abs(len(together) - len(alone))
    name = f"{ONE_BY_ONE} min of {case.name}, {len(alone)} pieces with words"
    return row(name, "other texts than one by one", "pieces", {"ours": [changed]}, target="0", digits=0)


def texts(path: Path, transcriber: Transcriber, *, vad: bool) -> Iterator[str]:
    """Yield what is heard in each piece of a recording, one engine call a piece."""
    longest = transcriber.engine.longest_clip
    with decode_blocks(path) as blocks:
        gate = GateOptions(max_speech_s=longest)
        for piece in stretches_of(blocks, SileroDetector(), gate) if vad else clips_without_gate(blocks, longest):
            (heard,) = transcriber.engine.transcribe([piece.audio], DecodeOptions())
            yield from (segment.text for segment in heard.segments)


def main() -> None:
    """Measure everything and write the result file."""
    command.parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kinds = cases()
        rows = [each for case in kinds for each in growth(case, Path(folder))]
        transcriber = load(MODEL, device="cpu")
        rows += [one_by_one(case, Path(folder), transcriber) for case in kinds]
    print(write("long_audio", rows))


if __name__ == "__main__":
    main()
