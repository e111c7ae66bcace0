"""The text of a file as server-sent events, while the file is heard (`stream=true`).

The first event is waited for before the head of the reply is sent, so that most errors have a status of their own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from starlette.responses import Response, StreamingResponse

from ...types import Segment, Transcript
from ..refusal import Refusal, failed
from ..service_log import blame, log
from .audio_request import AudioRequest
from .replies import languages, logprobs, text_of, told

# Hears the file, and hands over segments as they become final, in a thread of its own.
Hear: TypeAlias = Callable[[Callable[[Sequence[Segment]], None]], Awaitable[Transcript]]

HEAD_S = 5.0  # seconds after which the head of the reply is sent, whether or not there are words
ALIVE_S = 15.0  # seconds between two lines that keep proxies from closing the connection
ALIVE = b": still at it\n\n"
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


class TextEvents:
    """Segments to events: the deltas joined are the text of the last event."""

    def __init__(self, request: AudioRequest) -> None:
        self._request = request
        self._text = ""
        self._segments = 0

    def push(self, segments: Sequence[Segment]) -> list[dict[str, Any]]:
        """Return the events of segments that follow those before: one, or none for segments without text."""
        first = not self._text
        self._segments += len(segments)
        delta = text_of(segments, first=first)
        if not delta:
            return []
        self._text += delta
        event: dict[str, Any] = {"type": "transcript.text.delta", "delta": delta}
        return [event | ({"logprobs": logprobs(segments, first=first)} if self._request.logprobs else {})]

    def flush(self, transcript: Transcript) -> list[dict[str, Any]]:
        """Return what is left to be told at the end."""
        left = self.push(transcript.segments[self._segments :])
        event: dict[str, Any] = {
            "type": "transcript.text.done",
            "text": self._text,
            "languages": languages(transcript),
            "duration": round(transcript.duration, 3),
        }
        if self._request.logprobs:
            event["logprobs"] = logprobs(transcript.segments)
        return [*left, event | told(transcript, self._request)]


async def stream_reply(request: AudioRequest, hear: Hear, ended: Callable[[], None]) -> Response:
    """Return the events as a response; `ended` is called once nothing is heard for it any more.

    Raises the `Refusal` of what cannot be heard at all.
    """
    told: asyncio.Queue[Sequence[Segment] | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def on_segments(segments: Sequence[Segment]) -> None:
        with suppress(RuntimeError):  # the loop is closed: the service ends
            loop.call_soon_threadsafe(told.put_nowait, segments)

    hearing = asyncio.ensure_future(hear(on_segments))

    def heard(_: asyncio.Future[Transcript]) -> None:
        ended()
        told.put_nowait(None)

    hearing.add_done_callback(heard)
    events = _events(request, hearing, told)
    first: list[bytes] = []
    try:
        first.append(await anext(events))
    except BaseException:
        hearing.cancel()
        raise
    return _EventResponse(first, events, hearing)


class _EventResponse(StreamingResponse):
    """Events, the first of which is there; what is heard for them is given up when the client leaves."""

    def __init__(
        self, first: Sequence[bytes], events: AsyncIterator[bytes], hearing: asyncio.Future[Transcript]
    ) -> None:
        self._hearing = hearing
        super().__init__(_guarded(first, events), headers=HEADERS, media_type="text/event-stream")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._hearing.cancel()


async def _guarded(first: Sequence[bytes], events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the events; an error that comes behind the head of the reply is an event too."""
    for each in first:
        yield each
    try:
        async for each in events:
            yield each
    except Refusal as refusal:
        yield _line(refusal.body())
    except Exception as error:
        log("failed", level="error", route="/v1/audio", **blame(error))
        yield _line(failed().body())


async def _events(
    request: AudioRequest, hearing: asyncio.Future[Transcript], told: asyncio.Queue[Sequence[Segment] | None]
) -> AsyncIterator[bytes]:
    events, wait = TextEvents(request), HEAD_S
    while True:
        try:
            segments = await asyncio.wait_for(told.get(), wait)
        except asyncio.TimeoutError:
            yield ALIVE
            wait = ALIVE_S
            continue
        wait = ALIVE_S
        for event in events.push(segments) if segments is not None else events.flush(await hearing):
            yield _line(event)
        if segments is None:
            return


def _line(event: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode("utf-8", "replace")
