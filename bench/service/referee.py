"""What wyoming-bench says, which others wrote for such servers: one clip after another, its own count of words."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.results import Row
from bench.service import servers, sounds
from bench.service.servers import HOST, Peers

CLIPS, ROUNDS = 8, 2
MODES = {"non_streaming": "sent at once", "streaming": "streamed"}
LINE = re.compile(
    r"^\s*\S+:(?P<port>\d+) \(.*?\)\s+(?P<ok>\d+)\s+(?P<wer>[\d.]+)%\s+\S+\s+\S+\s+(?P<ms>[\d.]+)\s", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many clips a server answered, percent of words that were wrong, and the mean time of a clip."""

    ok: int
    wer: float
    ms: float


def verdicts(said: str) -> dict[tuple[str, int], Verdict]:
    """Return what is in its summary, by mode and port."""
    summary = said.rpartition("Summary")[2]
    found = {}
    for part in re.split(r"^\[", summary, flags=re.MULTILINE)[1:]:
        mode = part.partition("]")[0]
        for line in LINE.finditer(part):
            found[mode, int(line["port"])] = Verdict(int(line["ok"]), float(line["wer"]), float(line["ms"]))
    return found


def rows_of(found: dict[tuple[str, int], Verdict], ours: int, peers: dict[str, int]) -> list[Row]:
    """Return a row for the time and one for the words of each mode that we were heard in."""
    rows = []
    for mode, label in MODES.items():
        mine = found.get((mode, ours))
        if mine is None:
            continue
        theirs = {name: found[mode, port] for name, port in peers.items() if (mode, port) in found}
        case = f"wyoming-bench, clips of 3 s, {label}"
        ratio = {name: round(each.ms / mine.ms, 2) for name, each in theirs.items()}
        times = {name: each.ms for name, each in theirs.items()}
        rows.append(Row(case, "time of a clip, mean", "ms", mine.ms, times, ratio, runs=mine.ok))
        rows.append(Row(case, "WER", "%", mine.wer, {name: each.wer for name, each in theirs.items()}, runs=mine.ok))
    return rows


def measure(model: str, folder: str, work: Path, peers: Peers, program: str) -> list[Row]:
    """Let it judge ours and wyoming-faster-whisper. Raises `SystemExit` with its last words where it fails."""
    corpus = work / "corpus"
    corpus.mkdir()
    for clip in sounds.clips(work, 3)[:CLIPS]:
        shutil.copy(clip.path, corpus)
        (corpus / f"{Path(clip.path).stem}.txt").write_text(clip.said, encoding="utf-8")
    with ExitStack() as stack:
        ours = stack.enter_context(servers.ours(model, wyoming=True)).wyoming
        others = {}
        if peers.wyoming_faster_whisper:
            server = stack.enter_context(servers.wyoming_faster_whisper(peers, folder, 0))
            others[server.name] = server.wyoming
        command = [program, "stt", "--corpus", str(corpus), "--rounds", str(ROUNDS), "--trailing-silence", "0"]
        command += ["--config", '{"language": "en"}', *(f"{HOST}:{port}" for port in (ours, *others.values()))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = rows_of(verdicts(done.stdout), ours, others)
    if not found:
        raise SystemExit(f"wyoming-bench judged nothing:\n{(done.stdout + done.stderr)[-2_000:]}")
    return found
