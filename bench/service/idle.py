"""What sockets that do nothing cost: the memory of each, and the time of somebody who is served meanwhile."""

from __future__ import annotations

import http.client
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.results import Row
from bench.service import servers, sounds
from bench.service.orders import talking
from bench.service.overhead import posted
from bench.service.servers import HOST, Peers, Server

SOCKETS = 500
BLOCKS = 4  # alone and among the held ones, in turn
WARM = 20  # sockets that a server has seen before its memory is taken
SETTLED_S = 2.0
FOR_EVER = ("--config-seconds", "0", "--idle-seconds", "0", "--max-streams", str(SOCKETS + WARM))


def good(server: Server, clips: Sequence[sounds.Clip], count: int) -> list[float]:
    """Return the seconds of so many requests of one client, one after another on a connection that is kept."""
    connection = http.client.HTTPConnection(HOST, server.port)
    found = [posted(connection, clips[index % len(clips)].path)[0] for index in range(count)]
    connection.close()
    return found


def disturbed(model: str, work: Path, count: int) -> list[Row]:
    """Measure a good client alone and while others hold sockets, in turn."""
    clips, alone, among, held = sounds.clips(work, 3), [], [], []
    with servers.ours(model) as server:
        good(server, clips, len(clips))
        for _ in range(BLOCKS):
            alone += good(server, clips, count)
            with talking("bench.service.holders", "mixed", HOST, str(server.port), str(SOCKETS)) as holder:
                holder.read()
                among += good(server, clips, count)
                held.append(holder.ask(None)["open"])
    case = f"a clip of 3 s, while {SOCKETS} sockets are idle or slow"
    rows = []
    for percentile in (50, 99):
        mine, theirs = (round(1_000 * float(np.percentile(each, percentile)), 1) for each in (among, alone))
        target = "less than 10 % more than alone" if percentile == 99 else ""
        rows.append(
            Row(
                case,
                f"p{percentile}",
                "ms",
                mine,
                {"alone": theirs},
                {"alone": round(theirs / mine, 3)},
                target,
                len(among),
            )
        )
    return [*rows, Row(case, "sockets open at the end of a block, least", "", float(min(held)), runs=BLOCKS)]


def memory(server: Server, kind: str, port: int) -> tuple[float, int]:
    """Return the kB that a socket of a kind costs, and how many were open."""
    with talking("bench.service.holders", kind, HOST, str(port), str(WARM)) as holder:
        holder.read()
    time.sleep(SETTLED_S)
    before = server.rss()
    with talking("bench.service.holders", kind, HOST, str(port), str(SOCKETS)) as holder:
        opened = int(holder.read()["open"])
        time.sleep(SETTLED_S)
        grown = server.rss() - before
    if not opened:
        raise SystemExit(f"{server.name} held no socket of the kind {kind!r}")
    return round(grown / opened / 1_000, 1), opened


KINDS = {
    "socket": "a WebSocket that says nothing",
    "ready": "a WebSocket that is ready and sends no sound",
    "kept": "an HTTP connection that is kept",
    "tcp": "a Wyoming connection that says nothing",
}


def memories(model: str, folder: str, peers: Peers) -> list[Row]:
    """Measure each kind on a server of its own, so that none finds memory that another left."""
    rows = []
    for kind, what in KINDS.items():
        with servers.ours(model, *FOR_EVER, wyoming=kind == "tcp") as server:
            port = server.wyoming if kind == "tcp" else server.port
            ours, opened = memory(server, kind, port)
        theirs = {}
        if kind == "kept" and peers.fastapi:
            with servers.plain_route(peers.fastapi, "faster-whisper", folder) as server:
                theirs["FastAPI"], _ = memory(server, kind, server.port)
        if kind == "tcp" and peers.wyoming_faster_whisper:
            with servers.wyoming_faster_whisper(peers, folder, 0) as server:
                theirs["wyoming-faster-whisper"], _ = memory(server, kind, server.wyoming)
        rows.append(Row(what, "memory", "kB", ours, theirs, target="below 100", runs=opened))
    return rows
