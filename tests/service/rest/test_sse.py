"""Text as events: joined deltas are the text, an error behind the head is an event, and who leaves ends the work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from malsori.joining import joined
from malsori.pipeline import TranscribeOptions
from malsori.service.refusal import Refusal
from malsori.service.rest import sse
from malsori.service.rest.audio_request import AudioRequest
from malsori.service.rest.sse import Hear, TextEvents, stream_reply
from malsori.types import Segment, Transcript, Word

ASKED = AudioRequest("nano", TranscribeOptions(), stream=True, warnings=("of the request",))
TEXTS = st.lists(st.text(max_size=8), max_size=6)
OnSegments = Callable[[Sequence[Segment]], None]


def segment(text: str) -> Segment:
    return Segment(text, 0.0, 1.0, 0.9)


def transcript(segments: Sequence[Segment]) -> Transcript:
    return Transcript(joined(segments), "ko", 1.0, 2.5, tuple(segments), "nano", ("of the recording",))


@given(told=st.lists(TEXTS, max_size=4), left=TEXTS)
def test_deltas_joined_are_the_text_of_the_last_event(told: list[list[str]], left: list[str]) -> None:
    events, made = TextEvents(ASKED), TextEvents(ASKED)
    found = [event for texts in told for event in events.push([segment(text) for text in texts])]
    whole = transcript([segment(text) for texts in [*told, left] for text in texts])
    *deltas, done = [*found, *events.flush(whole)]
    assert "".join(event["delta"] for event in deltas) == done["text"] == whole.text
    assert all(event["type"] == "transcript.text.delta" and event["delta"] for event in deltas)
    assert made.flush(whole)[-1]["text"] == whole.text


def test_the_last_event_has_languages_and_warnings() -> None:
    (done,) = TextEvents(ASKED).flush(transcript([]))
    assert done == {
        "type": "transcript.text.done",
        "text": "",
        "languages": [{"code": "ko"}],
        "duration": 2.5,
        "warnings": ["of the request", "of the recording"],
    }


def test_probabilities_of_a_delta_begin_with_the_space_that_the_delta_begins_with() -> None:
    events = TextEvents(AudioRequest("nano", TranscribeOptions(), stream=True, logprobs=True))
    heard = [Segment(text, 0, 1, 0.9, (Word(text, 0, 1, 0.5),)) for text in ("하나", "둘")]
    deltas = [event for each in heard for event in events.push([each])]
    assert [(each["delta"], each["logprobs"][0]["token"]) for each in deltas] == [("하나", "하나"), (" 둘", " 둘")]
    assert deltas[0]["logprobs"][0]["logprob"] == -0.6931
    assert [each["token"] for each in events.flush(transcript(heard))[-1]["logprobs"]] == ["하나", " 둘"]


class Sent:
    """What a response sends, and a client that leaves once it has had enough."""

    def __init__(self, leaves_after: int = 1000) -> None:
        self.messages: list[dict[str, Any]] = []
        self.left = asyncio.Event()
        self._leaves_after = leaves_after

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.messages.append(message)
        if len(self.messages) >= self._leaves_after:
            self.left.set()

    @property
    def lines(self) -> list[str]:
        body = b"".join(message.get("body", b"") for message in self.messages)
        return [line for line in body.decode().splitlines() if line]


def replied(hear: Hear, sent: Sent | None = None) -> Sent:
    async def run() -> Sent:
        found = sent or Sent()
        response = await stream_reply(ASKED, hear, lambda: None)
        await response({"type": "http", "asgi": {"spec_version": "2.3"}}, found.receive, found.send)
        return found

    return asyncio.run(run())


def test_an_error_behind_the_head_is_an_event_that_clients_know() -> None:
    async def hear(tell: OnSegments) -> Transcript:
        tell([segment("하나")])
        await asyncio.sleep(0.01)
        raise Refusal(504, "deadline_exceeded", "too long")

    first, last = (json.loads(line.removeprefix("data: ")) for line in replied(hear).lines)
    assert first["delta"] == "하나"
    assert last == {
        "error": {"message": "too long", "type": "server_error", "param": None, "code": "deadline_exceeded"}
    }


def test_a_fault_of_ours_behind_the_head_is_told_too_but_not_its_text() -> None:
    async def hear(tell: OnSegments) -> Transcript:
        tell([segment("하나")])
        raise RuntimeError("what somebody said")

    last = json.loads(replied(hear).lines[-1].removeprefix("data: "))
    assert last["error"]["code"] == "internal_error"
    assert "somebody" not in last["error"]["message"]


def test_an_error_before_any_event_is_raised() -> None:
    async def hear(tell: OnSegments) -> Transcript:
        raise Refusal(400, "invalid_audio", "no")

    with pytest.raises(Refusal, match="no"):
        replied(hear)


def test_the_head_is_sent_after_a_while_though_there_are_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "HEAD_S", 0.01)

    async def hear(tell: OnSegments) -> Transcript:
        await asyncio.sleep(0.1)
        return transcript([segment("하나")])

    sent = replied(hear)
    assert sent.lines[0].startswith(":")
    assert json.loads(sent.lines[-1].removeprefix("data: "))["text"] == "하나"
    headers = dict(sent.messages[0]["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert headers[b"cache-control"] == b"no-cache"


def test_a_client_that_leaves_ends_the_work() -> None:
    ended: list[str] = []

    async def hear(tell: OnSegments) -> Transcript:
        tell([segment("하나")])
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return transcript([])

    replied(hear, Sent(leaves_after=2))
    assert ended == ["cancelled"]
