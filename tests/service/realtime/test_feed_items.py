"""From a feed's events to a session's: their order, deltas that join to the transcript, one outcome for each item."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from malsori.events import Final, Partial, SpeechEnded, SpeechStarted, StreamWarning
from malsori.service.realtime.feed_items import CommittedItems, TurnItems
from malsori.service.realtime.items import ItemChain, behind
from malsori.service.realtime.session_config import Hints, SessionConfig
from malsori.service.realtime.turn_detection import ServerVad
from malsori.service.refusal import Refusal
from malsori.types import Segment, Word
from tests.service.realtime.talking import COMPLETED, DELTA, FAILED, Sent, kinds

CONFIG = SessionConfig(Hints("nano-ctc-ko"))
EARLY = replace(CONFIG, hints=Hints("nano-ctc-ko", delay="low"))
STARTED, STOPPED = ["speech_started"], ["speech_stopped", "committed"]
ADDED = ["conversation.item.added", "conversation.item.done"]


def partial(seq: int, stable: str) -> Partial:
    return Partial(seq, f"{stable} ...", stable, 0.0, 1.0, "m")


def final(seq: int, text: str, language: str = "ko") -> Final:
    segments = (Segment(text, 0.0, 1.0, 0.9, (Word(text, 0.0, 1.0, 0.5, spaced=False),)),) if text else ()
    return Final(seq, text, seq - 1.0, float(seq), segments, language, 1.0, "m")


def utterance(items: TurnItems | CommittedItems, seq: int, stable: str, text: str) -> list[Sent]:
    events = [SpeechStarted(seq, seq - 1.0), partial(seq, stable), SpeechEnded(seq, float(seq)), final(seq, text)]
    return [each for event in events for each in items.take(event)]


def deltas(events: list[Sent]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == DELTA)


def only(events: list[Sent], kind: str) -> Sent:
    (found,) = [event for event in events if event["type"] == kind]
    return found


def test_a_turn_is_told_in_the_order_of_the_protocol() -> None:
    events = utterance(TurnItems(CONFIG, ItemChain(), 0.0), 1, "one", "one two")
    assert kinds(events) == [*STARTED, *STOPPED, *ADDED, "delta", "completed"]
    assert len({event["item_id"] for event in events if "item_id" in event}) == 1
    assert len({event["event_id"] for event in events}) == len(events)
    assert deltas(events) == only(events, COMPLETED)["transcript"] == "one two"


def test_words_are_told_while_they_are_spoken_where_delay_is_low() -> None:
    events = utterance(TurnItems(EARLY, ItemChain(), 0.0), 1, "one", "one two")
    assert kinds(events) == [*STARTED, "delta", *STOPPED, *ADDED, "delta", "completed"]
    assert deltas(events) == "one two"


def test_deltas_that_are_told_late_are_the_transcript_whatever_the_partials_were() -> None:
    events = utterance(TurnItems(CONFIG, ItemChain(), 0.0), 1, "won", "one two")
    assert deltas(events) == only(events, COMPLETED)["transcript"] == "one two"
    assert "revised" not in only(events, COMPLETED)


@pytest.mark.parametrize(
    ("delay", "early"),
    [("minimal", True), ("low", True), ("medium", True), ("high", False), ("xhigh", False), (None, False)],
)
def test_delay_says_whether_words_are_told_early(delay: Any, early: bool) -> None:
    assert SessionConfig(Hints("m", delay=delay)).tells_early == early


def test_a_transcript_that_differs_from_its_deltas_says_that_it_is_revised() -> None:
    events = utterance(TurnItems(EARLY, ItemChain(), 0.0), 1, "room three six", "room free sixty, eight one")
    assert only(events, COMPLETED)["revised"] is True
    assert only(events, COMPLETED)["transcript"] == "room free sixty, eight one"
    assert deltas(events) == "room three six eight one"


@pytest.mark.parametrize(
    ("told", "text", "rest"),
    [
        ("three six", "three sixty, eight one", " eight one"),
        ("Hello, my", "Hello. My name", " name"),
        ("one two", "one", ""),
        ("one", "", ""),
        ("uh one", "one two", " two"),
        ("one three", "one two three four", " four"),
    ],
)
def test_the_rest_of_a_text_is_found_behind_another_reading_of_its_beginning(told: str, text: str, rest: str) -> None:
    assert behind(told, text) == rest


def test_the_beta_dialect_tells_of_an_item_once() -> None:
    events = utterance(TurnItems(CONFIG, ItemChain(beta=True), 0.0), 1, "", "one")
    assert kinds(events) == [*STARTED, *STOPPED, "conversation.item.created", "delta", "completed"]
    item = only(events, "conversation.item.created")["item"]
    assert item["content"] == [{"type": "input_audio", "transcript": None}]


def test_items_are_a_chain_also_over_several_feeds() -> None:
    chain = ItemChain()
    first = utterance(TurnItems(CONFIG, chain, 0.0), 1, "", "one")
    second = utterance(TurnItems(CONFIG, chain, 5.0), 1, "", "two")
    committed = [event for event in first + second if event["type"] == "input_audio_buffer.committed"]
    assert committed[0]["previous_item_id"] is None
    assert committed[1]["previous_item_id"] == committed[0]["item_id"]
    assert second[0]["audio_start_ms"] == 5_000


def test_logprobs_and_usage_are_those_of_the_item() -> None:
    config = replace(CONFIG, logprobs=True)
    done = only(utterance(TurnItems(config, ItemChain(), 0.0), 1, "", "침실"), COMPLETED)
    assert done["logprobs"] == [{"token": "침실", "bytes": list("침실".encode()), "logprob": -0.6931}]
    assert done["usage"] == {"type": "duration", "seconds": 1.0}
    assert done["languages"] == [{"code": "ko"}]


def test_an_item_that_the_engine_cannot_hear_fails_and_the_next_one_does_not() -> None:
    items = TurnItems(CONFIG, ItemChain(), 0.0)
    for event in (SpeechStarted(1, 0.0), SpeechEnded(1, 1.0)):
        items.take(event)
    events = items.take(StreamWarning("engine_error", "no memory at /secret", 0.0, 1.0, 1))
    assert kinds(events) == ["failed"]
    assert "secret" not in str(events)
    assert kinds(utterance(items, 2, "", "two"))[-1] == "completed"


def test_a_feed_that_ends_early_fails_what_was_committed() -> None:
    items = TurnItems(CONFIG, ItemChain(), 0.0)
    for event in (SpeechStarted(1, 0.0), SpeechEnded(1, 1.0), SpeechStarted(2, 2.0)):
        items.take(event)
    assert kinds(items.close()) == ["failed"]
    assert items.close() == []


def test_clearing_drops_the_turn_that_is_open_and_no_other() -> None:
    items = TurnItems(CONFIG, ItemChain(), 0.0)
    for event in (SpeechStarted(1, 0.0), SpeechEnded(1, 1.0), SpeechStarted(2, 2.0)):
        items.take(event)
    assert items.cut(2, 0.0, commit=False) == []
    assert items.take(SpeechEnded(2, 3.0)) == []
    assert kinds(items.take(final(1, "one"))) == ["delta", "completed"]
    assert items.take(final(2, "two")) == []
    assert items.is_between


def test_a_turn_that_was_cleared_before_it_was_told_is_never_told() -> None:
    items = TurnItems(CONFIG, ItemChain(), 0.0)
    items.cut(1, 0.0, commit=False)
    assert utterance(items, 1, "", "one") == []
    assert kinds(utterance(items, 2, "", "two"))[-1] == "completed"


def test_committing_a_turn_wants_somebody_who_speaks() -> None:
    items = TurnItems(CONFIG, ItemChain(), 0.0)
    with pytest.raises(Refusal) as caught:
        items.cut(0, 0.0, commit=True)
    assert caught.value.code == "input_audio_buffer_commit_empty"
    items.take(SpeechStarted(1, 0.0))
    assert items.cut(1, 0.0, commit=True) == []


def test_a_long_silence_is_told_and_committed() -> None:
    items = TurnItems(replace(CONFIG, turns=ServerVad(idle_timeout_ms=5_000)), ItemChain(), 0.0)
    assert items.silence(4.9) == []
    events = items.silence(5.0)
    assert kinds(events) == ["timeout_triggered", "committed", *ADDED, "completed"]
    assert (events[0]["audio_start_ms"], events[0]["audio_end_ms"]) == (0, 5_000)
    assert items.silence(5.1) == []
    items.take(SpeechStarted(1, 9.0))
    assert items.silence(20.0) == []


def test_a_commit_gathers_all_utterances_since_the_last_one() -> None:
    items = CommittedItems(CONFIG, ItemChain(), 0.0)
    assert utterance(items, 1, "on", "one") == []
    assert items.take(SpeechStarted(2, 1.0)) + items.take(partial(2, "two")) == []
    events = items.cut(2, 2.0, commit=True)
    assert kinds(events) == ["committed", *ADDED]
    events += items.take(SpeechEnded(2, 2.0)) + items.take(final(2, "two three"))
    assert deltas(events) == only(events, COMPLETED)["transcript"] == "one two three"
    assert only(events, COMPLETED)["usage"]["seconds"] == 2.0


def test_finals_of_a_long_commit_are_told_as_they_come() -> None:
    items = CommittedItems(CONFIG, ItemChain(), 0.0)
    items.cut(2, 2.0, commit=True)
    assert deltas(items.take(final(1, "one"))) == "one"
    assert deltas(items.take(final(2, "two"))) == " two"


def test_a_commit_of_silence_is_completed_at_once_and_empty() -> None:
    events = CommittedItems(CONFIG, ItemChain(), 0.0).cut(0, 1.0, commit=True)
    assert kinds(events) == ["committed", *ADDED, "completed"]
    assert events[-1]["transcript"] == ""


def test_what_was_cleared_is_in_no_item() -> None:
    items = CommittedItems(CONFIG, ItemChain(), 0.0)
    items.take(SpeechStarted(1, 0.0))
    items.cut(1, 1.0, commit=False)
    assert items.take(final(1, "one")) == []
    events = utterance(items, 2, "", "two") + items.cut(2, 1.0, commit=True)
    assert only(events, COMPLETED)["transcript"] == "two"


def test_commits_wait_for_their_own_finals_only() -> None:
    items = CommittedItems(CONFIG, ItemChain(), 0.0)
    first, second = items.cut(1, 1.0, commit=True), items.cut(2, 1.0, commit=True)
    assert kinds(first) == kinds(second) == ["committed", *ADDED]
    done = items.take(final(1, "one"))
    assert only(done, COMPLETED)["item_id"] == first[0]["item_id"]
    done = items.take(final(2, "two"))
    assert only(done, COMPLETED)["item_id"] == second[0]["item_id"]


def test_words_of_an_open_commit_are_told_early_only_on_demand() -> None:
    items = CommittedItems(EARLY, ItemChain(), 0.0)
    events = utterance(items, 1, "one", "one two") + items.take(partial(3, "four"))  # the final of 2 is still to come
    assert deltas(events) == "one two"
    late = CommittedItems(CONFIG, ItemChain(), 0.0)
    assert utterance(late, 1, "one", "one two") == []
    assert kinds(late.cut(1, 1.0, commit=True)) == ["committed", *ADDED, "delta", "completed"]


def test_an_utterance_that_failed_fails_its_commit() -> None:
    items = CommittedItems(CONFIG, ItemChain(), 0.0)
    utterance(items, 1, "", "one")
    items.take(StreamWarning("engine_error", "no", 1.0, 1.0, 2))
    events = items.cut(2, 2.0, commit=True)
    assert kinds(events)[-1] == "failed"
    assert not [event for event in events if event["type"] == COMPLETED]


def test_a_lost_feed_fails_the_commits_that_wait() -> None:
    items = CommittedItems(CONFIG, ItemChain(), 0.0)
    items.cut(1, 1.0, commit=True)
    items.cut(1, 1.0, commit=False)
    assert [event["type"] for event in items.close()] == [FAILED]


def test_sound_that_was_lost_is_told_and_a_warning_of_the_model_is_not() -> None:
    items = TurnItems(CONFIG, ItemChain(), 0.0)
    (lost,) = items.take(StreamWarning("dropped_audio", "1 s", 0.0, 1.0))
    assert lost["error"]["code"] == "dropped_audio"
    assert items.take(StreamWarning("demonstration", "small", 0.0)) == []
