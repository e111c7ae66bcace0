"""/v1/listen over a real socket: PCM in any pieces, events, limits, and what wrong messages get."""

from __future__ import annotations

import asyncio
import json
import random
import wave
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import websockets

from malsori import Final, decode
from tests.service.running import RunningServer, start_server
from tests.shipped import ROOT, model

KOREAN = ROOT / "samples" / "korean.wav"
TEXT = (ROOT / "samples" / "korean.txt").read_text("utf-8").strip()


def pcm() -> tuple[bytes, int]:
    with wave.open(str(KOREAN)) as sound:
        return sound.readframes(sound.getnframes()), sound.getframerate()


async def talk(
    url: str, config: dict[str, Any] | None, parts: Iterable[bytes | str]
) -> tuple[list[dict[str, Any]], int]:
    """Send a configuration and the parts, and return all messages and the code that the socket was closed with."""
    messages = []
    async with websockets.connect(f"{url}/v1/listen", max_size=None) as socket:
        if config is not None:
            await socket.send(json.dumps({"type": "config", **config}))
            messages.append(json.loads(await socket.recv()))
        with suppress(websockets.ConnectionClosed):  # with a code other than 1000
            for part in parts:
                await socket.send(part)
        with suppress(websockets.ConnectionClosed):
            async for message in socket:
                messages.append(json.loads(message))
    return messages, socket.close_code or 0


def heard(messages: list[dict[str, Any]]) -> str:
    return " ".join(each["text"] for each in messages if each["type"] == "final" and each["text"])


def run(url: str, config: dict[str, Any] | None, parts: Iterable[bytes | str]) -> tuple[list[dict[str, Any]], int]:
    return asyncio.run(talk(url, config, parts))


END = json.dumps({"type": "end"})
LONGEST_ERROR = 1_200  # characters, whatever a client has sent


def test_a_sample_gives_its_words_and_a_normal_close(server: RunningServer) -> None:
    sound, rate = pcm()
    messages, code = run(server.ws, {"sample_rate": rate}, [sound, END])
    assert messages[0]["type"] == "ready"
    assert heard(messages) == TEXT
    assert messages[-1] == {"type": "done", "audio_seconds": pytest.approx(len(sound) / 2 / rate, abs=0.01)}
    assert code == 1000


@pytest.mark.parametrize("seed", range(10))
def test_any_cut_of_the_bytes_gives_the_same_words(server: RunningServer, seed: int) -> None:
    sound, rate = pcm()
    cuts = sorted(random.Random(seed).sample(range(1, len(sound)), 60))
    parts = [sound[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(sound)], strict=True)]
    messages, _ = run(server.ws, {"sample_rate": rate, "interim": False}, [*parts, b"", END])
    assert heard(messages) == TEXT


def _mulaw(samples: np.ndarray) -> bytes:
    from malsori.service.pcm import table

    values = table("mulaw").astype(np.int32)
    order = np.argsort(values, kind="stable")
    nearest = np.searchsorted(values[order], samples.astype(np.int32)).clip(0, 255)
    return order[nearest].astype(np.uint8).tobytes()


@pytest.mark.parametrize("encoding", ["pcm_f32le", "mulaw", "stereo"])
def test_other_encodings_and_channels_give_the_same_words(server: RunningServer, encoding: str) -> None:
    samples = decode(KOREAN).samples
    sixteen = (samples * 32_767).astype("<i2")
    config: dict[str, Any] = {"sample_rate": 16_000, "encoding": encoding}
    if encoding == "stereo":
        config |= {"encoding": "pcm_s16le", "channels": 2}
        sound = np.repeat(sixteen, 2).tobytes()
    else:
        sound = samples.astype("<f4").tobytes() if encoding == "pcm_f32le" else _mulaw(sixteen)
    messages, _ = run(server.ws, config, [sound, END])
    assert heard(messages) == TEXT


