"""How long after the end of a sentence its last final is there: several live clients, and more than are admitted.

The end of a sentence is where its sound ends in the talk that is sent (`sounds.py`), so the pause that the server waits
for is in every figure. A sentence's final is the last one that overlaps it. "shown" is when its last word, heard
rightly, first stood anywhere, in a partial or a final.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.results import Row
from bench.service import servers, sounds
from bench.service.orders import load
from bench.service.servers import Peers, Server
from bench.streaming.live_words import plain

CLIENTS = 4
MORE = 4  # clients beyond those that are admitted
MOST = 64  # clients at all
PERCENTILES = (50, 95, 99)
TARGET = "p99 below 0.7"
NEAR = 1.0  # seconds by which a final of WhisperLive may end before the sentence does: its times are the model's


@dataclass(frozen=True, slots=True)
class Said:
    """A text that was shown: when it came, what it is of, whether it stays."""

    at: float
    start: float
    end: float
    text: str
    final: bool


@dataclass(slots=True)
class Lateness:
    """Seconds from ends of sentences to their finals, and to their last word anywhere; finals behind their own ends."""

    final: list[float] = field(default_factory=list)
    shown: list[float] = field(default_factory=list)
    behind: list[float] = field(default_factory=list)
    missed: int = 0
    refused: list[int | str] = field(default_factory=list)
    late: float = 0.0  # that blocks were sent
    processor: float = 0.0  # of the clients, in seconds per second


def of_listen(told: Iterable[tuple[float, dict[str, Any]]]) -> list[Said]:
    """Return what /v1/listen showed; a partial ends when it comes."""
    return [
        Said(at, event["start"], event.get("end", at), event["text"], event["type"] == "final")
        for at, event in told
        if event["type"] in ("partial", "final")
    ]


def of_whisper_live(told: Iterable[tuple[float, dict[str, Any]]]) -> list[Said]:
    """Return what WhisperLive showed: each message repeats the last segments, of which those count that are new."""
    found: dict[tuple[str, str, bool], Said] = {}
    for at, event in told:
        for part in event.get("segments", ()):
            key = part["start"], part["text"], bool(part.get("completed"))
            found.setdefault(key, Said(at, float(part["start"]), float(part["end"]), part["text"], key[2]))
    return list(found.values())


def add(lateness: Lateness, spoken: Sequence[sounds.Utterance], said: Sequence[Said], near: float) -> None:
    """Take a client's sentences into account."""
    for index, each in enumerate(spoken):
        until = spoken[index + 1].start if index + 1 < len(spoken) else float("inf")
        finals = [one for one in said if one.final and one.text and one.start < each.end and one.end > each.start]
        finals = [one for one in finals if one.end > each.end - near]
        if finals:
            last = max(finals, key=lambda one: one.end)
            lateness.final.append(last.at - each.end)
            lateness.behind.append(last.at - last.end)
        else:
            lateness.missed += 1
        word = plain(each.said).split()[-1]
        there = [
            one.at for one in said if each.start < one.end and one.start < until and word in plain(one.text).split()
        ]
        if there := [at for at in there if at > each.start]:
            lateness.shown.append(min(there) - each.end)


def listened(server: Server, dialect: str, talks: Sequence[sounds.Talk], partials: bool) -> Lateness:
    """Let a client say each talk; return how late everything was."""
    path, read, near = {
        "listen": ("/v1/listen", of_listen, 0.3),
        "whisper_live": ("/", of_whisper_live, NEAR),
    }[dialect]
    order = {"kind": "live", "dialect": dialect, "url": server.socket(path), "partials": partials}
    done = load(order | {"talks": [talk.path for talk in talks]})
    found = Lateness(processor=done["processor"] / done["seconds"])
    for talk, answer in zip(talks, done["answers"], strict=True):
        if "refused" in answer:
            found.refused.append(answer["refused"])
            continue
        found.late = max(found.late, answer["late"])
        add(found, talk.utterances, read(answer["told"]), near)
    return found


def rows_of(case: str, ours: Lateness, target: str = "") -> list[Row]:
    """Return the rows of one case."""
    if not ours.final:
        raise SystemExit(f"{case}: no final came for any of {ours.missed} sentences; refused: {ours.refused}")
    rows = []
    for name in ("final", "behind", "shown"):
        values = getattr(ours, name)
        metric = {"final": "end of speech to final", "behind": "final behind its own end", "shown": "last word shown"}
        for percentile in PERCENTILES if name == "final" else PERCENTILES[:1]:
            value = round(float(np.percentile(values, percentile)), 3) if values else float("nan")
            wanted = target if (name, percentile) == ("final", 99) else ""
            spread = (round(min(values), 3), round(max(values), 3)) if values else (0.0, 0.0)
            rows.append(Row(case, f"{metric[name]}, p{percentile}", "s", value, {}, {}, wanted, len(values), spread))
    rows.append(Row(case, "sentences without a final", "", float(ours.missed), target="0", runs=len(ours.final)))
    rows.append(Row(case, "clients: a block sent late, most", "s", round(ours.late, 3)))
    rows.append(Row(case, "processor of the clients themselves", "s/s", round(ours.processor, 3)))
    return rows


def saturated(server: Server, work: Path, seconds: float, most: int) -> list[Row]:
    """Measure as many clients as are admitted and some more: the refused are told so, the admitted are as before."""
    talks = [sounds.talk(work, seconds, seed) for seed in range(most)]
    found = listened(server, "listen", talks, True)
    case = f"tiny.en, {most} clients at once"
    codes = ", ".join(sorted({str(code) for code in found.refused})) or "none"
    admitted = most - len(found.refused)
    rows = [Row(case, f"admitted (refused with: {codes})", "clients", float(admitted), runs=most)]
    return rows + rows_of(case, found, TARGET)


def admitted(server: Server) -> int | None:
    """Return how many live clients a server says that it admits."""
    import json
    from urllib.request import urlopen

    with urlopen(f"{server.url}/v1/limits") as answer:
        limits = json.load(answer)
    found = limits.get("streams", limits.get("limits", {}).get("streams"))
    return None if found is None else int(found)


def measure(model: str, work: Path, peers: Peers, seconds: float, folder: str) -> list[Row]:
    """Measure four clients with partials and without, too many, four again; and four of WhisperLive."""
    talks = [sounds.talk(work, seconds, seed) for seed in range(CLIENTS)]
    rows = []
    with servers.ours(model) as server:
        limit = admitted(server)
        print(f"admitted: {limit}", file=sys.stderr, flush=True)
        case = f"tiny.en, {CLIENTS} clients"
        rows += rows_of(case, listened(server, "listen", talks, True), TARGET)
        rows += rows_of(f"{case}, finals only", listened(server, "listen", talks, False), TARGET)
        if limit is not None and limit + MORE <= MOST:
            rows += saturated(server, work, seconds, limit + MORE)
            rows += rows_of(f"{case}, after that", listened(server, "listen", talks, True), TARGET)
    if peers.whisper_live:
        with servers.whisper_live(peers, folder) as server:
            warm = [sounds.talk(work, 5.0, 99)]
            listened(server, "whisper_live", warm, True)  # it loads its model for the first client
            rows += rows_of(f"WhisperLive, {case}", listened(server, "whisper_live", talks, True))
    return rows
