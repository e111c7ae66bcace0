"""Messages of clients: what is an event, what is none, and sound in base64 of any length."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from malsori.service.realtime.client_events import MOST_SOUND, RefusedEvent, decoded, read_event
from malsori.service.refusal import Refusal
from malsori.service.serve_options import ServiceLimits

LIMITS = ServiceLimits()
APPEND = "input_audio_buffer.append"


def refused(text: str) -> RefusedEvent:
    with pytest.raises(RefusedEvent) as caught:
        read_event(text, LIMITS)
    return caught.value


def test_sound_is_taken_out_of_a_message_of_any_length() -> None:
    sound = base64.b64encode(bytes(range(256)) * 4_096).decode()
    event = read_event(json.dumps({"event_id": "a", "type": APPEND, "audio": sound}), LIMITS)
    assert (event.type, event.event_id, event.sound) == (APPEND, "a", sound)


def test_a_slash_may_be_escaped_as_some_writers_of_json_do() -> None:
    event = read_event(f'{{"type": "{APPEND}", "audio": "\\/\\/\\/\\/AAAA"}}', LIMITS)
    assert event.sound is not None
    assert decoded(event.sound) == b"\xff\xff\xff\x00\x00\x00"


def test_no_sound_is_a_short_sound() -> None:
    assert read_event(json.dumps({"type": APPEND, "audio": ""}), LIMITS).sound == ""
    assert decoded("") == b""


@pytest.mark.parametrize("sound", ["AAA", "AA=A", "A A=", "----", "é", "A" * 5, "AAAA\n"])
def test_what_is_not_base64_is_refused(sound: str) -> None:
    with pytest.raises(Refusal) as caught:
        decoded(sound)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, "invalid_audio", "audio")


def test_fifteen_mebibytes_of_sound_pass_and_a_byte_more_does_not() -> None:
    assert len(decoded(base64.b64encode(bytes(MOST_SOUND)).decode())) == MOST_SOUND
    with pytest.raises(Refusal) as caught:
        decoded(base64.b64encode(bytes(MOST_SOUND + 3)).decode())
    assert caught.value.code == "audio_too_long"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        ("[]", "invalid_json"),
        ("null", "invalid_json"),
        ("[" * 250_000, "message_too_large"),
        ("[" * 1_000, "invalid_json"),
        ('{"type": "session.update", "session": {"x": 1e400}}', "invalid_json"),
        ('{"type": "session.update", "session": {"x": NaN}}', "invalid_json"),
        (f'{{"type": "session.update", "session": "{"x" * 70_000}"}}', "message_too_large"),
        ("{}", "missing_required_parameter"),
        ('{"type": 5}', "invalid_value"),
        ('{"type": ["session.update"]}', "invalid_value"),
        ('{"type": "response.create"}', "invalid_value"),
        (f'{{"type": "{APPEND}"}}', "missing_required_parameter"),
        (f'{{"type": "{APPEND}", "audio": null}}', "invalid_value"),
        (f'{{"type": "{APPEND}", "audio": 5}}', "invalid_value"),
        ('{"type": "session.update", "event_id": 5}', "invalid_value"),
    ],
)
def test_what_is_no_event_is_refused(text: str, code: str) -> None:
    assert refused(text).refusal.code == code


def test_a_refused_event_is_known_by_the_id_that_the_client_gave_it() -> None:
    assert refused('{"type": "x", "event_id": "mine"}').event_id == "mine"
    assert refused('{"type": "x", "event_id": "\\ud800"}').event_id is None
    assert refused(json.dumps({"type": "x", "event_id": "a" * 513})).event_id is None


@pytest.mark.parametrize("name", ["a" * 513, "\ud800", "a\nb"])
def test_an_id_that_cannot_be_repeated_is_refused(name: Any) -> None:
    found = refused(json.dumps({"type": "input_audio_buffer.commit", "event_id": name})).refusal
    assert (found.code, found.param) == ("invalid_value", "event_id")
