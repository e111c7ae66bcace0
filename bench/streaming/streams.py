"""How many streams one engine bears in real time, and how many `pipeline/capacity/admission.py` foretells.

    python -m bench.streaming streams WHISPER XLSR   # the folders WORK of bench.whisper and bench.wav2vec2; 10 minutes

People speak Korean sentences with pauses, each at another place of the same recordings, in blocks of 100 ms, through
detector, gate, sessions and the one scheduler. Their number grows until one final in twenty comes a second or more
after the gate has closed its utterance. The full-size models have random weights, which say as many tokens as they may:
about three for each second of sound; they run without partials.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median, stdev
from typing import Any

import numpy as np

import malsori
from bench import command
from bench.places import MODELS
from bench.results import Row, others, write
from bench.streaming.speech import Recording, conversation
from bench.streaming.streams_runs import LIMIT_S, MOST_STALE, Case, Run, measured
from bench.whisper.clips import words_in
from bench.whisper.ours import forced
from malsori import SAMPLE_RATE, Audio, TranscribeOptions, Transcriber
from malsori.engines.base import DecodeOptions, Engine
from malsori.pipeline.capacity.admission import Admission, admission
from malsori.pipeline.capacity.costs import SESSION, costs_of
from malsori.pipeline.capacity.simulation import Talk
from malsori.pipeline.live.utterance import LiveCutter
from malsori.types import Hypothesis

WINDOWS = {"calibrated": "window calibrated to 5 s", "stock": "window as stock"}
SIZES = (("tiny", "calibrated"), ("tiny", "stock"), ("small", "calibrated"), ("turbo", "calibrated"))
RECORDINGS = 6
SENTENCES = 8
PAUSE = (1.0, 4.0)  # seconds


class Talkative:
    """A Whisper of random weights, which never ends by itself: it says as much as people say in so much sound."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        """Let each clip be said in as many tokens as the longest has."""
        words = words_in(max(len(clip) for clip in clips) / SAMPLE_RATE)
        whisper = replace(options.whisper, max_new_tokens=words)
        return self._engine.transcribe(clips, replace(options, whisper=whisper), previous)


def cases(whisper: Path, xlsr: Path) -> Iterator[tuple[Case, TranscribeOptions]]:
    """Yield the models, each loaded when it is its turn."""
    ctc = malsori.load(str(MODELS / "nano-ctc-ko"), device="cpu")
    yield Case("nano-ctc-ko, with partials", ctc, True), TranscribeOptions()
    words = malsori.load(str(MODELS / "nano-whisper"), device="cpu")
    yield Case("nano-whisper", words, False), TranscribeOptions(language="ko")
    yield Case("nano-whisper, with partials", words, True), TranscribeOptions(language="ko")
    options = TranscribeOptions(**forced(1))
    for size, name in SIZES:
        loaded = malsori.load(str(whisper / size / name), device="cpu", verify=False)
        case = f"Whisper {size}, random weights, {WINDOWS[name]}"
        yield Case(case, Transcriber(Talkative(loaded.engine)), False), options
    large = malsori.load(str(xlsr / "int8"), device="cpu", verify=False)
    yield Case("XLSR-large, random weights", large, False), TranscribeOptions()


def talk_of(recordings: Sequence[Recording]) -> Talk:
    """Return how people speak in the recordings, for the simulation; the gate's padding is part of the speech."""
    lengths = [spoken[-1].end - spoken[0].start + 0.4 for each in recordings for spoken in each.sentences]
    spread = stdev(math.log(length) for length in lengths)
    low, high = PAUSE
    return Talk(median(lengths), spread, min(lengths), max(lengths), low - 0.4, (low + high) / 2 - low)


def foretell(case: Case, options: TranscribeOptions, speech: Audio, talk: Talk) -> list[Admission]:
    """Return what is foretold from costs that are measured now: for finals, and for most partials as well."""
    engine, decoding = case.transcriber.engine, options.decoding
    listen = LiveCutter(case.transcriber.detector(), options.speech.gate).push
    costs = costs_of(engine, speech, decoding, SESSION if case.partials else None, listen)
    print(f"  {costs}")
    limits = (1.0, MOST_STALE) if case.partials else (1.0,)
    return [
        admission(costs, LIMIT_S, most_stale=limit, batches=engine.batches, options=decoding, talk=talk)
        for limit in limits
    ]


def rows(case: Case, foretold: Sequence[Admission], runs: Sequence[Run]) -> Iterator[Row]:
    """Yield the figures of a case: the most streams that kept the limit, and each run."""
    kept = [run for run in runs if run.kept]
    most = max((run.streams for run in kept), default=0)
    yield Row(case.name, "streams with p95 below 1 s", "streams", most, {"foretold": foretold[0].streams})
    if case.partials:
        words = max((run.streams for run in kept if run.dropped <= MOST_STALE), default=0)
        name = f"the same, and at most {MOST_STALE:.0%} of partials dropped"
        yield Row(case.name, name, "streams", words, {"foretold": foretold[1].streams})
    for run in runs:
        half, p95 = round(median(run.waits or [0.0]), 3), round(run.p95_s, 3)
        label = f"{run.streams} streams, end of speech to final, p95"
        yield Row(case.name, label, "s", p95, target="below 1", runs=len(run.waits), spread=(half, p95))
        if case.partials:
            total = run.partials + run.stale
            yield Row(
                case.name, f"{run.streams} streams, partials dropped", "%", round(100 * run.dropped, 1), runs=total
            )


def main() -> None:
    """Measure all models and write the result."""
    parser = command.parser(__doc__)
    parser.add_argument("whisper", type=Path, help="the folder WORK of bench.whisper")
    parser.add_argument("xlsr", type=Path, help="the folder WORK of bench.wav2vec2")
    parser.add_argument("--only", metavar="CASE", help="this one anew; the others stay as they were measured last")
    asked = parser.parse_args()
    recordings = [conversation(SENTENCES, PAUSE, seed) for seed in range(RECORDINGS)]
    tracks = [each.audio for each in recordings]
    talk = talk_of(recordings)
    speech = np.concatenate(
        [
            each.audio[round(spoken[0].start * SAMPLE_RATE) : round(spoken[-1].end * SAMPLE_RATE)]
            for each in recordings[:2]
            for spoken in each.sentences
        ]
    )
    print(talk)
    made: list[Row] = []
    for case, options in cases(asked.whisper, asked.xlsr):
        if asked.only and asked.only != case.name:
            continue
        print(case.name)
        foretold = foretell(case, options, speech, talk)
        print(f"  {foretold}", flush=True)
        first, growth = (foretold[-1].streams, 1.5) if case.partials else (round(0.7 * foretold[0].streams), 1.3)
        made += rows(case, foretold, measured(case, options, tracks, first, growth))
    print(write("streams", [*made, *(others("streams", made) if asked.only else [])]))