def test_words_have_their_times_where_they_are_asked_for(server: RunningServer) -> None:
    sound, rate = pcm()
    messages, _ = run(server.ws, {"sample_rate": rate, "words": True}, [sound, END])
    final = next(each for each in messages if each["type"] == "final")
    assert " ".join(word["word"] for word in final["words"]) == TEXT


def test_a_flush_gives_the_final_at_once_and_the_session_goes_on(server: RunningServer) -> None:
    sound, rate = pcm()
    middle = int(2.5 * rate) * 2
    messages, code = run(server.ws, {"sample_rate": rate}, [sound[:middle], json.dumps({"type": "flush"}), sound, END])
    finals = [each["text"] for each in messages if each["type"] == "final"]
    assert len(finals) == 2
    assert finals[1] == TEXT
    assert code == 1000


def test_two_clients_at_once_do_not_mix(server: RunningServer) -> None:
    sound, rate = pcm()

    async def both() -> list[tuple[list[dict[str, Any]], int]]:
        return await asyncio.gather(*(talk(server.ws, {"sample_rate": rate}, [sound, END]) for _ in range(4)))

    for messages, _ in asyncio.run(both()):
        assert heard(messages) == TEXT


@pytest.mark.parametrize(
    ("config", "param"),
    [
        ({"sample_rate": 0}, "sample_rate"),
        ({"sample_rate": "fast"}, "sample_rate"),
        ({"sample_rate": 10**9}, "sample_rate"),
        ({"channels": 0}, "channels"),
        ({"channels": True}, "channels"),
        ({"encoding": "opus"}, "encoding"),
        ({"encoding": []}, "encoding"),
        ({"model": "../../etc/passwd"}, "model"),
        ({"model": 7}, "model"),
        ({"language": "xx"}, "language"),
        ({"language": 5}, "language"),
        ({"language": ["ko"] * 5_000}, "language"),
        ({"beam_size": 100, "model": "nano-whisper"}, "beam_size"),
        ({"interim": "yes"}, "interim"),
        ({"vad": {"treshold": 1}}, "vad"),
        ({"vad": {"threshold": 7}}, "threshold"),
        ({"vad": 7}, "vad"),
        ({"sample_rtae": 16_000}, "sample_rtae"),
        ({"\ud800": 1}, "\\ud800"),  # half of a pair, which is no UTF-8
        ({"model": "\ud800"}, "model"),
    ],
)
def test_a_wrong_configuration_is_told_with_its_field(
    server: RunningServer, config: dict[str, Any], param: str
) -> None:
    messages, code = run(server.ws, config, [])
    assert messages[0]["type"] == "error"
    assert messages[0]["error"]["param"] == param, messages
    assert messages[0]["error"]["type"] == "invalid_request_error"
    assert len(messages[0]["error"]["message"]) < LONGEST_ERROR
    assert code == 1008
    assert server.alive()


@pytest.mark.parametrize("first", [b"\0\0", "no json", "[]", '{"type":"end"}', '{"type":' + "[" * 100_000])
def test_a_socket_that_does_not_begin_with_a_configuration_is_closed(server: RunningServer, first: str | bytes) -> None:
    messages, code = run(server.ws, None, [first])
    assert messages[0]["error"]["code"] in ("config_required", "invalid_json", "message_too_large")
    assert code in (1008, 1009)
    assert server.alive()


@pytest.mark.parametrize(
    "wrong", ["no json", "{}", '{"type":"nix"}', '{"type":1e400}', "[]", '{"type":NaN}', '{"a":1,"a":2}']
)
def test_a_wrong_message_is_told_and_the_session_goes_on(server: RunningServer, wrong: str) -> None:
    sound, rate = pcm()
    messages, code = run(server.ws, {"sample_rate": rate}, [wrong, sound, END])
    assert messages[1]["type"] == "error"
    assert heard(messages) == TEXT
    assert code == 1000


