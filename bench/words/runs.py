"""A process for each set and system of `stock.py`, and the file that an interrupted run goes on from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.places import ROOT
from bench.recordings import Recording


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in a clip, how long that took, and how many windows and seconds went through the encoder."""

    text: str
    seconds: float
    windows: int
    encoded: float


@dataclass(frozen=True, slots=True)
class Key:
    """One process: whose words of which set, with which weights, and which repetition."""

    model: str
    set: str
    system: str
    run: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a process heard, clip by clip, and its peak of memory."""

    key: Key
    clips: dict[str, Heard]
    peak_mb: float

    def only(self, clips: Sequence[Recording]) -> tuple[Heard, ...]:
        """Return what was heard in these clips. Raises `KeyError` for one that was not among them."""
        return tuple(self.clips[clip.name] for clip in clips)


@dataclass(frozen=True, slots=True)
class Job:
    """A process to run: the form of the weights that the system reads, and the Python that has it."""

    key: Key
    clips: tuple[Recording, ...]
    model: Path
    python: str = sys.executable
    search: str = ""


def run(job: Job) -> Outcome:
    """Hear a set in a process of its own. Raises `SystemExit` with its last words when it fails."""
    asked = json.dumps([[str(clip.path), clip.language] for clip in job.clips])
    command = [job.python, "-m", "bench.words", "process", job.key.system, str(job.model)]
    search = [job.search, str(ROOT), str(ROOT / "runtime"), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(part for part in search if part)}
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]
    if done.returncode or len(lines) != len(job.clips) + 1:
        reached = job.clips[min(len(lines), len(job.clips) - 1)].name
        raise SystemExit(f"{job.key.system} failed at {reached}:\n{done.stderr[-2000:]}")
    heard = {clip.name: Heard(**line) for clip, line in zip(job.clips, lines[:-1], strict=True)}
    return Outcome(job.key, heard, lines[-1]["peak_mb"])


class Kept:
    """Outcomes, each written to a file as it comes."""

    def __init__(self, path: Path, resume: bool) -> None:
        self.path = path
        self.found: dict[Key, Outcome] = {}
        if not resume:
            path.unlink(missing_ok=True)
        for outcome in read(path):
            self.found[outcome.key] = outcome

    def get(self, job: Job) -> Outcome | None:
        """Return what an earlier run heard, if it heard these very clips."""
        outcome = self.found.get(job.key)
        return outcome if outcome and [*outcome.clips] == [clip.name for clip in job.clips] else None

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome."""
        self.found[outcome.key] = outcome
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")


def read(path: Path) -> Iterator[Outcome]:
    """Yield the outcomes of a file; a last line that was cut off is left out."""
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            found = json.loads(line)
        except json.JSONDecodeError:
            continue
        clips = {name: Heard(**heard) for name, heard in found["clips"].items()}
        yield Outcome(Key(**found["key"]), clips, found["peak_mb"])


def hear_all(jobs: Sequence[Job], kept: Kept) -> None:
    """Run what is not there yet, and say how it goes."""
    for index, job in enumerate(jobs):
        if kept.get(job) is not None:
            continue
        start = time.perf_counter()
        outcome = run(job)
        kept.add(outcome)
        took, heard = time.perf_counter() - start, sum(each.seconds for each in outcome.clips.values())
        key = job.key
        print(
            f"[{index + 1}/{len(jobs)}] {key.model}, {key.set}, {key.system}: {len(job.clips)} clips of "
            f"{sum(clip.seconds for clip in job.clips):.0f} s in {heard:.1f} s ({took:.0f} s with start), "
            f"{outcome.peak_mb:.0f} MB",
            file=sys.stderr,
            flush=True,
        )
