"""The bench of the service: what it sends, how it counts, and that its clients get along with servers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import numpy as np
import pytest
from websockets.sync.server import ServerConnection, serve

from bench.recordings import RATE
from bench.service import holders, live, overhead, referee, servers, sounds, throughput
from bench.service.live import Lateness, Said
from bench.service.orders import load, talking
from bench.service.sounds import Utterance
from bench.service.throughput import Figures

SPOKEN = (Utterance(1.0, 3.0, "one two"), Utterance(5.0, 7.0, "three four"))


def tone(seconds: float, level: float) -> np.ndarray:
    """So much of a note, as loud as is said."""
    return (level * np.sin(np.arange(round(seconds * RATE)) * 0.3)).astype(np.float32)


def test_sentences_are_joined_within_a_length_and_none_twice() -> None:
    given = [(Path(f"{index}.flac"), 2.0 + index % 9, str(index)) for index in range(40)]
    made = sounds.joins(given, (26.0, 29.9))
    assert made
    for group in made:
        assert 26.0 <= sum(seconds for _, seconds, _ in group) + sounds.GAP * (len(group) - 1) <= 29.9
    names = [path for group in made for path, _, _ in group]
    assert len(names) == len(set(names))


def test_a_sentence_is_cut_where_its_sound_begins_and_ends() -> None:
    sound = np.concatenate([tone(0.4, 0.001), tone(1.0, 0.5), tone(0.6, 0.001)])
    found = sounds.trimmed(sound)
    assert found is not None
    assert len(found) == pytest.approx(RATE, abs=2 * sounds.FRAME)


@pytest.mark.parametrize("quiet", [0.1, 0.001], ids=["in noise", "with a pause in it"])
def test_a_sentence_whose_end_nobody_knows_is_not_taken(quiet: float) -> None:
    sound = np.concatenate([tone(0.4, quiet), tone(1.0, 0.5), tone(0.6, quiet), tone(1.0, 0.5)])
    assert sounds.trimmed(sound) is None


def test_the_last_final_of_a_sentence_counts_and_a_sentence_without_one_is_missed() -> None:
    said = [
        Said(2.5, 1.0, 2.4, "one", True),
        Said(3.2, 1.0, 3.2, "one two", False),
        Said(3.6, 2.4, 3.1, "two.", True),
    ]
    found = Lateness()
    live.add(found, SPOKEN, said, near=0.3)
    assert found.final == [pytest.approx(0.6)]
    assert found.behind == [pytest.approx(0.5)]
    assert found.shown == [pytest.approx(0.2)]
    assert found.missed == 1


def test_a_final_that_ends_before_the_sentence_is_not_its_last() -> None:
    found = Lateness()
    live.add(found, SPOKEN[:1], [Said(2.5, 1.0, 2.4, "one", True)], near=0.3)
    assert (found.final, found.missed) == ([], 1)


def test_a_segment_that_is_repeated_came_when_it_came_first() -> None:
    part = {"start": "1.000", "end": "2.000", "text": " one", "completed": False}
    told = [(2.1, {"segments": [part]}), (2.6, {"segments": [part]}), (3.0, {"segments": [part | {"completed": True}]})]
    assert [(each.at, each.final) for each in live.of_whisper_live(told)] == [(2.1, False), (3.0, True)]


def test_a_case_without_finals_ends_the_bench() -> None:
    with pytest.raises(SystemExit, match=r"WhisperLive gave 0 finals"):
        live.rows_of("a case", Lateness([0.6], [0.2], [0.5]), WhisperLive=Lateness())


def test_lateness_of_others_stands_beside_ours() -> None:
    rows = live.rows_of("a case", Lateness([0.6], [0.2], [0.5]), "below 0.7", WhisperLive=Lateness([6.0], [2.0], [5.0]))
    assert {row.metric: row.ratio for row in rows}["end of speech to final, p50"] == {"WhisperLive": 10.0}
    assert [row.metric for row in rows if row.target == "below 0.7"] == ["end of speech to final, p99"]


def test_what_the_service_adds_is_the_median_of_the_pairs() -> None:
    rows = {row.metric: row.ours for row in overhead.rows_of([(0.103, 0.100), (0.204, 0.200), (0.150, 0.100)])}
    assert rows["added to the call, p50"] == 4.0
    assert rows["time, p50"] == 150.0


def test_more_requests_per_second_are_better() -> None:
    found = {
        "ours": Figures([4.0, 6.0], [1.0], [0.1], 5.0),
        "wyoming-faster-whisper": Figures([2.0], [2.0], [0.1], 5.0),
    }
    first = throughput.rows_of(3, found)[0]
    assert (first.ours, first.ratio) == (5.0, {"wyoming-faster-whisper": 2.0})
    assert "2x wyoming-faster-whisper" in first.target


def test_a_referees_summary_is_read() -> None:
    said = """
Server: 127.0.0.1:11 (malsori)
Summary (lower is better)

[non_streaming]
  server                              ok      WER      CER     SAR  Total_mean   TTFT_p95  RTF_mean
  127.0.0.1:11 (malsori)              16     8.1%     1.7%   50.0%       300.5        n/a      0.31
  127.0.0.1:12 (faster-whisper)       16     9.0%     1.7%   50.0%       601.0        n/a      0.31