@pytest.mark.parametrize("more", [0, 1])
def test_a_message_may_be_as_long_as_the_limit_and_no_longer(server: RunningServer, more: int) -> None:
    messages, code = run(server.ws, {"sample_rate": 16_000}, [bytes((1 << 20) + more), END])
    assert code == (1009 if more else 1000), messages


def test_a_silent_socket_is_closed_and_so_is_one_without_sound() -> None:
    with start_server("--config-seconds", "0.3", "--idle-seconds", "0.4") as server:
        messages, code = run(server.ws, None, [])
        assert (messages[0]["error"]["code"], code) == ("config_required", 1008)
        messages, code = run(server.ws, {}, [])
        assert [each["type"] for each in messages] == ["ready", "error", "done"]
        assert (messages[1]["error"]["code"], code) == ("idle_timeout", 1008)


def test_a_session_that_is_too_long_ends_with_its_finals() -> None:
    sound, rate = pcm()
    with start_server("--max-stream-seconds", "1") as server:
        messages, code = run(server.ws, {"sample_rate": rate}, [sound])
        assert heard(messages) == TEXT
        assert messages[-2]["error"]["code"] == "session_too_long" or messages[-1]["type"] == "done"
        assert code == 1008


def test_a_session_beyond_the_places_gets_1013_and_the_others_go_on() -> None:
    sound, rate = pcm()

    async def full(server: RunningServer) -> tuple[list[dict[str, Any]], int, str]:
        async with websockets.connect(f"{server.ws}/v1/listen") as first:
            await first.send(json.dumps({"type": "config", "sample_rate": rate}))
            assert json.loads(await first.recv())["type"] == "ready"
            refused, code = await talk(server.ws, {}, [])
            for part in (sound, END):
                await first.send(part)
            finals = [json.loads(message) async for message in first]
        return refused, code, heard(finals)

    with start_server("--max-streams", "1") as server:
        refused, code, text = asyncio.run(full(server))
        assert (refused[0]["error"]["code"], code) == ("server_busy", 1013)
        assert text == TEXT
        assert run(server.ws, {"sample_rate": rate}, [sound, END])[1] == 1000  # the place is free again


def test_a_fast_client_is_slowed_and_loses_nothing() -> None:
    sound, rate = pcm()
    times = 12
    with start_server("--backlog-seconds", "3") as server:
        messages, code = run(server.ws, {"sample_rate": rate, "interim": False}, [*[sound] * times, END])
        assert code == 1000
        assert heard(messages).split().count(TEXT.split()[0]) == times
        assert not [each for each in messages if each["type"] == "warning"]


def test_sigterm_sends_the_finals_of_open_sessions() -> None:
    sound, rate = pcm()
    sound = sound[: 3 * rate * 2]  # somebody is still speaking
    stream = model().stream(sample_rate=rate)
    expected = [event.text for event in [*stream.push(sound), *stream.flush()] if isinstance(event, Final)]

    async def cut_off(server: RunningServer) -> tuple[list[dict[str, Any]], int]:
        messages = []
        async with websockets.connect(f"{server.ws}/v1/listen") as socket:
            await socket.send(json.dumps({"type": "config", "sample_rate": rate}))
            await socket.recv()
            await socket.send(sound)
            messages.append(json.loads(await socket.recv()))
            server.process.terminate()
            with suppress(websockets.ConnectionClosed):
                async for message in socket:
                    messages.append(json.loads(message))
        return messages, socket.close_code or 0

    with start_server() as server:
        messages, code = asyncio.run(cut_off(server))
        assert [heard(messages)] == expected
        assert code == 1001
        assert server.process.wait(20) == 0


def test_the_words_are_those_of_the_library(server: RunningServer) -> None:
    sound, rate = pcm()
    stream = model().stream(sample_rate=rate)
    events = [*stream.push(sound), *stream.flush()]
    expected = [event.to_dict() for event in events if event.to_dict()["type"] == "final"]
    messages, _ = run(server.ws, {"sample_rate": rate}, [sound, END])
    assert [each for each in messages if each["type"] == "final"] == expected
