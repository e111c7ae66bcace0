"""Thousands of files: whether memory grows with their number, and how soon a batch that was done goes on.

The files are copies of a few clips that differ in a few bits, heard by a small model: what is measured is the journal
and what is kept of each file, not the words. Already the fewer files have more sound than a worker ever gathers, which
is 8 minutes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.batch import systems
from bench.batch.clips import Clip, copies, write
from bench.batch.watch import LIMIT_S, environment
from bench.results import Row

COPIED = (5.0, 8.0)  # seconds of the clips that are copied
KINDS = 20  # different clips at most
FEW, MANY = 100, 5_000
RESUMED = 3  # times
LOOK_S = 0.01
WORKERS = ("--workers", "1")  # each worker of a hundred files would have too few to gather all it ever does


def copied(clips: Sequence[Clip], count: int, folder: Path) -> Path:
    """Write so many files of a middle length into a folder."""
    sources = folder.with_name(f"{folder.name}-sources")
    paths = write([clip for clip in clips if COPIED[0] <= clip.seconds <= COPIED[1]][:KINDS], sources)
    copies(paths, count, folder)
    shutil.rmtree(sources)
    return folder


def memory_rows(model: str, clips: Sequence[Clip], work: Path, counts: tuple[int, int], runs: int) -> list[Row]:
    """Hear few and many files, in turn; return the peaks. The output of the last run of many stays, to be resumed."""
    folders = {count: copied(clips, count, work / f"archive-{count}") for count in counts}
    peaks: dict[int, list[float]] = {count: [] for count in counts}
    times: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(runs):
        for count, folder in folders.items():
            output = work / f"texts-{count}"
            shutil.rmtree(output, ignore_errors=True)
            took = systems.batch(model, folder, output, *WORKERS).took
            peaks[count].append(took.peak_mb)
            times[count].append(took.seconds)
            line = f"  {count} files: {took.peak_mb:.0f} MB, {took.seconds:.1f} s, processor {took.cpu:.1f} s"
            print(line, file=sys.stderr, flush=True)
    few, many = counts
    case = f"{many} files against {few}, {Path(model).name}"
    grown = round(median(peaks[many]) - median(peaks[few]), 1)
    shown = {f"{few} files": round(median(peaks[few]), 1)}
    spread = (round(min(peaks[many]), 1), round(max(peaks[many]), 1))
    return [
        Row(case, "peak memory", "MB", round(median(peaks[many]), 1), shown, runs=runs, spread=spread),
        Row(case, "peak memory, grown", "MB", grown, target="at most 20", runs=runs),
        Row(case, "files per second", "/s", round(many / median(times[many]), 1), runs=runs),
    ]


def resume_rows(model: str, clips: Sequence[Clip], work: Path, count: int, runs: int) -> list[Row]:
    """Add a file to those that are done, run again, and return how soon its result is there; and with nothing new."""
    inputs, output = work / f"archive-{count}", work / f"texts-{count}"
    new = copied(clips, runs, work / "new")
    firsts = []
    for turn, path in enumerate(sorted(new.iterdir())):
        shutil.copyfile(path, inputs / f"new-{turn}.wav")
        firsts.append(until_there(model, inputs, output, output / f"new-{turn}.json"))
        print(f"  a new file beside {count} that are done: {firsts[-1]:.2f} s", file=sys.stderr, flush=True)
    nothing = [systems.batch(model, inputs, output, *WORKERS).took.seconds for _ in range(runs)]
    print(f"  nothing new: {median(nothing):.2f} s", file=sys.stderr, flush=True)
    case = f"{count} files that are done, {Path(model).name}"
    return [
        Row(
            case,
            "result of a new file is there",
            "s",
            round(median(firsts), 2),
            target="the new file is begun within 5",
            runs=runs,
            spread=(round(min(firsts), 2), round(max(firsts), 2)),
        ),
        Row(case, "nothing new", "s", round(median(nothing), 2), runs=runs),
    ]


def until_there(model: str, inputs: Path, output: Path, wanted: Path) -> float:
    """Run a batch; return the seconds until a result is there. Raises `SystemExit` where it ends without it."""
    command = systems.batch_command(model, inputs, output, *WORKERS)
    begun, found = time.perf_counter(), 0.0
    with output.with_suffix(".log").open("w") as log:
        process = subprocess.Popen(command, env=environment(), stdout=log, stderr=log)
        while not found and time.perf_counter() < begun + LIMIT_S:
            ended = process.poll() is not None
            if wanted.exists():
                found = time.perf_counter() - begun
            elif ended:
                break
            time.sleep(LOOK_S)
        if not found:
            process.kill()
        if process.wait() or not found:
            said = output.with_suffix(".log").read_text("utf-8")[-2_000:]
            raise SystemExit(f"the batch ended without {wanted.name}:\n{said}")
    return found
