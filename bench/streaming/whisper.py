"""Whisper while somebody speaks: our sessions against a loop as whisper_streaming runs it, same weights, same step.

    python -m bench.streaming whisper WORK          # some 30 minutes on 2 cores; WORK as for bench.whisper
    python -m bench.streaming whisper WORK --quick  # does everything run? writes no result

Processor seconds per second of sound, in steps of 1 s, utterance by utterance in turn. nano-whisper reads real words:
also how many are right, how late they are shown and called stable, and how many are changed. tiny and small have the
published sizes and random weights, which both loops read at the same pace (`paced.py`). The peer's loop is
`peer.py`, with its own beam of 5 and with 1.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import command
from bench.places import MODELS
from bench.recordings import RATE, Audio, sound
from bench.results import Row, row, tell, write
from bench.streaming import paced
from bench.streaming.peer import Loop, reader
from bench.streaming.utterances import Partial, Spoken, Story, utterances
from bench.whisper.clips import PAUSE
from bench.whisper.models import forms
from bench.whisper.peers import THREADS
from export.nano.speech import held_out_corpus
from malsori import load
from malsori.bundles import read_manifest
from malsori.engines.base import DecodeOptions
from malsori.engines.session import Commit, SessionOptions
from malsori.engines.whisper.engine import WhisperEngine

NANO = MODELS / "nano-whisper"
STEP = 1.0  # seconds
LENGTHS = (5.0, 10.0, 20.0)  # seconds
TARGET = "4x whisper_streaming"
PEER, GREEDY = "whisper_streaming", "whisper_streaming, beam 1"
ATTENTION = "ours, commit by attention"
Hear = Callable[[Audio], tuple[str, str]]
"""What takes a step of sound and returns the text so far, and the stable part of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: utterances of each length in each language, the sizes, and rounds of each."""

    spoken: int
    sizes: tuple[str, ...]
    rounds: dict[str, int]


FULL = Plan(6, ("tiny", "small"), {"tiny": 2, "small": 1})
QUICK = Plan(1, ("tiny",), {"tiny": 1})


def words(work: Path, plan: Plan) -> list[Row]:
    """Compare real words and what they cost, with nano-whisper."""
    corpus, transcriber = held_out_corpus(work), load(str(NANO), threads=THREADS)
    hearers = nano_hearers(NANO)
    rows = []
    for seconds in LENGTHS:
        stories = {name: Story() for name in hearers}
        costs: dict[str, list[float]] = {name: [] for name in hearers}
        for language in ("ko", "en"):
            pool = corpus.only(language).utterances
            for spoken in utterances(transcriber, pool, seconds - STEP, plan.spoken):
                for name, opened in hearers.items():
                    partials, cost = heard(opened(language), spoken)
                    stories[name].add(spoken, partials)
                    costs[name].append(cost / spoken.seconds)
        rows += word_rows(f"nano-whisper, {2 * plan.spoken} utterances of about {seconds:g} s", stories, costs)
    return rows


def nano_hearers(folder: Path) -> dict[str, Callable[[str], Hear]]:
    """Return what opens everybody's way through an utterance in a language."""
    engine = WhisperEngine(folder, read_manifest(folder), device="cpu", threads=THREADS)

    def ours(commit: Commit) -> Callable[[str], Hear]:
        def opened(language: str) -> Hear:
            session = engine.open(DecodeOptions(language=language), SessionOptions(step_s=STEP, commit=commit))

            def push(block: Audio) -> tuple[str, str]:
                found = session.push(block)
                return found.text, found.stable

            return push

        return opened

    def theirs(beam: int) -> Callable[[str], Hear]:
        read = reader(folder, beam)
        return lambda language: Loop(lambda buffer: read(buffer, language)).push

    return {"ours": ours("agreement"), ATTENTION: ours("attention"), PEER: theirs(5), GREEDY: theirs(1)}


def heard(push: Hear, spoken: Spoken) -> tuple[list[Partial], float]:
    """Return what is shown of an utterance, step by step, and the processor seconds that it took."""
    size = round(STEP * RATE)
    audio = np.pad(spoken.audio, (0, -len(spoken.audio) % size))
    partials = []
    time.sleep(PAUSE)
    start = time.process_time()
    for first in range(0, len(audio), size):
        text, stable = push(audio[first : first + size])
        partials.append(Partial(first / RATE + STEP, text, stable))
    return partials, time.process_time() - start


