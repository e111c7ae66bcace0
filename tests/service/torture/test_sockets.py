"""WebSockets: frames that are none, messages that are wrong, floods, and clients that neither read nor leave."""

from __future__ import annotations

import json
import random
import struct
import time
from contextlib import ExitStack

import pytest

from bench.torture.attempt import ask
from bench.torture.requests import head
from bench.torture.target import Target, forget_peak, memory
from tests.service.running import RunningServer, start_server
from tests.service.torture.sockets import (
    BINARY,
    CLOSE,
    CONFIG,
    CONT,
    END,
    GOODBYE,
    LISTEN,
    PING,
    REALTIME,
    TEXT,
    errors,
    frame,
    heard,
    opened,
    pcm,
    rest,
    said,
)
from tests.service.torture.watched import HOST, MB, SAID, descriptors, target_of, threads, undisturbed

pytestmark = [pytest.mark.torture, pytest.mark.usefixtures("survives")]

FRAMES = {
    "without a mask": (frame(TEXT, b"{}", mask=False), 1002),
    "with a bit of an extension": (frame(TEXT, b"{}", rsv=0x40), 1002),
    "with another reserved bit": (frame(TEXT, b"{}", rsv=0x20), 1002),
    "of a kind that there is not": (frame(3, b"x"), 1002),
    "of a kind of control that there is not": (frame(11, b"x"), 1002),
    "of control in pieces": (frame(PING, b"x", fin=False), 1002),
    "of control that is too long": (frame(PING, b"x" * 126), 1002),
    "that goes on with nothing": (frame(CONT, b"x"), 1002),
    "that begins within another": (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002),
    "that is no UTF-8": (frame(TEXT, b"\xff\xfe"), 1007),
    "of a close of one byte": (frame(CLOSE, b"x"), 1002),
    "of a close with a code that there is not": (frame(CLOSE, struct.pack("!H", 999)), 1002),
    "of a close with a reason that is no UTF-8": (frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007),
    "of 2^62 bytes": (b"\x82\xff" + struct.pack("!Q", 1 << 62) + bytes(4), 1009),
    "of a negative length": (b"\x82\xff" + b"\xff" * 8 + bytes(4), 1009),
    "of 21 MiB": (frame(TEXT, bytes(21 * MB)), 1009),
}


@pytest.mark.parametrize("path", [LISTEN, REALTIME])
def test_a_frame_that_is_none_closes_its_socket_with_the_code_for_that(target: Target, path: str) -> None:
    found = {}
    for name, (sent, _) in FRAMES.items():
        with opened(target.port, path) as client:
            try:
                client.sendall(sent)
            except ConnectionError:
                found[name] = 1009  # closed before all of it was sent
                continue
            code = rest(client)[1]
            found[name] = 1009 if code == 0 and "MiB" in name else code
        target.check()
    assert found == {name: code for name, (_, code) in FRAMES.items()}


MESSAGES = {
    "sound first": (frame(BINARY, bytes(100)), "config_required", 1008),
    "another type first": (END, "config_required", 1008),
    "a message beyond 1 MiB": (CONFIG + frame(BINARY, bytes(MB + 1)), "message_too_large", 1009),
    "JSON of 250,000 levels": (CONFIG + frame(TEXT, b"[" * 60_000) + END, "invalid_json", 1000),
    "a configuration twice": (CONFIG + CONFIG + END, "unknown_type", 1000),
    "a number of 5,000 digits": (
        frame(TEXT, b'{"type":"config","sample_rate":' + b"9" * 5_000 + b"}"),
        "invalid_json",
        1008,
    ),
    "a number beyond all": (frame(TEXT, b'{"type":"config","sample_rate":1e400}'), "invalid_json", 1008),
    "10,000 languages": (said({"type": "config", "language": ["en"] * 10_000}), "invalid_value", 1008),
    "a type that is half a letter": (CONFIG + frame(TEXT, rb'{"type":"\ud800"}') + END, "unknown_type", 1000),
    "a model that is a path": (said({"type": "config", "model": "../../etc/passwd"}), "model_not_found", 1008),
    "a model in wide letters": (said({"type": "config", "model": "\uff4eano-ctc-ko"}), "model_not_found", 1008),
    "samples that are no numbers": (
        said({"type": "config", "encoding": "pcm_f32le"})
        + frame(BINARY, struct.pack("<3f", float("nan"), float("inf"), 1e38) * 9_000)
        + END,
        "",
        1000,
    ),
    "a field twice": (frame(TEXT, b'{"type":"x","type":"config"}'), "invalid_json", 1008),
    "1,000 empty messages": (CONFIG + frame(BINARY) * 1_000 + END, "", 1000),
    "1,000 flushes": (CONFIG + said({"type": "flush"}) * 1_000 + END, "", 1000),
    "sound behind the end": (CONFIG + END + frame(BINARY, bytes(1_000)) * 10, "", 1000),
    "the end three times": (CONFIG + END * 3, "", 1000),
}


