"""A session's state without a socket: what each event does, when an update counts, and how sound is cut."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from malsori.events import SpeechEnded, SpeechStarted
from malsori.service.realtime.feed_items import CommittedItems, TurnItems
from malsori.service.realtime.realtime_session import CutOff, RealtimeSession, TakeIn
from malsori.service.refusal import Refusal
from malsori.service.serve_options import ServiceLimits
from tests.service.realtime.talking import APPEND, CLEAR, COMMIT, Models, Sent, heard_by, pcm

MANUAL = heard_by(turn_detection=None)


def opened(*events: Sent, **options: Any) -> RealtimeSession:
    session = RealtimeSession(Models(), ServiceLimits(), **options)  # type: ignore[arg-type]  # as a registry
    for event in events:
        say(session, event)
    return session


def say(session: RealtimeSession, event: Sent | str) -> list[Any]:
    """Give an event to a session, and let its sound be taken; return what is to be done."""
    actions = list(session.push(event if isinstance(event, str) else json.dumps(event)))
    for action in actions:
        if isinstance(action, TakeIn):
            session.items()
            session.took(len(action.samples))
    return actions


def sound(data: bytes) -> Sent:
    return {"type": APPEND, "audio": base64.b64encode(data).decode()}


def samples(actions: list[Any]) -> np.ndarray[Any, Any]:
    taken = [action.samples for action in actions if isinstance(action, TakeIn)]
    return np.concatenate([np.zeros(0, np.float32), *taken])


def seconds(of: float, rate: int = 24_000) -> Sent:
    return sound(bytes(2 * round(of * rate)))


def test_the_first_event_has_the_whole_session() -> None:
    session = opened(model="nano-whisper", language="ko").created()["session"]
    assert session["object"] == "realtime.transcription_session"
    assert session["type"] == "transcription"
    heard = session["audio"]["input"]
    assert heard["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert (heard["transcription"]["model"], heard["transcription"]["language"]) == ("nano-whisper", "ko")
    assert heard["turn_detection"]["type"] == "server_vad"


def test_a_session_of_an_unknown_model_is_refused() -> None:
    with pytest.raises(Refusal, match="there is no"):
        opened(model="/etc/passwd")


def test_the_language_of_the_service_is_taken_where_the_model_knows_it() -> None:
    assert opened(model="nano-ctc-ko", language="en").config.hints.language is None


def test_the_header_settles_the_dialect_and_so_does_the_first_update() -> None:
    assert "input_audio_format" in opened(beta=True).created()["session"]
    session = opened()
    (told,) = say(session, {"type": "transcription_session.update", "session": {"input_audio_format": "g711_ulaw"}})
    assert told["type"] == "transcription_session.updated"
    assert told["session"]["input_audio_format"] == "g711_ulaw"


@pytest.mark.parametrize("size", [1, 7, 4_801, 100_000])
def test_any_cut_of_the_bytes_gives_the_same_samples(size: int) -> None:
    data, whole, cut = pcm(), opened(MANUAL), opened(MANUAL)
    data = data[: 2_000 if size == 1 else len(data)]
    expected = [*say(whole, sound(data)), *say(whole, {"type": COMMIT})]
    found = [each for at in range(0, len(data), size) for each in say(cut, sound(data[at : at + size]))]
    assert np.array_equal(samples(found + say(cut, {"type": COMMIT})), samples(expected))


@pytest.mark.parametrize(("kind", "code"), [("audio/pcmu", 0xFF), ("audio/pcma", 0xD5)])
def test_the_laws_of_telephones_are_understood(kind: str, code: int) -> None:
    session = opened(MANUAL, heard_by(format={"type": kind}))
    silent = samples(say(session, sound(bytes([code]) * 8_000)) + say(session, {"type": COMMIT}))
    assert len(silent) == 16_000
    assert np.abs(silent).max() < 0.001


def test_a_commit_wants_a_tenth_of_a_second() -> None:
    session = opened(MANUAL)
    (empty,) = say(session, {"type": COMMIT, "event_id": "c"})
    assert empty["error"] == {
        "message": "there is nothing to commit: the buffer has 0 ms of sound, and 100 ms are the least",
        "type": "invalid_request_error",
        "param": None,
        "code": "input_audio_buffer_commit_empty",
        "event_id": "c",
    }
    say(session, seconds(0.05))
    assert say(session, {"type": COMMIT})[-1]["error"]["code"] == "input_audio_buffer_commit_empty"
    say(session, seconds(0.05))
    assert say(session, {"type": COMMIT})[-1] == CutOff(commit=True)


def test_what_was_committed_or_cleared_is_not_committed_again() -> None:
    session = opened(MANUAL, seconds(1))
    for kind in (COMMIT, CLEAR):
        (*_, cut) = say(session, {"type": kind})
        session.cut(0, cut)
        assert say(session, {"type": COMMIT})[-1]["error"]["code"] == "input_audio_buffer_commit_empty"
        say(session, seconds(1))


def test_clearing_is_answered_also_where_there_is_nothing() -> None:
    session = opened(MANUAL)
    (cut,) = say(session, {"type": CLEAR})
    assert session.cut(0, cut)[-1]["type"] == "input_audio_buffer.cleared"


def test_an_update_counts_from_the_next_commit_on() -> None:
    session = opened(MANUAL, seconds(1))
    before = session.items()
    say(session, heard_by(transcription={"language": "ko"}))
    assert session.items() is before
    session.cut(0, CutOff(commit=True))
    after = session.items()
    assert after is not before
    assert after.offset == pytest.approx(1.0, abs=0.05)
    assert after.config.hints.language == "ko"


def test_an_update_counts_from_the_next_turn_on() -> None:
    session = opened()
    before = session.items()
    before.take(SpeechStarted(1, 0.0))
    say(session, MANUAL)
    assert session.items() is before
    before.take(SpeechEnded(1, 1.0))
    assert isinstance(before, TurnItems)
    assert isinstance(session.items(), CommittedItems)


def test_a_format_counts_at_once_and_needs_no_other_feed() -> None:
    session = opened(MANUAL, seconds(1))
    before = session.items()
    say(session, heard_by(format={"type": "audio/pcm", "rate": 8_000}))
    assert len(samples(say(session, seconds(1, 8_000)) + say(session, {"type": COMMIT}))) == pytest.approx(
        16_000, abs=9
    )
    assert session.items() is before


def test_a_commit_behind_a_change_to_manual_has_nothing() -> None:
    session = opened(seconds(1))
    session.items()
    say(session, MANUAL)
    assert say(session, {"type": COMMIT})[-1]["error"]["code"] == "input_audio_buffer_commit_empty"


def test_a_fault_changes_nothing() -> None:
    session = opened(MANUAL, seconds(1))
    before = session.config
    faults = [
        "no json",
        json.dumps(heard_by(transcription={"model": "gpt-9"})),
        json.dumps({"type": APPEND, "audio": "?"}),
        json.dumps({"type": "session.update"}),
        json.dumps({"type": "session.update", "session": []}),
    ]
    for fault in faults:
        (told,) = say(session, fault)
        assert told["type"] == "error"
        assert set(told["error"]) == {"type", "code", "message", "param", "event_id"}
    assert session.config == before
    assert say(session, {"type": COMMIT})[-1] == CutOff(commit=True)


def test_sound_that_was_not_committed_becomes_an_item_at_the_end() -> None:
    assert opened(MANUAL, seconds(1)).rest()[-1] == CutOff(commit=True)
    assert not opened(MANUAL).rest()
    assert not [each for each in opened(seconds(1)).rest() if isinstance(each, CutOff)]
