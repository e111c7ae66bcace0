"""/v1/realtime over a plain socket: hostile messages, any cut of the sound, updates amid speech, limits, the end."""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import websockets

from malsori.service.realtime.turn_detection import ServerVad
from tests.service.realtime.talking import (
    CLEAR,
    COMMIT,
    COMPLETED,
    NUMBERS,
    SENTENCES,
    TEXT,
    RawClient,
    append,
    error_of,
    heard_by,
    kinds,
    parts,
    pcm,
    raw,
)
from tests.service.running import RunningServer, start_server
from tests.shipped import model

MANUAL = heard_by(turn_detection=None)
KEY = "a-key-of-a-client"


async def hear(client: RawClient, data: bytes, size: int = 9_600) -> str:
    """Send sound in parts, and return the transcript of the next item."""
    for part in parts(data, size):
        await client.send(append(part))
    return str((await client.until(COMPLETED))["transcript"])


def test_hostile_messages_are_told_and_the_session_goes_on(server: RunningServer) -> None:
    messages: dict[str, Any] = {
        "invalid_json": "{",
        "message_too_large": "[" * 250_000,
        "missing_required_parameter": "{}",
        "invalid_value": {"type": "response.create", "event_id": "r"},
        "invalid_audio": {"type": "input_audio_buffer.append", "audio": "not base64!"},
        "unknown_parameter": heard_by(fromat={}),
        "model_not_found": heard_by(transcription={"model": "../../etc/passwd"}),
    }

    async def talk() -> None:
        async with raw(server.ws) as client:
            for code, message in messages.items():
                assert (await error_of(client, message))["code"] == code
            assert (await error_of(client, b"\0\1"))["code"] == "invalid_value"
            assert (await error_of(client, {"type": "x", "event_id": "mine"}))["event_id"] == "mine"
            assert await hear(client, pcm()) == TEXT

    asyncio.run(talk())
    assert server.alive()


@pytest.mark.parametrize("seed", range(4))
def test_odd_bytes_are_carried_from_one_append_to_the_next(server: RunningServer, seed: int) -> None:
    chosen, data = random.Random(seed), pcm()

    async def talk() -> str:
        async with raw(server.ws) as client:
            at = 0
            while at < len(data):
                size = chosen.choice([0, 1, 3, 777, 4_801, 20_001])
                await client.send(append(data[at : at + size]))
                at += size
            return str((await client.until(COMPLETED))["transcript"])

    assert asyncio.run(talk()) == TEXT


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_other_rates_give_the_words_of_a_file(server: RunningServer, rate: int) -> None:
    data = pcm(rate=rate)

    async def talk() -> str:
        async with raw(server.ws) as client:
            await client.send(heard_by(format={"type": "audio/pcm", "rate": rate}))
            return await hear(client, data)

    samples = np.frombuffer(data, "<i2")
    assert asyncio.run(talk()) == model().transcribe(samples, sample_rate=rate, gate=ServerVad().gate).text


def test_the_beta_dialect_has_its_own_events(server: RunningServer) -> None:
    async def talk() -> RawClient:
        headers = {"OpenAI-Beta": "realtime=v1"}
        async with raw(server.ws, additional_headers=headers) as client:
            assert client.events[0]["session"]["input_audio_format"] == "pcm16"
            changes = {"input_audio_transcription": {"model": "gpt-4o-transcribe", "language": "ko"}}
            await client.send({"type": "transcription_session.update", "session": changes})
            assert await hear(client, pcm()) == TEXT
            return client

    events = asyncio.run(talk()).events
    assert kinds(events)[1] == "transcription_session.updated"
    assert "conversation.item.created" in kinds(events)
    assert "conversation.item.added" not in kinds(events)


