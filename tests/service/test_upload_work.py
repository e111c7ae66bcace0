"""Uploads: bounded, cancelled with their client, ended at the deadline, and each with its own outcome."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from malsori import Scheduler, TranscribeOptions
from malsori.bundles import Found
from malsori.pipeline import Transcriber
from malsori.service.refusal import Refusal
from malsori.service.registry import Registry, served
from malsori.service.serve_options import ServiceLimits
from malsori.service.telemetry import Metrics
from malsori.service.upload_work import UploadWork
from tests.shipped import ROOT, model

KOREAN = ROOT / "samples" / "korean.wav"
TEXT = (ROOT / "samples" / "korean.txt").read_text("utf-8").strip()
EMPTY = KOREAN.read_bytes()[:40] + bytes(4)  # a header of no samples
USUAL = TranscribeOptions()


class SlowEngine:
    """The small model, whose calls wait until `go` is set; counts them."""

    def __init__(self) -> None:
        self.bare = model().engine
        self.go = threading.Event()
        self.begun = threading.Event()
        self.calls = 0

    def transcribe(self, clips: Any, options: Any, previous: Any = ()) -> Any:
        self.calls += 1
        self.begun.set()
        self.go.wait(10)
        return self.bare.transcribe(clips, options, previous)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bare, name)


def work(engine: Any = None, **limits: Any) -> UploadWork:
    found, name, _ = served(str(ROOT / "models" / "nano-ctc-ko"), None, [], None)
    scheduler = Scheduler()

    def load(each: Found) -> Transcriber:
        return model() if engine is None else Transcriber(engine)

    registry = Registry(found, name, None, scheduler, load)
    return UploadWork(registry, scheduler, ServiceLimits(**limits), Metrics())


async def begun(engine: SlowEngine) -> None:
    while not engine.begun.is_set():
        await asyncio.sleep(0.01)


def test_an_upload_gives_its_words() -> None:
    async def hear() -> str:
        return (await work().transcribe(None, KOREAN.read_bytes(), USUAL)).text

    assert asyncio.run(hear()) == TEXT


def test_uploads_beyond_the_limit_get_429_with_a_hint_when_to_come_back() -> None:
    engine = SlowEngine()

    async def hear() -> None:
        ours = work(engine, uploads=1)
        first = asyncio.create_task(ours.transcribe(None, KOREAN.read_bytes(), USUAL))
        await begun(engine)
        with pytest.raises(Refusal) as refused:
            await ours.transcribe(None, KOREAN.read_bytes(), USUAL)
        assert (refused.value.status, refused.value.code, refused.value.type) == (
            429,
            "server_busy",
            "rate_limit_error",
        )
        assert int(refused.value.headers()["retry-after"]) >= 1
        engine.go.set()
        assert (await first).text == TEXT
        assert (await ours.transcribe(None, KOREAN.read_bytes(), USUAL)).text == TEXT

    asyncio.run(hear())


def test_an_upload_that_takes_too_long_gets_504_and_its_place_is_free() -> None:
    engine = SlowEngine()

    async def hear() -> None:
        ours = work(engine, request_seconds=0.3)
        with pytest.raises(Refusal) as refused:
            await ours.transcribe(None, KOREAN.read_bytes(), USUAL)
        assert (refused.value.status, refused.value.code) == (504, "deadline_exceeded")
        assert ours.waiting == 0
        engine.go.set()

    asyncio.run(hear())


def test_a_client_that_leaves_stops_its_work_before_the_next_call() -> None:
    engine = SlowEngine()
    left = False

    async def gone() -> bool:
        return left

    async def hear() -> None:
        nonlocal left
        ours = work(engine)
        first = asyncio.create_task(ours.transcribe(None, KOREAN.read_bytes(), USUAL))
        await begun(engine)
        second = asyncio.create_task(ours.transcribe(None, KOREAN.read_bytes(), USUAL, gone=gone))
        await asyncio.sleep(0.3)
        left = True
        began = time.monotonic()
        with pytest.raises(Refusal) as refused:
            await second
        assert refused.value.code == "client_closed_request"
        assert time.monotonic() - began < 10  # the engine is held until `go`
        await asyncio.sleep(1.0)  # the thread asks now and then whether its work is still wanted
        engine.go.set()
        assert (await first).text == TEXT
        await asyncio.sleep(0.3)
        assert engine.calls == 1

    asyncio.run(hear())


def test_a_task_that_is_cancelled_stops_its_work() -> None:
    engine = SlowEngine()

    async def hear() -> None:
        ours = work(engine)
        first = asyncio.create_task(ours.transcribe(None, KOREAN.read_bytes(), USUAL))
        await begun(engine)
        second = asyncio.create_task(ours.transcribe(None, KOREAN.read_bytes(), USUAL))
        await asyncio.sleep(0.2)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert ours.waiting == 1
        await asyncio.sleep(1.0)  # the thread asks now and then whether its work is still wanted
        engine.go.set()
        assert (await first).text == TEXT
        await asyncio.sleep(0.2)
        assert engine.calls == 1

    asyncio.run(hear())


@pytest.mark.parametrize(
    ("sound", "status", "code"),
    [
        (b"", 400, "audio_too_short"),
        (b"<html>no</html>", 400, "unsupported_format"),
        (EMPTY, 400, "audio_too_short"),
        (KOREAN.read_bytes()[:44], 400, "invalid_audio"),
        (KOREAN.read_bytes()[:30], 400, "invalid_audio"),
    ],
)
def test_a_recording_that_is_none_is_the_clients_fault(sound: bytes, status: int, code: str) -> None:
    async def hear() -> None:
        with pytest.raises(Refusal) as refused:
            await work().transcribe(None, sound, USUAL)
        assert (refused.value.status, refused.value.code, refused.value.param) == (status, code, "file")

    asyncio.run(hear())


def test_a_recording_that_is_too_long_gets_413() -> None:
    async def hear() -> None:
        with pytest.raises(Refusal) as refused:
            await work(audio_seconds=1).transcribe(None, KOREAN.read_bytes(), USUAL)
        assert (refused.value.status, refused.value.code) == (413, "audio_too_long")

    asyncio.run(hear())


def test_work_that_ends_takes_no_more() -> None:
    async def hear() -> None:
        ours = work()
        ours.closing = True
        with pytest.raises(Refusal) as refused:
            await ours.transcribe(None, KOREAN.read_bytes(), USUAL)
        assert (refused.value.status, refused.value.code) == (503, "shutting_down")

    asyncio.run(hear())


def test_an_answer_comes_even_if_the_look_after_its_client_takes_the_cancellation() -> None:
    async def gone() -> bool:
        with suppress(asyncio.CancelledError):  # as anyio does on Python 3.10, now and then
            await asyncio.sleep(60)
        return False

    async def heard() -> str:
        hearing = asyncio.create_task(work().transcribe(None, KOREAN.read_bytes(), USUAL, gone=gone))
        await asyncio.wait({hearing}, timeout=20)
        assert hearing.done()
        return (await hearing).text

    assert asyncio.run(heard()) == TEXT


def test_recordings_that_are_held_are_bounded_together_and_let_go_of() -> None:
    async def receive() -> None:
        ours = work(received_bytes=100)
        with ours.receiving() as first, ours.receiving() as second:
            first(60)
            second(40)
            with pytest.raises(Refusal) as refused:
                second(1)
            assert (refused.value.status, refused.value.code) == (429, "server_busy")
        with ours.receiving() as third:
            third(100)

    asyncio.run(receive())


def test_a_model_stays_while_a_thread_still_hears_for_nobody() -> None:
    engine = SlowEngine()

    async def hear() -> None:
        ours = work(engine, request_seconds=0.2)
        registry = ours.registry
        with pytest.raises(Refusal):
            await ours.transcribe(None, KOREAN.read_bytes(), USUAL)
        registry.unload_idle(1e-9)
        assert registry.loaded == ("nano-ctc-ko",)
        engine.go.set()
        while registry.loaded:
            await asyncio.sleep(0.05)
            registry.unload_idle(1e-9)

    asyncio.run(hear())
