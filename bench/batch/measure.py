"""`malsori batch` over many short files, beside others with the same weights; and thousands of files.

    python -m bench.batch BASE --peers PYTHON            # stock base, int8; 25 minutes, nothing else may run
    python -m bench.batch BASE --peers PYTHON --quick    # does everything run? few clips, writes no result
    python -m bench.batch BASE --cases memory,resume     # these anew; the others as they were measured last

BASE is a folder with the stock weights in int8. `--peers` is a Python with nothing of ours:

    pip install faster-whisper==1.2.1 whisper-ctranslate2

Without it their figures are missing. This Python needs the normalisers of `bench.words`. The clips are made of the
recordings of ../shared/speech, in a temporary folder. How many workers suit this machine is found once, in a run that
does not count for the others and has a row of its own; it is kept only on a quiet machine.

    trial     the first batch, which finds how many workers suit this machine
    clips     500 clips of 1 to 15 s: ours, faster-whisper, the engine alone; of a sample a shell loop and others
    beam      the same clips once more, with the beam throughout; beside clips
    digits    rows of digits
    memory    100 files and 5,000, with a small model
    resume    a new file beside 5,000 that are done; needs memory
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import command
from bench.batch import archive, clips, systems
from bench.batch.compared import (
    Comparison,
    Job,
    beside,
    digit_rate_of,
    engine_row,
    kind_rows,
    rate_of,
    sample_rows,
    sampled,
    whole_rows,
)
from bench.places import MODELS, RECORDINGS
from bench.results import Row, others, tell, write
from bench.words.score import normaliser
from bench.words.systems import resolved


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    clips: int = 500
    sample: int = 48
    rounds: int = 2
    digits: int = 12
    few: int = archive.FEW
    many: int = archive.MANY
    memory_runs: int = 1
    resumes: int = archive.RESUMED
    flags: tuple[str, ...] = ()


QUICK = Plan(clips=40, sample=4, rounds=1, digits=3, few=20, many=200, resumes=1, flags=("--workers", "1"))


class Bench:
    """The cases; they share the clips and what was heard in them."""

    def __init__(self, base: str, small: str, peers: str, plan: Plan, work: Path) -> None:
        self.base, self.small, self.peers, self.plan, self.work = base, small, peers, plan, work
        given = clips.spoken(RECORDINGS)
        self.clips = clips.chosen(given, plan.clips)
        self.digits = clips.rows_of_digits(given, plan.digits)
        self.inputs = work / "clips"
        clips.write(self.clips, self.inputs)
        flags = ("--language", "en", *plan.flags)
        job = Job(base, peers, self.clips, self.inputs, plan.rounds, plan.sample, flags)
        self._comparison = Comparison(job, work)

    @property
    def case(self) -> str:
        """What is heard."""
        minutes = sum(clip.seconds for clip in self.clips) / 60
        count = clips.recordings_of(self.clips)
        return f"base, {len(self.clips)} clips of 1 to 15 s, {minutes:.0f} min, made of {count} recordings"

    def trial(self) -> list[Row]:
        """Hear the clips once, so that bytecode and layout are kept, and say how long that took."""
        took = systems.batch(self.base, self.inputs, self.work / "warm", "--language", "en", *self.plan.flags).took
        print(f"  {(self.work / 'warm.log').read_text('utf-8')}", file=sys.stderr, flush=True)
        return [
            Row(
                "base, the first batch on a machine, with the trial of its workers", "time", "s", round(took.seconds, 2)
            )
        ]

    def compared(self) -> list[Row]:
        """Measure the clips."""
        self._comparison.run()
        found, sample = self._comparison.found, sampled(self.clips, self.plan.sample)
        rows = whole_rows(self.case, self.clips, found, rate_of, judged=True)
        rows += kind_rows(self.case, self.clips, found)
        rows.append(engine_row(self.case, found["ours"], self._comparison.engine))
        self._comparison.commands()
        return rows + sample_rows(f"{self.case}, a sample of {len(sample)}", self.clips, sample, found, rate_of)

    def beam(self) -> list[Row]:
        """Measure ours with the beam throughout, beside the runs as it comes."""
        self._comparison.ours("beam 5 throughout", *systems.BEAM_ALWAYS)
        found = self._comparison.found
        case, other = f"{self.case}, beam 5 throughout", found["beam 5 throughout"]
        rest = {name: sum(found[name].seconds) for name in ("faster-whisper",) if name in found}
        rates = {name: rate_of(self.clips, found[name].texts) for name in rest}
        return [
            beside(case, "time", "s", other.seconds, rest),
            Row(case, "WER", "%", rate_of(self.clips, other.texts), rates),
        ]

    def of_digits(self) -> list[Row]:
        """Measure rows of digits."""
        folder = self.work / "digits"
        clips.write(self.digits, folder)
        job = Job(self.base, self.peers, self.digits, folder, 1, flags=("--language", "en", *self.plan.flags))
        comparison = Comparison(job, self.work / "of-digits")
        (self.work / "of-digits").mkdir()
        comparison.run()
        case = f"base, {len(self.digits)} rows of digits, {sum(clip.seconds for clip in self.digits):.0f} s"
        return whole_rows(case, self.digits, comparison.found, digit_rate_of, judged=False)

    def memory(self) -> list[Row]:
        """Measure the peak of memory by the number of files."""
        counts = (self.plan.few, self.plan.many)
        return archive.memory_rows(self.small, self.clips, self.work, counts, self.plan.memory_runs)

    def resume(self) -> list[Row]:
        """Measure how soon a batch goes on."""
        return archive.resume_rows(self.small, self.clips, self.work, self.plan.many, self.plan.resumes)

    @property
    def cases(self) -> dict[str, Callable[[], list[Row]]]:
        """What is measured by its name, in the order in which it is."""
        return {
            "trial": self.trial,
            "clips": self.compared,
            "beam": self.beam,
            "digits": self.of_digits,
            "memory": self.memory,
            "resume": self.resume,
        }


def measured(bench: Bench, wanted: Sequence[str]) -> list[Row]:
    """Measure some cases; say what was found."""
    rows: list[Row] = []
    for name in wanted:
        print(name, file=sys.stderr, flush=True)
        found = bench.cases[name]()
        tell(found)
        rows += found
    return rows


def main() -> int:
    """Measure what is asked for, and write the result file unless it was a quick look."""
    parser = command.parser(__doc__)
    parser.add_argument("base", help="stock base, int8: a folder, or the name of a bundle")
    parser.add_argument("--small", default=str(MODELS / "nano-ctc-ko"), help="the model for thousands of files")
    parser.add_argument("--peers", default="", metavar="PYTHON", help="one with faster-whisper, whisper-ctranslate2")
    parser.add_argument("--cases", default="", help="only these, with commas between")
    parser.add_argument("--quick", action="store_true", help="few of everything, no result file")
    asked = parser.parse_args()
    normaliser("en")  # before minutes of hearing, not behind them
    base, small = str(resolved(asked.base)), str(resolved(asked.small))
    with TemporaryDirectory(prefix="malsori-batch-") as work:
        os.environ["XDG_CACHE_HOME"] = f"{work}/cache"  # of every command: what other runs have kept is not there
        bench = Bench(base, small, asked.peers, QUICK if asked.quick else Plan(), Path(work))
        chosen = asked.cases.split(",") if asked.cases else [*bench.cases]
        if unknown := set(chosen) - bench.cases.keys():
            parser.error(f"--cases {', '.join(sorted(unknown))}: there are {', '.join(bench.cases)}")
        wanted = [name for name in bench.cases if name in {"trial", *chosen}]
        rows = measured(bench, wanted)
    if not asked.quick:
        print(write("batch", [*others("batch", rows), *rows] if asked.cases else rows))
    return 0
