"""OpenAI's own client over a plain socket: turns found by the server, items committed by the client, faults."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from tests.service.realtime.talking import COMPLETED, DELTA, NUMBERS, SENTENCES, TEXT, kinds, parts, pcm
from tests.service.running import RunningServer

openai = pytest.importorskip("openai", reason="pip install 'openai[realtime]'")
WHOLE_TURN = [
    "speech_started",
    "speech_stopped",
    "committed",
    "conversation.item.added",
    "conversation.item.done",
]


@asynccontextmanager
async def connected(server: RunningServer, **options: Any) -> AsyncIterator[Any]:
    client = openai.AsyncOpenAI(
        api_key="none", base_url=f"{server.url}/v1", websocket_base_url=f"{server.ws}/v1", max_retries=0
    )
    async with client, client.realtime.connect(**options) as connection:
        yield connection


async def append(connection: Any, data: bytes) -> None:
    for part in parts(data):
        await connection.input_audio_buffer.append(audio=base64.b64encode(part).decode())


async def until(connection: Any, kind: str, times: int = 1) -> list[Any]:
    """Return the events up to the `times`-th of a kind."""
    events: list[Any] = []
    while sum(event.type == kind for event in events) < times:
        events.append(await asyncio.wait_for(connection.recv(), 20))
    return events


def told(events: list[Any]) -> list[str]:
    return kinds([event.to_dict() for event in events])


def deltas(events: list[Any], item_id: str) -> str:
    return "".join(event.delta for event in events if event.type == DELTA and event.item_id == item_id)


@pytest.mark.parametrize("options", [{"extra_query": {"intent": "transcription"}}, {"model": "whisper-1"}])
def test_turns_of_a_recording_are_told_one_after_another(server: RunningServer, options: dict[str, Any]) -> None:
    async def talk() -> list[Any]:
        async with connected(server, **options) as connection:
            first = await connection.recv()
            assert first.type == "session.created"
            assert first.session.audio.input.turn_detection.type == "server_vad"
            await append(connection, pcm(NUMBERS))
            return await until(connection, COMPLETED, len(SENTENCES))

    events = asyncio.run(talk())
    completed = [event for event in events if event.type == COMPLETED]
    assert [event.transcript for event in completed] == SENTENCES
    previous = None
    for done in completed:
        own = [event for event in events if done.item_id in (getattr(event, "item_id", ""), _item(event))]
        assert [kind for kind in told(own) if kind != "delta"] == [*WHOLE_TURN, "completed"]
        assert told(own)[5:-1] == ["delta"] * (len(own) - 6)  # behind the item, before its transcript
        assert deltas(events, done.item_id) == done.transcript
        assert own[2].previous_item_id == previous
        assert done.usage.seconds == pytest.approx((own[1].audio_end_ms - own[0].audio_start_ms) / 1_000, abs=0.01)
        previous = done.item_id
    assert previous is not None


def _item(event: Any) -> str:
    return event.item.id if event.type.startswith("conversation.item.") and hasattr(event, "item") else ""


def test_words_come_while_they_are_spoken_where_delay_is_low(server: RunningServer) -> None:
    async def talk() -> list[Any]:
        async with connected(server, model="nano-ctc-ko") as connection:
            await connection.session.update(
                session={"type": "transcription", "audio": {"input": {"transcription": {"delay": "low"}}}}
            )
            for part in parts(pcm()):
                await append(connection, part)
                await asyncio.sleep(0.03)
            return await until(connection, COMPLETED)

    events = asyncio.run(talk())
    assert "delta" in told(events)[: told(events).index("speech_stopped")]
    assert deltas(events, events[-1].item_id) == events[-1].transcript == TEXT


def test_the_client_may_commit_items_itself(server: RunningServer) -> None:
    async def talk() -> list[Any]:
        async with connected(server, extra_query={"intent": "transcription"}) as connection:
            await connection.session.update(
                session={
                    "type": "transcription",
                    "audio": {"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}},
                    "include": ["item.input_audio_transcription.logprobs"],
                }
            )
            await until(connection, "session.updated")
            await append(connection, pcm(NUMBERS, silence_s=0))
            await connection.input_audio_buffer.commit()
            await append(connection, pcm())
            await connection.input_audio_buffer.clear()
            await append(connection, pcm(silence_s=0))
            await connection.input_audio_buffer.commit()
            return await until(connection, COMPLETED, 2)

    events = asyncio.run(talk())
    first, second = (event for event in events if event.type == COMPLETED)
    assert (first.transcript, second.transcript) == (" ".join(SENTENCES), TEXT)
    assert "".join(each.token for each in second.logprobs).split() == TEXT.split()
    assert all(each.logprob <= 0 for each in second.logprobs)
    assert not {"speech_started", "speech_stopped"} & set(told(events))
    for done in (first, second):
        assert deltas(events, done.item_id) == done.transcript


def test_another_model_is_taken_with_an_update(server: RunningServer) -> None:
    async def talk() -> list[Any]:
        async with connected(server, model="whisper-1") as connection:
            transcription = {"model": "nano-whisper", "language": "ko"}
            await connection.session.update(
                session={"type": "transcription", "audio": {"input": {"transcription": transcription}}}
            )
            shown = (await until(connection, "session.updated"))[-1].session.audio.input.transcription.to_dict()
            assert {name: shown[name] for name in transcription} == transcription
            await append(connection, pcm())
            return await until(connection, COMPLETED)

    assert asyncio.run(talk())[-1].transcript == TEXT


def test_a_fault_is_an_event_that_the_client_can_read(server: RunningServer) -> None:
    async def talk() -> Any:
        async with connected(server, extra_query={"intent": "transcription"}) as connection:
            await connection.send({"type": "input_audio_buffer.commit", "event_id": "mine"})
            error = (await until(connection, "error"))[-1].error
            await append(connection, pcm())
            assert (await until(connection, COMPLETED))[-1].transcript == TEXT
            return error

    error = asyncio.run(talk())
    assert (error.type, error.code, error.event_id) == (
        "invalid_request_error",
        "input_audio_buffer_commit_empty",
        "mine",
    )


def test_a_client_that_iterates_ends_with_the_socket(server: RunningServer) -> None:
    async def talk() -> list[str]:
        seen = []
        async with connected(server, model="no-such-model") as connection:
            with suppress(Exception):  # the close code is that of a refused client
                async for event in connection:
                    seen.append(event.error.code)
        return seen

    assert asyncio.run(talk()) == ["model_not_found"]