[streaming]
  server                              ok      WER      CER     SAR  Total_mean   TTFT_p95  RTF_mean
  127.0.0.1:11 (malsori)              16     8.1%     1.7%   50.0%       310.5       99.0      0.31
"""
    rows = referee.rows_of(referee.verdicts(said), 11, {"wyoming-faster-whisper": 12})
    assert [(row.ours, row.ratio) for row in rows if row.unit == "ms"] == [
        (300.5, {"wyoming-faster-whisper": 2.0}),
        (310.5, {}),
    ]


class Route(BaseHTTPRequestHandler):
    """Answers a form with how long it is; everything else with a word."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(json.dumps({"text": f"{body.count(b'RIFF')} file"}).encode())

    def do_GET(self) -> None:
        self.answer(b"ok")

    def answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def in_a_thread(server: Any) -> Iterator[Any]:
    """Let a server serve meanwhile."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture
def route() -> Iterator[int]:
    """The port of a server for files."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Route) as server, in_a_thread(server):
        yield server.server_address[1]


@pytest.fixture
def clip(tmp_path: Path) -> str:
    """A second of a note as a file."""
    path = tmp_path / "clip.wav"
    sounds.write_wav(path, tone(1.0, 0.5))
    return str(path)


def test_clients_send_all_clips_over_connections_that_are_kept(route: int, clip: str) -> None:
    url = f"http://127.0.0.1:{route}/v1/audio/transcriptions"
    done = load({"kind": "files", "url": url, "clips": [clip] * 5, "clients": 2, "fields": {"language": "en"}})
    assert sorted(answer["clip"] for answer in done["answers"]) == [0, 1, 2, 3, 4]
    assert {answer["text"] for answer in done["answers"]} == {"1 file"}
    assert done["processor"] > 0


class Satellite(StreamRequestHandler):
    """A Wyoming server: answers with how many bytes of sound it was sent, and closes."""

    def handle(self) -> None:
        heard, kind = 0, ""
        while kind != "audio-stop":
            head = json.loads(self.rfile.readline())
            kind = head["type"]
            self.rfile.read(head.get("data_length", 0))
            heard += len(self.rfile.read(head.get("payload_length", 0)))
        self.wfile.write(json.dumps({"type": "transcript", "data": {"text": f"{heard} bytes"}}).encode() + b"\n")


def test_clients_of_wyoming_send_all_of_a_clip(clip: str) -> None:
    with ThreadingTCPServer(("127.0.0.1", 0), Satellite) as server, in_a_thread(server):
        order = {"kind": "files", "url": f"tcp://127.0.0.1:{server.server_address[1]}", "clips": [clip] * 3}
        done = load(order | {"clients": 2})
    assert [answer["text"] for answer in done["answers"]] == [f"{2 * RATE} bytes"] * 3


@pytest.mark.parametrize("kind", ["head", "kept", "tcp"])
def test_sockets_are_held_until_the_input_ends(route: int, kind: str) -> None:
    with talking("bench.service.holders", kind, "127.0.0.1", str(route), "6") as holder:
        assert holder.read()["open"] == 6
        assert holder.ask(None)["open"] == 6


def test_a_socket_that_is_closed_is_opened_again() -> None:
    async def main() -> tuple[int, int]:
        async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        async with await asyncio.start_server(close, "127.0.0.1", 0) as server:
            holder = holders.Holder("tcp", "127.0.0.1", server.sockets[0].getsockname()[1], 1)
            task = asyncio.ensure_future(holder.hold("tcp"))
            await asyncio.sleep(3 * holders.AGAIN_S)
            task.cancel()
        return holder.open, holder.again

    open_now, again = asyncio.run(main())
    assert open_now <= 1
    assert again >= 2


def listener(socket: ServerConnection) -> None:
    """Tell of one sentence and end; or refuse whoever wants no partials."""
    if not json.loads(socket.recv())["interim"]:
        socket.send(json.dumps({"type": "error", "error": {"code": "server_busy"}}))
        socket.close(1013)
        return
    socket.send(json.dumps({"type": "ready"}))
    heard = 0
    for message in socket:
        if isinstance(message, str):
            break
        heard += len(message)
    socket.send(json.dumps({"type": "final", "seq": 0, "start": 0.1, "end": 0.9, "text": f"{heard} bytes"}))


@pytest.mark.parametrize("partials", [True, False])
def test_a_live_client_speaks_in_real_time_or_is_refused_with_a_code(clip: str, partials: bool) -> None:
    with serve(listener, "127.0.0.1", 0) as server, in_a_thread(server):
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/v1/listen"
        order = {"kind": "live", "dialect": "listen", "url": url, "partials": partials, "talks": [clip]}
        (answer,) = load(order)["answers"]
    if not partials:
        assert answer == {"refused": 1013}
        return
    (at, event), *more = answer["told"]
    assert (event["text"], more) == (f"{2 * RATE} bytes", [])
    assert at >= 1.0


def test_our_server_runs_for_as_long_as_the_block() -> None:
    with servers.ours("nano-whisper") as server:
        assert servers.answers(server.port, "/readyz")
        assert server.rss() > 0
    assert not servers.listens(server.port)