def test_a_wrong_message_is_told_and_closes_only_what_it_must(target: Target) -> None:
    wrong = []
    for name, (sent, code, closed) in MESSAGES.items():
        with opened(target.port) as client:
            client.sendall(sent)
            messages, found = rest(client)
        if found != closed or (code and code not in errors(messages)):
            wrong.append((name, found, errors(messages)))
        target.check()
    assert wrong == []


EVENTS = {
    "no JSON": ("{", "invalid_json"),
    "an array": ("[]", "invalid_json"),
    "250,000 levels": ("[" * 250_000, "message_too_large"),
    "60,000 levels": ("[" * 60_000, "invalid_json"),
    "no type": ("{}", "missing_required_parameter"),
    "a type that is a list": ('{"type":[]}', "invalid_value"),
    "a type that is half a letter": (r'{"type":"\ud800"}', "invalid_value"),
    "an id of 600 letters": (json.dumps({"type": "x", "event_id": "x" * 600}), "invalid_value"),
    "no base64": ('{"type":"input_audio_buffer.append","audio":"!"}', "invalid_audio"),
    "base64 with a hole": ('{"type":"input_audio_buffer.append","audio":"AAA"}', "invalid_audio"),
    "sound that is a number": ('{"type":"input_audio_buffer.append","audio":7}', "invalid_value"),
    "no sound": ('{"type":"input_audio_buffer.append"}', "missing_required_parameter"),
    "no session": ('{"type":"session.update"}', "missing_required_parameter"),
    "a session that is a list": ('{"type":"session.update","session":[]}', "invalid_value"),
    "a number beyond all": ('{"type":"session.update","session":{"x":1e400}}', "invalid_json"),
    "a commit of nothing": ('{"type":"input_audio_buffer.commit"}', "input_audio_buffer_commit_empty"),
}


def test_wrong_events_of_a_realtime_session_are_told_and_it_lives(target: Target) -> None:
    with opened(target.port, REALTIME) as client:
        client.sendall(b"".join(frame(TEXT, each.encode()) for each, _ in EVENTS.values()))
        client.sendall(frame(BINARY, b"\0\1") + said({"type": "input_audio_buffer.clear"}))
        messages, code = rest(client, 2.0)
        assert code is None
        assert errors(messages) == [*(code for _, code in EVENTS.values()), "invalid_value"]
        assert messages[-1]["type"] == "input_audio_buffer.cleared"


@pytest.mark.parametrize("seed", range(10))
def test_any_cut_into_frames_and_pieces_of_frames_gives_the_same_words(target: Target, seed: int) -> None:
    chosen, sound, at, sent = random.Random(seed), pcm() + bytes(32_000), 0, [CONFIG]
    while at < len(sound):
        size = chosen.choice([0, 1, 3, 555, 4_097])
        part, at = sound[at : at + size], at + size
        half = chosen.randrange(len(part) + 1)
        pieces = frame(BINARY, part[:half], fin=False) + frame(PING, b"x") + frame(CONT, part[half:])
        sent.append(pieces if chosen.random() < 0.3 else frame(BINARY, part))
    with opened(target.port) as client:
        whole = b"".join([*sent, END])
        for start in range(0, len(whole), cut := chosen.choice([1_009, 30_011])):
            client.sendall(whole[start : start + cut])
        messages, code = rest(client)
    assert (heard(messages), code) == (SAID, 1000)


