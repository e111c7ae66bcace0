"""What a short window does to nano-whisper's words, and 13 minutes of its sentences against faster-whisper's batches.

The sentences and voices are those that no nano model was trained on (`export/nano/speech.py`); they need espeak-ng.
Language is given, everything else is at its defaults: fallback, guards and retries are on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jiwer
import numpy as np

from bench.places import MODELS
from bench.recordings import RATE, Audio
from bench.results import Row, alternate, row
from bench.whisper.ours import Window, freely, load
from bench.whisper.peers import BATCH, faster_model, plain
from export.nano.publish import surrounded
from export.nano.speech import Utterance, held_out_corpus

MODEL = "nano-whisper"
BUNDLE = MODELS / MODEL
WINDOWS: tuple[Window, ...] = ("auto", 10.0, 6.0)
PAUSE = 0.8  # seconds between the sentences of the long file
Hear = Callable[[Utterance], tuple[str, bool]]
"""What is heard of a sentence, and whether it was heard again at 30 s."""


@dataclass(slots=True)
class Heard:
    """All that somebody has heard, clip by clip."""

    spoken: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    again: list[bool] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, spoken: str, heard: str, again: bool, seconds: float) -> None:
        """Count one clip."""
        self.spoken.append(spoken)
        self.heard.append(heard)
        self.again.append(again)
        self.seconds.append(seconds)

    @property
    def rate(self) -> float:
        """The word error rate in percent."""
        return round(100 * jiwer.wer(self.spoken, self.heard), 2)


def rows(work: Path, clips: int, minutes: float) -> list[Row]:
    """Measure short windows on so many clips, and a file of so many minutes."""
    utterances = held_out_corpus(work).utterances[:clips]
    return [*by_window(utterances), *at_length([each for each in utterances if each.language == "en"], minutes)]


def by_window(utterances: Sequence[Utterance]) -> list[Row]:
    """Compare the error rates at short windows with those at 30 s, ours and faster-whisper's, and count the retries."""
    transcriber, peer = load(BUNDLE), faster_model(BUNDLE)

    def ours(window: Window) -> Hear:
        return lambda each: freely(
            transcriber, surrounded(each), language=each.language, vad=False, audio_context=window
        )

    def theirs(each: Utterance) -> tuple[str, bool]:
        return " ".join(plain(peer, surrounded(each), language=each.language)), False

    hearers = {str(window): ours(window) for window in (*WINDOWS, "full")} | {"faster-whisper": theirs}
    results = in_turn(hearers, utterances)
    return [each for window in WINDOWS for each in rows_of(window, results, len(utterances))]


def in_turn(hearers: dict[str, Hear], utterances: Sequence[Utterance]) -> dict[str, Heard]:
    """Let everybody hear everything, clip by clip in turn."""
    results = {name: Heard() for name in hearers}
    for each in utterances:
        for name, hear in hearers.items():
            start = time.perf_counter()
            text, again = hear(each)
            results[name].add(each.text, text, again, time.perf_counter() - start)
    return results


def rows_of(window: Window, results: dict[str, Heard], clips: int) -> list[Row]:
    """Return the rows of one short window beside the full one and faster-whisper's."""
    mine = results[str(window)]
    peers = {"window of 30 s": results["full"], "faster-whisper": results["faster-whisper"]}
    case = f"{MODEL}, {clips} clips, window {window if window == 'auto' else f'of {window:g} s'}"
    rates = {name: each.rate for name, each in peers.items()}
    times = {"ours": mine.seconds} | {name: each.seconds for name, each in peers.items()}
    return [
        Row(case, "WER", "%", mine.rate, rates, {}, f"at most {results['full'].rate + 0.5:g}", clips),
        Row(case, "heard again at 30 s", "% of clips", round(100 * sum(mine.again) / clips, 1), runs=clips),
        row(case, "time", "s", times),
    ]


def at_length(utterances: Sequence[Utterance], minutes: float) -> list[Row]:
    """Compare a long file of sentences with pauses: everybody's own voice activity detection and batches."""
    from faster_whisper import BatchedInferencePipeline

    audio, text = speech(utterances, minutes)
    transcriber, peer = load(BUNDLE), faster_model(BUNDLE)
    batched = BatchedInferencePipeline(peer)
    hearers: dict[str, Callable[[], str]] = {
        "ours": lambda: freely(transcriber, audio, language="en", batch_size=BATCH)[0],
        "faster-whisper batched": lambda: " ".join(plain(batched, audio, language="en", batch_size=BATCH)),
        "faster-whisper": lambda: " ".join(plain(peer, audio, language="en", vad_filter=True)),
    }
    said: dict[str, str] = {}

    def timed(name: str) -> float:
        start = time.perf_counter()
        said[name] = hearers[name]()
        return time.perf_counter() - start

    times = alternate({name: (lambda name=name: timed(name)) for name in hearers}, 1, warm_up=0)
    rates = {name: round(100 * jiwer.wer(text, heard), 2) for name, heard in said.items()}
    case = f"{MODEL}, {minutes:g} min of sentences, batches of {BATCH}"
    ours = rates.pop("ours")
    return [row(case, "time", "s", times, target="1x faster-whisper batched"), Row(case, "WER", "%", ours, rates)]


def speech(utterances: Sequence[Utterance], minutes: float) -> tuple[Audio, str]:
    """Return sentences with pauses, over and over until there are so many minutes, and their words."""
    rest = np.zeros(round(PAUSE * RATE), np.float32)
    parts: list[Any] = []
    words: list[str] = []
    length = 0
    while length < minutes * 60 * RATE:
        each = utterances[len(words) % len(utterances)]
        parts += [surrounded(each), rest]
        words.append(each.text)
        length += len(parts[-2]) + len(rest)
    return np.concatenate(parts), " ".join(words)
