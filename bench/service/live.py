"""How long after the end of a sentence its last final is there: several live clients, and more than are admitted.

The end of a sentence is where its sound ends in the talk that is sent (`sounds.py`), so the pause that the server waits
for is in every figure. A sentence's final is the last one that overlaps it. "shown" is when its last word, heard
rightly, first stood anywhere, in a partial or a final.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

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


METRICS = {  # the lists of `Lateness`, and which percentiles of each are told
    "final": ("end of speech to final", PERCENTILES),
    "behind": ("final behind its own end", (50,)),
    "shown": ("last word shown", (50, 95)),
}


def rows_of(case: str, ours: Lateness, target: str = "", **peers: Lateness) -> list[Row]:
    """Return the rows of one case. Raises `SystemExit` where somebody gave no final at all."""
    for name, found in (("malsori", ours), *peers.items()):
        if not (found.final and found.shown):
            raise SystemExit(f"{case}: {name} gave {len(found.final)} finals; refused: {found.refused}")
    rows = []
    for name, (metric, percentiles) in METRICS.items():
        values = getattr(ours, name)
        spread = (round(min(values), 3), round(max(values), 3))
        for percentile in percentiles:
            mine, *others = (_percentile(getattr(each, name), percentile) for each in (ours, *peers.values()))
            theirs = dict(zip(peers, others, strict=True))
            ratio = {peer: round(value / mine, 2) for peer, value in theirs.items() if mine > 0}
            wanted = target if (name, percentile) == ("final", 99) else ""
            rows.append(Row(case, f"{metric}, p{percentile}", "s", mine, theirs, ratio, wanted, len(values), spread))
    for metric, unit, field_name in (
        ("sentences without a final", "", "missed"),
        ("a block sent late, most", "s", "late"),
        ("processor of the clients themselves", "s/s", "processor"),
    ):
        figures = [round(float(getattr(each, field_name)), 3) for each in (ours, *peers.values())]
        wanted = "0" if field_name == "missed" else ""
        theirs = dict(zip(peers, figures[1:], strict=True))
        rows.append(Row(case, metric, unit, figures[0], theirs, target=wanted, runs=len(ours.final)))
    return rows


def _percentile(values: Sequence[float], percentile: int) -> float:
    return round(float(np.percentile(values, percentile)), 3)


def saturated(case: str, server: Server, work: Path, seconds: float, most: int) -> list[Row]:
    """Measure so many clients, more than are admitted: the refused are told so, the admitted are as before."""
    talks = [sounds.talk(work, seconds, seed) for seed in range(most)]
    found = listened(server, "listen", talks, True)
    codes = ", ".join(sorted({str(code) for code in found.refused})) or "nobody"
    taken = float(most - len(found.refused))
    row = Row(f"{case}, {most} at once", f"admitted (refused: {codes})", "clients", taken, runs=most)
    return [row, *rows_of(f"{case}, {most} at once", found, TARGET)]


def admitted(server: Server) -> int | None:
    """Return how many live clients a server says that it admits."""
    with urlopen(f"{server.url}/v1/limits") as answer:
        found = json.load(answer)["streams"]
    return None if found is None else int(found)


def measure(model: str, work: Path, peers: Peers, seconds: float, folder: str) -> list[Row]:
    """Measure four clients where four are admitted, beside WhisperLive; without partials; among four more; and again.

    Then more than a server admits by its own measure. The first of these, which has the target, lasts twice as long.
    """
    talks = [sounds.talk(work, seconds, seed) for seed in range(CLIENTS)]
    longer = [sounds.talk(work, 2 * seconds, seed) for seed in range(CLIENTS)]
    theirs = {"WhisperLive": of_peer(work, peers, longer, folder)} if peers.whisper_live else {}
    rows, case = [], f"tiny.en, {CLIENTS} live clients"
    with servers.ours(model, "--max-streams", str(CLIENTS)) as server:
        rows += rows_of(case, listened(server, "listen", longer, True), TARGET, **theirs)
        rows += rows_of(f"{case}, finals only", listened(server, "listen", talks, False), TARGET)
        rows += saturated(f"tiny.en, {CLIENTS} admitted", server, work, seconds, CLIENTS + MORE)
        rows += rows_of(f"{case}, after that", listened(server, "listen", talks, True), TARGET)
    with servers.ours(model) as server:
        limit = admitted(server)
        if limit is not None:
            case = "tiny.en, as many admitted as are measured"
            rows += saturated(case, server, work, seconds, min(limit + MORE, MOST))
    return rows


def of_peer(work: Path, peers: Peers, talks: Sequence[sounds.Talk], folder: str) -> Lateness:
    """Return WhisperLive's lateness; a client before those that count makes it load its model."""
    with servers.whisper_live(peers, folder) as server:
        listened(server, "whisper_live", [sounds.talk(work, 5.0, 99)], True)
        return listened(server, "whisper_live", talks, True)