FLOODS = {
    "pings": (LISTEN, CONFIG, frame(PING, b"x" * 125)),
    "pieces of nothing": (LISTEN, CONFIG + frame(TEXT, fin=False), frame(CONT, fin=False)),
    "empty messages": (LISTEN, CONFIG, frame(BINARY)),
    "wrong messages": (LISTEN, CONFIG, said({"type": "x"})),
    "wrong events": (REALTIME, b"", said({"type": "x"})),
    "updates": (REALTIME, b"", said({"type": "session.update", "session": {"type": "transcription"}})),
    "sound": (LISTEN, CONFIG, frame(BINARY, pcm())),
    "long messages in pieces": (LISTEN, CONFIG + frame(BINARY, fin=False), frame(CONT, bytes(60_000), fin=False)),
}
FLOOD_S = 6.0


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_takes_no_memory_and_others_are_answered(target: Target, name: str) -> None:
    path, first, again = FLOODS[name]
    forget_peak(target.pid)
    before, until, slowest = memory(target.pid), time.monotonic() + FLOOD_S, 0.0
    piece = again * max(1, (1 << 18) // len(again))
    with opened(target.port, path) as client:
        client.sendall(first)
        client.setblocking(False)
        left = memoryview(piece)
        looked = time.monotonic()
        while time.monotonic() < until:
            try:
                left = left[client.send(left) :] or memoryview(piece)
            except BlockingIOError:
                time.sleep(0.01)
            except ConnectionError:
                break
            if time.monotonic() - looked > 0.5:
                began = looked = time.monotonic()
                assert ask(HOST, target.port, head()).status == 200
                slowest = max(slowest, time.monotonic() - began)
    # Sound may wait for 30 s of speech, a long message may have 20 MiB before it is closed.
    assert memory(target.pid, "VmHWM") - before < (60 if name in ("sound", "long messages in pieces") else 24) * MB
    assert slowest < 3.0  # with whatever else this machine does; nothing stands still


def test_compression_is_offered_and_not_taken(target: Target) -> None:
    with opened(target.port, LISTEN, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits") as client:
        client.sendall(CONFIG + frame(TEXT, b"\xaaV*\xa9,HU\xb2RJ\xcdKQ\xaa\x05\0", rsv=0x40))
        assert rest(client)[1] == 1002


def test_sockets_that_say_nothing_and_sessions_that_send_nothing_are_closed() -> None:
    with (
        start_server("--config-seconds", "1", "--idle-seconds", "2", "--max-streams", "200") as server,
        ExitStack() as held,
    ):
        silent = [held.enter_context(opened(server.port, path)) for path in (LISTEN, REALTIME) for _ in range(50)]
        configured = [held.enter_context(opened(server.port)) for _ in range(50)]
        for each in configured:
            each.sendall(CONFIG)
        with undisturbed(server, target_of(server)):
            pass
        for each in silent:
            messages, code = rest(each)
            assert (errors(messages), code) == (["config_required"], 1008)
        for each in configured:
            messages, code = rest(each)
            assert (errors(messages), code) == (["idle_timeout"], 1008)
        assert server.get("/readyz")[1]["sessions"] == 0


def test_a_thousand_sockets_at_once_are_held_and_take_little_memory() -> None:
    with start_server("--models", "nano-ctc-ko") as server, ExitStack() as held:
        target = target_of(server)
        target.check()
        files, before = descriptors(server.process.pid), server.rss()
        for _ in range(1_000):
            held.enter_context(opened(server.port))
        assert server.rss() - before < 100 * MB  # 100 kB each
        target.check()
        held.close()
        until = time.monotonic() + 10
        while descriptors(server.process.pid) > files + 5 and time.monotonic() < until:
            time.sleep(0.1)
        assert descriptors(server.process.pid) <= files + 5
        target.check()


def test_a_session_beyond_the_places_is_refused_a_hundred_times_and_those_within_hear_on() -> None:
    with start_server("--max-streams", "3") as server, ExitStack() as held:
        within = [held.enter_context(opened(server.port)) for _ in range(3)]
        for each in within:
            each.sendall(CONFIG + frame(BINARY, pcm()[:60_000]))
        time.sleep(0.5)
        for _ in range(100):
            with opened(server.port) as beyond:
                beyond.sendall(CONFIG)
                messages, code = rest(beyond)
                assert (errors(messages), code) == (["server_busy"], 1013)
        for each in within:
            each.sendall(frame(BINARY, pcm()[60_000:] + bytes(32_000)) + END)
            messages, code = rest(each)
            assert (heard(messages), code) == (SAID, 1000)
        assert server.get("/readyz")[1]["sessions"] == 0


def test_a_client_that_reads_nothing_or_is_gone_without_a_word_is_given_up() -> None:
    with start_server("--write-seconds", "1", "--max-streams", "4") as server:
        target = target_of(server)
        sound = frame(BINARY, pcm() + bytes(32_000))
        with opened(server.port, receive_bytes=2_048) as deaf, opened(server.port) as gone:
            # A connection whose other end is gone and one that answers no ping look the same to the service.
            gone.sendall(CONFIG)
            deaf.sendall(said({"type": "config", "words": True}))
            deaf.settimeout(0.2)
            until, began = time.monotonic() + 60, time.monotonic()
            while server.get("/readyz")[1]["sessions"] and time.monotonic() < until:
                try:
                    deaf.sendall(said({"type": "x" * 20_000}) * 20)
                    deaf.sendall(sound)
                except (TimeoutError, ConnectionError):
                    time.sleep(0.5)
            assert server.get("/readyz")[1]["sessions"] == 0
            assert time.monotonic() - began < 50  # 20 s until a ping, 20 s for its answer
        target.check()


def test_a_thousand_sessions_leave_nothing_behind() -> None:
    with start_server("--models", "nano-ctc-ko", "--max-streams", "32") as server:
        target = target_of(server)

        def some(count: int) -> None:
            for index in range(count):
                with opened(server.port) as client:
                    client.sendall(CONFIG + frame(BINARY, pcm()[:20_000]))
                    if index % 3 == 0:  # in order; the others leave with a close, or with nothing
                        client.sendall(END)
                        assert rest(client)[1] == 1000
                    elif index % 3 == 1:
                        client.sendall(GOODBYE)

        some(60)
        settled(server)
        files, running, before = descriptors(target.pid), threads(target.pid), server.rss()
        some(1_000)
        settled(server)
        assert server.rss() - before < 20 * MB
        assert descriptors(target.pid) <= files + 3
        assert threads(target.pid) <= running + 1
        target.check()


def settled(server: RunningServer, seconds: float = 15.0) -> None:
    """Wait until no session is open."""
    until = time.monotonic() + seconds
    while server.get("/readyz")[1]["sessions"]:
        assert time.monotonic() < until
        time.sleep(0.1)
    time.sleep(0.5)