def test_commits_without_sound_are_faults_and_clearing_is_not(server: RunningServer) -> None:
    async def talk() -> None:
        async with raw(server.ws) as client:
            await client.send(MANUAL)
            for events in ([], [append(bytes(4_798))], [append(bytes(4_800)), {"type": CLEAR}]):
                error = await error_of(client, *events, {"type": COMMIT})
                assert error["code"] == "input_audio_buffer_commit_empty"
                await client.send({"type": CLEAR})
                await client.until("input_audio_buffer.cleared")
            await client.send(append(bytes(48_000)), {"type": COMMIT})
            assert (await client.until(COMPLETED))["transcript"] == ""
            error = await error_of(client, {"type": COMMIT})
            assert error["code"] == "input_audio_buffer_commit_empty"

    asyncio.run(talk())


def test_a_client_may_end_a_turn_that_the_server_hears(server: RunningServer) -> None:
    async def talk() -> str:
        async with raw(server.ws) as client:
            await client.send(append(pcm(silence_s=0)), {"type": COMMIT})
            return str((await client.until(COMPLETED))["transcript"])

    assert asyncio.run(talk()) == TEXT


def test_an_update_amid_speech_counts_from_the_next_item_on(server: RunningServer) -> None:
    data = pcm(NUMBERS)

    async def talk() -> RawClient:
        async with raw(server.ws) as client:
            await client.send(append(data[:96_000]))
            await client.until("input_audio_buffer.speech_started")
            await client.send(heard_by(transcription={"delay": "low"}))
            await client.until("session.updated")
            for part in parts(data[96_000:]):
                await client.send(append(part))
            await client.until(COMPLETED, len(SENTENCES))
            return client

    client = asyncio.run(talk())
    assert [event["transcript"] for event in client.of(COMPLETED)] == SENTENCES
    chain = [event["previous_item_id"] for event in client.of("input_audio_buffer.committed")]
    assert chain == [None, *(event["item_id"] for event in client.of("input_audio_buffer.committed"))][:-1]
    starts = [event["audio_start_ms"] for event in client.of("input_audio_buffer.speech_started")]
    stops = [event["audio_end_ms"] for event in client.of("input_audio_buffer.speech_stopped")]
    assert starts == sorted(starts)
    assert all(stop <= start for stop, start in zip(stops, starts[1:], strict=False))


def test_an_unknown_model_leaves_the_session_as_it_is(server: RunningServer) -> None:
    async def talk() -> str:
        async with raw(server.ws) as client:
            error = await error_of(client, heard_by(transcription={"model": "gpt-9"}))
            assert error["param"] == "session.audio.input.transcription.model"
            return await hear(client, pcm())

    assert asyncio.run(talk()) == TEXT


def test_clients_at_the_same_time_do_not_mix(server: RunningServer) -> None:
    async def one() -> str:
        async with raw(server.ws) as client:
            return await hear(client, pcm())

    async def other() -> list[str]:
        async with raw(server.ws) as client:
            for part in parts(pcm(NUMBERS)):
                await client.send(append(part))
            await client.until(COMPLETED, len(SENTENCES))
            return [event["transcript"] for event in client.of(COMPLETED)]

    async def both() -> list[Any]:
        return list(await asyncio.gather(one(), other(), one()))

    assert asyncio.run(both()) == [TEXT, SENTENCES, TEXT]


def test_fifteen_mebibytes_pass_and_a_larger_message_closes_the_socket(server: RunningServer) -> None:
    async def talk() -> int:
        async with raw(server.ws) as client:
            await client.send(MANUAL)
            await client.send(append(bytes(15 << 20)), {"type": CLEAR})
            await client.until("input_audio_buffer.cleared")
            with suppress(websockets.ConnectionClosed):
                await client.send("x" * (21 << 20))
            return await client.closed()

    assert asyncio.run(talk()) == 1009
    assert server.alive()


def test_a_long_silence_is_an_item_where_it_was_asked_for(server: RunningServer) -> None:
    async def talk() -> RawClient:
        async with raw(server.ws) as client:
            await client.send(heard_by(turn_detection={"type": "server_vad", "idle_timeout_ms": 5_000}))
            await client.send(append(bytes(48_000 * 7)))
            await client.until(COMPLETED)
            return client

    client = asyncio.run(talk())
    assert kinds(client.events)[2:4] == ["timeout_triggered", "committed"]