def word_rows(case: str, stories: dict[str, Story], costs: dict[str, list[float]]) -> list[Row]:
    """Return the rows of utterances of one length."""
    runs = len(costs["ours"])

    def figure(metric: str, unit: str, of: Callable[[Story], float], digits: int = 2) -> Row:
        found = {name: round(of(story), digits) for name, story in stories.items()}
        return Row(case, metric, unit, found.pop("ours"), found, {}, runs=runs)

    def late(of: Callable[[Story], Sequence[float]], percent: float) -> Callable[[Story], float]:
        return lambda story: float(np.percentile(of(story) or [0.0], percent))

    return [
        row(case, "CPU per second of sound", "s", costs, target=TARGET, digits=4),
        figure("WER of the last partial", "%", lambda story: story.error_rate, 1),
        figure("stable words that were not said", "%", lambda story: story.contradicted, 1),
        figure("words changed after they were shown", "/min", lambda story: story.flicker, 1),
        figure("word shown for good behind its end, p50", "s", late(lambda story: story.shown_after, 50)),
        figure("word shown for good behind its end, p90", "s", late(lambda story: story.shown_after, 90)),
        figure("word stable behind its end, p50", "s", late(lambda story: story.stable_after, 50)),
        figure("word stable behind its end, p90", "s", late(lambda story: story.stable_after, 90)),
    ]


def sizes(work: Path, plan: Plan) -> list[Row]:
    """Compare what a second of sound costs at the published sizes, in a calibrated window and in wider ones."""
    rows = []
    for size in plan.sizes:
        found = forms(work, size)
        peers = {PEER: paced.theirs(found.stock, 5), GREEDY: paced.theirs(found.stock, 1)}
        mine = {
            "calibrated to 5 s": paced.ours(found.calibrated),
            ATTENTION: paced.ours(found.calibrated, "attention"),
            "of 10 s, by option": paced.ours(found.stock, window=10.0),
            "of 30 s, as stock": paced.ours(found.stock),
        }
        for seconds in LENGTHS:
            costs = paced_costs(mine | peers, seconds, plan.rounds[size])
            attention = {ATTENTION: costs.pop(ATTENTION)}
            for window in [name for name in costs if name not in peers]:
                figures = {"ours": costs[window]} | {name: costs[name] for name in peers}
                calibrated = window == "calibrated to 5 s"
                case = f"{size}, utterance of {seconds:g} s, window {window}"
                target = TARGET if calibrated else ""
                rows.append(row(case, *COST, figures | (attention if calibrated else {}), target=target))
    return rows


COST = ("CPU per second of sound", "s")


def paced_costs(openers: dict[str, Any], seconds: float, rounds: int) -> dict[str, list[float]]:
    """Return everybody's processor seconds per second of sound, in turn; nobody's first step is counted."""
    audio, size = sound(seconds), round(STEP * RATE)
    costs: dict[str, list[float]] = {name: [] for name in openers}
    for opened in openers.values():
        opened()(audio[:size])
    for _ in range(rounds):
        for name, opened in openers.items():
            push = opened()
            time.sleep(PAUSE)
            start = time.process_time()
            for first in range(0, len(audio), size):
                push(audio[first : first + size])
            costs[name].append((time.process_time() - start) / seconds)
    return costs


PARTS: dict[str, Callable[[Path, Plan], list[Row]]] = {"words": words, "sizes": sizes}


def main() -> None:
    """Measure everything and write the result file."""
    parser = command.parser(__doc__)
    parser.add_argument("work", type=Path, help="folder for the models and the spoken sentences")
    parser.add_argument("--quick", action="store_true", help="one of everything, tiny alone; nothing is written")
    asked = parser.parse_args()
    plan = QUICK if asked.quick else FULL
    found: list[Row] = []
    for name, part in PARTS.items():
        print(name, file=sys.stderr, flush=True)
        found += part(asked.work, plan)
    tell(found)
    if not asked.quick:
        print(write("streaming_whisper", found))
