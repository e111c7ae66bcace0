"""What a client says: a JSON object with a type. Its sound is cut out of the text first, so that little is parsed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..messages import read_object
from ..refusal import Refusal
from ..serve_options import ServiceLimits

APPEND, COMMIT, CLEAR = (f"input_audio_buffer.{name}" for name in ("append", "commit", "clear"))
UPDATE, BETA_UPDATE = "session.update", "transcription_session.update"
CLIENT_TYPES = (UPDATE, BETA_UPDATE, APPEND, COMMIT, CLEAR)
MOST_SOUND = 15 << 20  # bytes of sound in one event
LONGEST_ID = 512  # characters of an event_id
# The one long text of an event. Some writers of JSON escape the slash, which base64 has.
SOUND = re.compile(r'"audio"\s*:\s*"([^"\\]*(?:\\/[^"\\]*)*)"')


@dataclass(frozen=True, slots=True)
class ClientEvent:
    """An event of a client: its type, all its fields but the sound, and the sound as base64, None where it has none."""

    type: str
    fields: Mapping[str, Any]
    sound: str | None = None

    @property
    def event_id(self) -> str | None:
        """The client's own name for the event, which errors repeat."""
        return id_in(self.fields)


class RefusedEvent(Exception):
    """An event that is not accepted: why, and the id that the client gave it, as far as it could be read."""

    def __init__(self, refusal: Refusal, event_id: str | None = None) -> None:
        super().__init__(refusal.message)
        self.refusal, self.event_id = refusal, event_id


def read_event(text: str, limits: ServiceLimits) -> ClientEvent:
    """Return the event that a message is. Raises `RefusedEvent`."""
    found = SOUND.search(text)
    sound = None if found is None else found.group(1)
    rest = text if found is None else f"{text[: found.start(1)]}{text[found.end(1) :]}"
    try:
        fields = read_object(rest, limits)
    except Refusal as refusal:
        raise RefusedEvent(refusal) from refusal
    try:
        return ClientEvent(_type_in(fields), fields, _sound_in(fields, sound))
    except Refusal as refusal:
        raise RefusedEvent(refusal, id_in(fields)) from refusal


def id_in(fields: Mapping[str, Any]) -> str | None:
    """Return the event_id that fields have, None where it is no such text."""
    name = fields.get("event_id")
    fits = isinstance(name, str) and len(name) <= LONGEST_ID and name.isprintable()
    return name if fits else None


def decoded(sound: str) -> bytes:
    """Return the bytes that base64 stands for. Raises `Refusal` for a text that is none, and for too much sound."""
    if len(sound) // 4 * 3 > MOST_SOUND + 2:
        message = f"audio: expected at most {MOST_SOUND} bytes of sound in one event, found more; send it in parts"
        raise Refusal(413, "audio_too_long", message, "audio")
    try:
        return base64.b64decode(sound.replace("\\/", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal(400, "invalid_audio", f"audio: expected base64: {error}", "audio") from None


def _type_in(fields: Mapping[str, Any]) -> str:
    kind = fields.get("type")
    if kind is None:
        raise Refusal(400, "missing_required_parameter", f"type: expected one of {', '.join(CLIENT_TYPES)}", "type")
    if kind not in CLIENT_TYPES:
        shown = repr(kind)[:80]
        raise Refusal(400, "invalid_value", f"type: expected one of {', '.join(CLIENT_TYPES)}, found {shown}", "type")
    if fields.get("event_id") is not None and id_in(fields) is None:
        message = f"event_id: expected a text of at most {LONGEST_ID} printable characters"
        raise Refusal(400, "invalid_value", message, "event_id")
    return str(kind)


def _sound_in(fields: Mapping[str, Any], cut_out: str | None) -> str | None:
    if fields["type"] != APPEND:
        return None
    if "audio" not in fields:
        raise Refusal(400, "missing_required_parameter", "audio: expected the sound in base64", "audio")
    if not isinstance(fields["audio"], str):
        raise Refusal(400, "invalid_value", "audio: expected the sound in base64, as a text", "audio")
    return fields["audio"] or cut_out or ""