def test_sessions_that_say_nothing_or_send_nothing_are_closed() -> None:
    async def silent(url: str, *events: Any) -> tuple[str, int]:
        async with raw(url) as client:
            await client.send(*events)
            code = await client.closed()
            return str(client.events[-1]["error"]["code"]), code

    with start_server("--config-seconds", "0.5", "--idle-seconds", "1.5") as server:
        assert asyncio.run(silent(server.ws)) == ("config_required", 1008)
        assert asyncio.run(silent(server.ws, MANUAL)) == ("idle_timeout", 1008)
        assert asyncio.run(silent(server.ws, append(bytes(4_800)))) == ("idle_timeout", 1008)


def test_a_session_that_is_too_long_ends_with_its_words() -> None:
    async def talk(url: str) -> RawClient:
        async with raw(url) as client:
            await client.send(append(pcm(silence_s=0)))
            assert await client.closed() == 1008
            return client

    with start_server("--max-stream-seconds", "2") as server:
        client = asyncio.run(talk(server.ws))
    assert client.text == TEXT
    assert client.events[-1]["error"]["code"] == "session_expired"


def test_past_the_last_place_a_client_is_told_to_come_later() -> None:
    async def talk(url: str) -> None:
        async with raw(url) as first, raw(url) as second:
            await first.send(MANUAL)
            await first.until("session.updated")
            error = await error_of(second, MANUAL)
            assert (error["type"], error["code"]) == ("rate_limit_error", "server_busy")
            assert error["retry_after"] >= 1
            assert await second.closed() == 1013
            async with websockets.connect(f"{url}/v1/realtime?intent=transcription") as third:
                assert "server_busy" in str(await third.recv())
                assert await RawClient(third).closed() == 1013
        while True:  # until the first one's place is free
            async with raw(url) as later:
                if later.events[0]["type"] == "session.created":
                    assert await hear(later, pcm()) == TEXT
                    return
            await asyncio.sleep(0.05)

    with start_server("--max-streams", "1") as server:
        asyncio.run(talk(server.ws))


def test_the_end_of_the_service_tells_what_was_said() -> None:
    async def talk(server: RunningServer) -> tuple[RawClient, RawClient]:
        async with raw(server.ws) as turns, raw(server.ws) as commits:
            await commits.send(MANUAL)
            for client in (turns, commits):
                await client.send(append(pcm(silence_s=0)))
            await turns.until("input_audio_buffer.speech_started")
            await commits.send({"type": "x"})
            await commits.until("error")  # its sound is taken
            server.process.send_signal(signal.SIGTERM)
            assert await asyncio.gather(turns.closed(), commits.closed()) == [1001, 1001]
            return turns, commits

    with start_server() as server:
        for client in asyncio.run(talk(server)):
            assert client.text == TEXT
            assert client.events[-1]["error"]["code"] == "shutting_down"
        assert server.stop() == 0


@pytest.fixture
def locked(tmp_path: Any) -> Any:
    """Give a service that asks for a key."""
    keys = tmp_path / "keys"
    keys.write_text(f"{KEY}\n")
    with start_server("--api-key-file", str(keys)) as running:
        yield running


def test_a_key_is_asked_for_before_the_socket_is_there(locked: RunningServer) -> None:
    async def enter(query: str = "", **options: Any) -> str:
        async with raw(locked.ws, f"intent=transcription{query}", **options) as client:
            return str(client.events[0]["type"])

    with pytest.raises(websockets.InvalidStatus) as caught:
        asyncio.run(enter())
    assert caught.value.response.status_code == 401
    with pytest.raises(websockets.InvalidStatus):
        asyncio.run(enter(f"&api_key={KEY}"))
    browser = ["realtime", f"openai-insecure-api-key.{KEY}", "openai-beta.realtime-v1"]
    assert asyncio.run(enter(subprotocols=browser)) == "session.created"
    assert asyncio.run(enter(additional_headers={"Authorization": f"Bearer {KEY}"})) == "session.created"
    assert not [line for line in locked.lines if KEY in line]
