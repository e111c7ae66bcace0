"""Requests per second of many clients, by the length of the clips, ours and others in turn; and what they heard."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import jiwer

from bench.results import Row
from bench.service import servers, sounds
from bench.service.orders import load
from bench.service.servers import Peers
from bench.streaming.live_words import plain

CLIENTS = 8
SHORT = 3  # seconds of the clips that the target is for
LENGTHS = {3: (16, 3), 10: (8, 2), 30: (8, 1)}  # seconds of the clips: requests of a round, rounds
QUICK = {3: (8, 1)}
SLOW = "CrispASR behind FastAPI"  # each of its requests takes seconds: one round, a request for each client
FIELDS = {"model": "whisper-1", "language": "en"}
TARGETS = {"wyoming-faster-whisper": 2.0, "faster-whisper behind FastAPI": 2.0}


@dataclass(slots=True)
class Figures:
    """What one server did with the clips of one length, a value for each round; and how many words it got wrong."""

    rate: list[float] = field(default_factory=list)
    p95: list[float] = field(default_factory=list)
    clients: list[float] = field(default_factory=list)
    wer: float = 0.0


def all_servers(stack: ExitStack, model: str, folder: str, peers: Peers) -> dict[str, str]:
    """Start everybody; return their addresses, ours first."""
    # Wyoming's sessions are counted as live ones, of which the service admits as many as it can hear in real time.
    our = stack.enter_context(servers.ours(model, "--max-streams", str(CLIENTS), wyoming=True))
    found = {"ours": our.transcriptions, "ours over Wyoming": our.tcp}
    if peers.wyoming_faster_whisper:
        for name, beam in (("wyoming-faster-whisper", 0), ("wyoming-faster-whisper, greedy", 1)):
            found[name] = stack.enter_context(servers.wyoming_faster_whisper(peers, folder, beam)).tcp
    if peers.fastapi:
        route = servers.plain_route(peers.fastapi, "faster-whisper", folder)
        found["faster-whisper behind FastAPI"] = stack.enter_context(route).transcriptions
    if peers.crispasr and peers.ggml:
        route = servers.plain_route(peers.crispasr, "crispasr", peers.ggml)
        found["CrispASR behind FastAPI"] = stack.enter_context(route).transcriptions
    return found


def asked(url: str, clips: Sequence[sounds.Clip], requests: int) -> dict[str, Any]:
    """Let the clients send so many clips to a server. Raises `SystemExit` for any answer that is no transcript."""
    paths = [clips[index % len(clips)].path for index in range(requests)]
    order = {"kind": "files", "url": url, "clips": paths, "clients": CLIENTS, "fields": FIELDS}
    done = load(order)
    for answer in done["answers"]:
        if answer["status"] != 200:
            raise SystemExit(f"{url}: status {answer['status']}, {answer['text'][:500]}")
    return done


def errors(clips: Sequence[sounds.Clip], answers: Sequence[dict[str, Any]]) -> float:
    """Return the word error rate of some answers, percent, in lower case without punctuation."""
    said = [plain(clips[answer["clip"] % len(clips)].said) for answer in answers]
    found = jiwer.process_words(said, [plain(answer["text"]) or "-" for answer in answers])
    return round(100 * float(found.wer), 2)


def compared(
    addresses: dict[str, str], clips: Sequence[sounds.Clip], requests: int, rounds: int, tell: Callable[[str], None]
) -> dict[str, Figures]:
    """Ask all servers in turn, several rounds over, after a few requests that only warm them up."""
    found = {name: Figures() for name in addresses}
    for url in addresses.values():
        asked(url, clips, 2)
    for turn in range(rounds):
        for name, url in addresses.items():
            if name == SLOW and turn:
                continue
            done = asked(url, clips, CLIENTS if name == SLOW else requests)
            figures, times = found[name], sorted(answer["seconds"] for answer in done["answers"])
            figures.rate.append(len(times) / done["seconds"])
            figures.p95.append(times[-1 - len(times) // 20])
            figures.clients.append(done["processor"] / done["seconds"])
            figures.wer = errors(clips, done["answers"])
            tell(f"  {name}: {figures.rate[-1]:.2f} /s, p95 {figures.p95[-1]:.2f} s, WER {figures.wer:g} %")
    return found


def rows_of(seconds: int, found: dict[str, Figures]) -> list[Row]:
    """Return the rows of one length of clips; more requests per second are better, hence the ratio."""
    case, ours = f"clips of {seconds} s, {CLIENTS} clients", found["ours"]
    peers = {name: each for name, each in found.items() if name != "ours"}
    wanted = " and ".join(f"{least:g}x {name}" for name, least in TARGETS.items() if name in peers)
    rows = [
        Row(
            case,
            "requests per second",
            "/s",
            round(median(ours.rate), 2),
            {name: round(median(each.rate), 2) for name, each in peers.items()},
            {
                name: round(median(mine / theirs for mine, theirs in zip(ours.rate, each.rate, strict=False)), 2)
                for name, each in peers.items()
            },
            wanted if seconds == SHORT else "",
            len(ours.rate),
            (round(min(ours.rate), 2), round(max(ours.rate), 2)),
        )
    ]
    for metric, unit, values in (
        ("time of a request, p95", "s", [round(median(each.p95), 2) for each in found.values()]),
        ("WER", "%", [each.wer for each in found.values()]),
        ("processor of the clients themselves", "s/s", [round(median(each.clients), 3) for each in found.values()]),
    ):
        rows.append(Row(case, metric, unit, values[0], dict(zip(peers, values[1:], strict=True)), runs=len(ours.rate)))
    return rows


def measure(model: str, folder: str, work: Path, peers: Peers, quick: bool) -> list[Row]:
    """Measure all lengths."""

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    rows = []
    with ExitStack() as stack:
        addresses = all_servers(stack, model, folder, peers)
        for seconds, (requests, rounds) in (QUICK if quick else LENGTHS).items():
            tell(f"clips of {seconds} s")
            clips = sounds.clips(work, seconds)[:requests]
            rows += rows_of(seconds, compared(addresses, clips, requests, rounds, tell))
    return rows
