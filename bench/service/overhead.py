"""What the service adds to the library call: the same bytes over HTTP and through `transcribe`, in turn."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.results import Row
from bench.service import servers, sounds
from bench.service.load import BOUNDARY, form
from bench.service.orders import talking

WARM_UP = 5
TARGET = "p50 under 5"


def pairs(model: str, clips: Sequence[sounds.Clip], count: int) -> list[tuple[float, float]]:
    """Return seconds over HTTP and of the call, for so many pairs; which of the two goes first alternates.

    Raises:
        SystemExit: where the two do not hear the same, for then they have not done the same work.
    """
    found = []
    library = ("bench.service.library", model, str(servers.THREADS))
    with servers.ours(model) as server, talking(*library) as call:
        connection = http.client.HTTPConnection(servers.HOST, server.port)
        for turn in range(-WARM_UP, count):
            clip = clips[turn % len(clips)]
            first = call.ask(clip.path) if turn % 2 else None
            seconds, text = posted(connection, clip.path)
            answer = first or call.ask(clip.path)
            if text.split() != answer["text"].split():
                raise SystemExit(f"{Path(clip.path).name}: the service heard {text!r}, the library {answer['text']!r}")
            if turn >= 0:
                found.append((seconds, float(answer["seconds"])))
        connection.close()
    return found


def posted(connection: http.client.HTTPConnection, path: str) -> tuple[float, str]:
    """Post a file over a connection that is kept; return seconds and text. Raises `SystemExit` for another answer."""
    body = form(path, {"model": "whisper-1", "language": "en"})
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    begun = time.perf_counter()
    connection.request("POST", "/v1/audio/transcriptions", body, headers)
    answer = connection.getresponse()
    content = answer.read()
    seconds = time.perf_counter() - begun
    if answer.status != 200:
        raise SystemExit(f"{Path(path).name}: status {answer.status}, {content[:500]!r}")
    return seconds, json.loads(content)["text"]


def rows_of(found: Sequence[tuple[float, float]]) -> list[Row]:
    """Return the times over HTTP beside those of the call, and the differences of the pairs, in ms."""
    over, call = (1_000 * np.array(each) for each in zip(*found, strict=True))
    rows = []
    for percentile in (50, 95):
        ours, theirs = (round(float(np.percentile(each, percentile)), 1) for each in (over, call))
        rows.append(Row("a clip of 3 s", f"time, p{percentile}", "ms", ours, {"library call": theirs}, runs=len(found)))
    apart = over - call
    for percentile in (50, 95):
        value = round(float(np.percentile(apart, percentile)), 2)
        target = TARGET if percentile == 50 else ""
        rows.append(
            Row("a clip of 3 s", f"added to the call, p{percentile}", "ms", value, target=target, runs=len(found))
        )
    return rows


def measure(model: str, work: Path, count: int) -> list[Row]:
    """Measure so many pairs."""
    return rows_of(pairs(model, sounds.clips(work, 3), count))
