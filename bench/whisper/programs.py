"""Whisper on this machine's CPU against other programs that run it: short utterances, a long file, memory, words.

    python -m bench.whisper WORK                  # some 40 minutes on 2 cores; makes 1.5 GB of models on its first run
    python -m bench.whisper WORK --only short --sizes turbo
    python -m bench.whisper WORK --quick          # does everything run? writes no result
    python -m bench.whisper plot                  # the picture of the newest result

tiny, small and turbo have the published sizes and random weights that say as many words as they may
(`models.py`); faster-whisper gets the very same int8 weights and the same beam. pywhispercpp and openai-whisper
are left out where they are not installed, and at turbo's size, which takes them minutes a clip. Words come from
nano-whisper (`words.py`). Every row is taken alternately with its peers.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from bench import command
from bench.processes import time_process
from bench.recordings import sound
from bench.results import Row, alternate, others, row, tell, write
from bench.whisper import long_file, utterances
from bench.whisper.clips import Figures, check_words, words_in
from bench.whisper.models import SIZES, forms
from bench.whisper.peers import installed
from bench.whisper.process import fresh

MODULES = {"faster-whisper": "faster_whisper", "whisper.cpp": "pywhispercpp.model", "openai-whisper": "whisper"}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: clips per bucket and rounds by size, minutes of the long file, clips of words, starts."""

    sizes: tuple[str, ...]
    clips: dict[str, int]
    rounds: dict[str, int]
    minutes: float = 13.0
    sequential: tuple[str, ...] = ("tiny",)  # one window after another takes small four minutes each
    spoken: int = 200
    starts: int = 5


FULL = Plan(tuple(SIZES), {"tiny": 8, "small": 4, "turbo": 3}, {"tiny": 2, "small": 1, "turbo": 1})
QUICK = Plan(("tiny",), dict.fromkeys(SIZES, 1), dict.fromkeys(SIZES, 1), minutes=1.0, spoken=6, starts=1)


def short(work: Path, plan: Plan) -> list[Row]:
    """Utterances one by one, by length."""
    rows = []
    for size in plan.sizes:
        print(f"  {size}", file=sys.stderr, flush=True)
        rows += utterances.rows(forms(work, size), size, plan.clips[size], plan.rounds[size])
    return rows


def long(work: Path, plan: Plan) -> list[Row]:
    """A long file in batches, and one window after another."""
    rows = []
    for size in [size for size in plan.sizes if size != "turbo"]:
        case = f"{size}, {plan.minutes:g} min"
        rows += long_file.rows(case, forms(work, size).stock, plan.minutes, size in plan.sequential)
    return rows


def processes(work: Path, size: str, seconds: float, runs: int) -> tuple[Figures, Figures]:
    """Return the times and the peaks of fresh processes that hear one clip, everybody in turn."""
    found, count = forms(work, size), words_in(seconds)
    models = {"ours": found.stock, "faster-whisper": found.stock}
    floats = {"whisper.cpp": found.ggml, "openai-whisper": found.openai}
    models |= {name: path for name, path in floats.items() if size != "turbo" and installed(name)}
    times: Figures = {name: [] for name in models}
    peaks: Figures = {name: [] for name in models}
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.npy"
        np.save(clip, sound(seconds))
        for _ in range(runs):
            for name, model in models.items():
                seen = fresh(name, model, clip, count)
                check_words(name, seen.text, count)
                times[name].append(seen.seconds)
                peaks[name].append(seen.peak_mb)
    return times, peaks


def memory(work: Path, plan: Plan) -> list[Row]:
    """Peak memory of a fresh process that hears one clip."""
    rows = []
    for size in plan.sizes:
        for seconds in (8.0, 28.0):
            _, peaks = processes(work, size, seconds, 1)
            case = f"{size}, clip of {seconds:g} s"
            rows.append(row(case, "peak memory", "MB", peaks, target="1x faster-whisper", digits=0))
    return rows


def starting(work: Path, plan: Plan) -> list[Row]:
    """How long an import takes, and a fresh process until it has heard a clip of 4 s."""
    bare = median(time_process([sys.executable, "-c", "pass"])[0] for _ in range(plan.starts))
    modules = {"ours": "malsori"} | {
        name: module for name, module in MODULES.items() if name == "faster-whisper" or installed(name)
    }
    works = {
        name: (lambda module=module: time_process([sys.executable, "-c", f"import {module}"])[0] - bare)
        for name, module in modules.items()
    }
    rows = [row("import", "time", "s", alternate(works, plan.starts))]
    for size in [size for size in plan.sizes if size != "turbo"]:
        times, _ = processes(work, size, 4.0, plan.starts)
        rows.append(row(f"{size}, from a fresh process to the text of 4 s", "time", "s", times))
    return rows


def spoken(work: Path, plan: Plan) -> list[Row]:
    """Words of sentences that espeak-ng speaks, with nano-whisper."""
    from bench.whisper import words  # needs the group `export`

    return words.rows(work, plan.spoken, plan.minutes)


PARTS: dict[str, Callable[[Path, Plan], list[Row]]] = {
    "short": short,
    "long": long,
    "memory": memory,
    "startup": starting,
    "words": spoken,
}


def main() -> None:
    """Measure everything and write the result file."""
    parser = command.parser(__doc__)
    parser.add_argument("work", type=Path, help="folder for the models and the spoken sentences")
    parser.add_argument("--only", choices=PARTS, help="one part; its rows take the place of theirs in today's result")
    parser.add_argument("--sizes", help=f"of {','.join(SIZES)}; likewise")
    parser.add_argument("--quick", action="store_true", help="tiny alone, one of everything; nothing is written")
    asked = parser.parse_args()
    plan = QUICK if asked.quick else FULL
    if asked.sizes:
        plan = replace(plan, sizes=tuple(asked.sizes.split(",")))
    found: list[Row] = []
    for name, part in PARTS.items():
        if asked.only in (None, name):
            print(name, file=sys.stderr, flush=True)
            measured = part(asked.work, plan)
            tell(measured)
            found += measured
    if not asked.quick:
        print(write("whisper", [*found, *(others("whisper", found) if asked.only or asked.sizes else [])]))
