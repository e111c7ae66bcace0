"""Turns beyond the live sessions that the machine bears: heard as uploads, with their words, not refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.service.running import RunningServer, start_server
from tests.service.wyoming.talking import chunks, home_assistant, message, refused, said, speech, turn, words

FORM = {"rate": 16_000, "width": 2, "channels": 1}


@pytest.fixture(scope="module")
def narrow() -> Iterator[RunningServer]:
    with start_server("--wyoming", "tcp://127.0.0.1:0", "--max-streams", "1", "--max-upload-bytes", "300000") as server:
        yield server


def test_many_speak_at_once_and_all_get_their_words(narrow: RunningServer) -> None:
    sound = speech("korean")

    async def together() -> list[str | None]:
        return await asyncio.gather(*(home_assistant(narrow.wyoming_port, "ko", sound) for _ in range(6)))

    assert asyncio.run(together()) == [words("korean")] * 6


def test_a_turn_is_kept_only_so_long(narrow: RunningServer) -> None:
    def taken() -> None:
        while narrow.get("/readyz")[1]["sessions"] == 0:
            time.sleep(0.05)

    async def beside_another() -> tuple[list[object], list[object]]:
        _, writer = await asyncio.open_connection("127.0.0.1", narrow.wyoming_port)
        writer.write(message("audio-start", FORM) + chunks(speech("korean"))[0])  # which takes the only place
        await writer.drain()
        await asyncio.to_thread(taken)
        long = await said(narrow.wyoming_port, [turn(bytes(400_000))])
        short = await said(narrow.wyoming_port, [turn(speech("korean"))])
        writer.close()
        return long, short  # type: ignore[return-value]

    long, short = asyncio.run(beside_another())
    assert refused(long)[0] == "audio_too_long"  # type: ignore[arg-type]
    assert ("transcript", words("korean")) in [(kind, data.get("text")) for kind, data in short]  # type: ignore[misc]
    assert narrow.alive()
