"""What the server says: each function returns the JSON form of an event, with an id of its own."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from typing import Any

from ...events import Final
from ...types import Word
from ..hosted_shapes import languages_heard, token_logprob, usage
from ..refusal import Refusal

Sent = dict[str, Any]


def fresh_id(kind: str) -> str:
    """Return a new id, such as `item_...`."""
    return f"{kind}_{secrets.token_hex(10)}"


def server_event(type_: str, **fields: Any) -> Sent:
    """Return an event."""
    return {"type": type_, "event_id": fresh_id("event"), **fields}


def error_event(refusal: Refusal, event_id: str | None = None) -> Sent:
    """Return the event for what was refused; `event_id` is that of the client's event.

    `retry_after` are the seconds after which the client may come again.
    """
    later = {} if refusal.retry_after is None else {"retry_after": math.ceil(refusal.retry_after)}
    return server_event("error", error={**refusal.body()["error"], "event_id": event_id, **later})


def speech_started(at: float, item_id: str) -> Sent:
    """Return the event for speech that began at a second of the session, padding included."""
    return server_event("input_audio_buffer.speech_started", audio_start_ms=round(at * 1_000), item_id=item_id)


def speech_stopped(at: float, item_id: str) -> Sent:
    """Return the event for speech that ended at a second of the session, padding included."""
    return server_event("input_audio_buffer.speech_stopped", audio_end_ms=round(at * 1_000), item_id=item_id)


def timeout_triggered(start: float, end: float, item_id: str) -> Sent:
    """Return the event for a silence of the session, in seconds, as long as its idle_timeout_ms."""
    times = {"audio_start_ms": round(start * 1_000), "audio_end_ms": round(end * 1_000)}
    return server_event("input_audio_buffer.timeout_triggered", **times, item_id=item_id)


def item_events(item_id: str, previous: str | None, *, beta: bool) -> list[Sent]:
    """Return the events for sound that became an item behind the `previous` one."""
    item = {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "role": "user",
        "status": "completed",
        "content": [{"type": "input_audio", "transcript": None}],
    }
    names = ("created",) if beta else ("added", "done")
    return [
        server_event("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous),
        *(server_event(f"conversation.item.{name}", previous_item_id=previous, item=item) for name in names),
    ]


def delta_event(item_id: str, delta: str) -> Sent:
    """Return the event for words that an item's text goes on with."""
    return _transcription("delta", item_id, delta=delta)


def completed_event(
    item_id: str, text: str, seconds: float, finals: Sequence[Final], *, revised: bool, logprobs: bool
) -> Sent:
    """Return the event for the whole text of an item; `revised` where it is not what the deltas were."""
    fields: Sent = {
        "transcript": text,
        "usage": usage(seconds),
        "languages": languages_heard(final.language for final in finals),
    }
    if revised:
        fields["revised"] = True
    if logprobs:
        fields["logprobs"] = [each for final in finals for each in map(_logprob, final.words)]
    return _transcription("completed", item_id, **fields)


def failed_event(item_id: str, refusal: Refusal) -> Sent:
    """Return the event for an item that has no text."""
    return _transcription("failed", item_id, error=refusal.body()["error"])


def _transcription(name: str, item_id: str, **fields: Any) -> Sent:
    type_ = f"conversation.item.input_audio_transcription.{name}"
    return server_event(type_, item_id=item_id, content_index=0, **fields)


def _logprob(word: Word) -> Sent:
    return token_logprob(" " * word.spaced + word.text, word.probability)
