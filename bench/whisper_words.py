"""What a short window does to nano-whisper's words, and 13 minutes of its sentences against faster-whisper's batches.

The sentences and voices are those that no nano model was trained on (`export/nano/speech.py`); they need espeak-ng.
Language is given, everything else is at its defaults: fallback, guards and retries are on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jiwer
import numpy as np

from bench.results import Row, alternate, row
from bench.whisper_ours import Window, bundled, freely, load
from bench.whisper_peers import BATCH, RATE, THREADS, Audio, plain
from export.nano.publish import surrounded
from export.nano.speech import Utterance, held_out_corpus

MODEL = "nano-whisper"
WINDOWS: tuple[Window, ...] = ("auto", 10.0, 6.0)
PAUSE = 0.8  # seconds between the sentences of the long file
Heard = tuple[str, bool]


def rows(work: Path, clips: int, minutes: float) -> list[Row]:
    """Measure short windows on so many clips, and a file of so many minutes."""
    utterances = held_out_corpus(work).utterances[:clips]
    return [*by_window(utterances), *at_length([each for each in utterances if each.language == "en"], minutes)]


def by_window(utterances: Sequence[Utterance]) -> list[Row]:
    """Compare the error rates at short windows with those at 30 s, ours and faster-whisper's, and count the retries."""
    from faster_whisper import WhisperModel

    transcriber = load(bundled(MODEL))
    peer = WhisperModel(str(bundled(MODEL)), device="cpu", cpu_threads=THREADS)

    def ours(window: Window) -> Callable[[Utterance], Heard]:
        return lambda each: freely(
            transcriber, surrounded(each), language=each.language, vad=False, audio_context=window
        )

    def theirs(each: Utterance) -> Heard:
        return " ".join(plain(peer, surrounded(each), language=each.language)), False

    full, _, full_s = heard_by(ours("full"), utterances)
    faster, _, faster_s = heard_by(theirs, utterances)
    found = []
    for window in WINDOWS:
        rate, retried, seconds = heard_by(ours(window), utterances)
        case = f"{MODEL}, {len(utterances)} clips, window {window if window == 'auto' else f'of {window:g} s'}"
        rates = {"window of 30 s": full, "faster-whisper": faster}
        found.append(Row(case, "WER", "%", rate, rates, {}, f"at most {full + 0.5:g}", len(utterances)))
        found.append(Row(case, "heard again at 30 s", "% of clips", retried, runs=len(utterances)))
        times = {"ours": [seconds], "window of 30 s": [full_s], "faster-whisper": [faster_s]}
        found.append(row(case, "time", "s", times, digits=2))
    return found


def heard_by(hear: Callable[[Utterance], Heard], utterances: Sequence[Utterance]) -> tuple[float, float, float]:
    """Return the word error rate in percent, the share of clips heard again in percent, and the seconds all took."""
    start = time.perf_counter()
    heard = [hear(each) for each in utterances]
    seconds = time.perf_counter() - start
    rate = jiwer.wer([each.text for each in utterances], [text for text, _ in heard])
    again = sum(retried for _, retried in heard) / len(heard)
    return round(100 * rate, 2), round(100 * again, 1), seconds


def at_length(utterances: Sequence[Utterance], minutes: float) -> list[Row]:
    """Compare a long file of sentences with pauses: everybody's own voice activity detection and batches."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    audio, text = speech(utterances, minutes)
    transcriber = load(bundled(MODEL))
    peer = WhisperModel(str(bundled(MODEL)), device="cpu", cpu_threads=THREADS)
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
