"""A batch that is killed at random moments, again and again: nothing is lost, torn or done twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from malsori.audio import decode
from malsori.batch.journal import Journal
from malsori.batch.journal_row import JournalRow
from malsori.types import SAMPLE_RATE
from tests.shipped import ROOT

JOURNAL = ".malsori-batch.sqlite"
SQLITES = {f"{JOURNAL}-wal", f"{JOURNAL}-shm"}  # which a reader of the journal leaves
LATEST_S = 4.0  # of a kill; a run that nobody kills takes longer than that


def command(folder: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "malsori", "batch", str(folder / "in"), "-o", str(folder / "out")),
        *("--model", "nano-ctc-ko", "-f", "txt", "--workers", "1", "--threads", "1", *more),
    ]


def recordings(folder: Path, count: int) -> None:
    """Write recordings that all differ, in folders: the sample, behind ever more silence."""
    sound = decode(ROOT / "samples" / "korean.wav").samples
    for index in range(count):
        path = folder / "in" / f"{index % 7}" / f"talk{index:03}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.concatenate([np.zeros(160 * index, np.float32), sound]), SAMPLE_RATE)


def killed(arguments: list[str], after: float, *, whole_group: bool) -> int | None:
    """Start a run and kill it with SIGKILL after some seconds; return its exit code, None where it was killed."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        return process.wait(after)
    except subprocess.TimeoutExpired:
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGKILL)
        process.wait(30)
        return None


def done_rows(folder: Path) -> dict[str, JournalRow]:
    if not (folder / "out" / JOURNAL).exists():
        return {}
    with Journal.read(folder / "out" / JOURNAL) as journal:
        return {row.name: row for row in journal.rows("state = 'done'")}


def check(folder: Path, expected: dict[str, bytes], before: dict[str, JournalRow]) -> dict[str, JournalRow]:
    """Check that each result is whole, and that what was done is done still, and was not done again."""
    for path in (folder / "out").rglob("*.txt"):
        assert path.read_bytes() == expected[path.relative_to(folder / "out").as_posix()]
    after = done_rows(folder)
    for name, row in before.items():
        assert after[name].ended == row.ended
    for row in after.values():
        assert f"{row.stem}.txt" in expected
        assert (folder / "out" / f"{row.stem}.txt").is_file()
    return after


def torment(tmp_path: Path, kills: int, count: int, seed: int) -> tuple[int, int, set[str]]:
    """Kill runs over `count` recordings so often, and then let one end; check the results after each.

    Return how many kills struck a run, how many recordings are done, and what lies in the folder besides their results.
    """
    chance = random.Random(seed)
    whole = tmp_path / "whole"
    recordings(whole, count)
    assert subprocess.run(command(whole), capture_output=True, timeout=300).returncode == 0
    expected = {
        path.relative_to(whole / "out").as_posix(): path.read_bytes() for path in (whole / "out").rglob("*.txt")
    }
    assert len(expected) == count
    folder = tmp_path / "torn"
    shutil.copytree(whole / "in", folder / "in")
    before: dict[str, JournalRow] = {}
    struck = 0
    while struck < kills:
        code = killed(command(folder), chance.uniform(0.2, LATEST_S), whole_group=chance.random() < 0.5)
        struck += code is None
        before = check(folder, expected, before)
        if len(before) == count:  # all is done: begin anew, so that all kills strike a run at work
            shutil.rmtree(folder / "out")
            before = {}
    time.sleep(0.5)  # an orphan has seen the end of its input
    last = subprocess.run(command(folder), capture_output=True, text=True, timeout=300)
    assert last.returncode == 0, last.stderr
    done = check(folder, expected, before)
    left = {path.relative_to(folder / "out").as_posix() for path in (folder / "out").rglob("*") if path.is_file()}
    assert set(expected) <= left
    return struck, len(done), left - set(expected) - SQLITES


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_run_that_is_killed_three_times_loses_nothing(tmp_path: Path) -> None:
    assert torment(tmp_path, kills=3, count=60, seed=1) == (3, 60, {JOURNAL, f"{JOURNAL}.lock"})


@pytest.mark.torture
def test_a_hundred_kills_lose_tear_and_double_nothing(tmp_path: Path) -> None:
    assert torment(tmp_path, kills=100, count=200, seed=7) == (100, 200, {JOURNAL, f"{JOURNAL}.lock"})
