"""Endpointing by name: how much silence ends an utterance."""

from __future__ import annotations

from typing import Any

import pytest

from malsori.errors import OptionError
from malsori.vad import ENDPOINTINGS, Gate, GateOptions, endpointing

FRAME = 160  # 10 ms, so that a frame is a round number


def silence_until_end(options: GateOptions) -> int:
    """Return how many milliseconds of silence after a second of speech end the span."""
    gate = Gate(FRAME, options)
    gate.push([0.9] * 100)
    return next(10 * quiet for quiet in range(1, 1_000) if gate.push([0.0]))


@pytest.mark.parametrize(("preset", "milliseconds"), [("eager", 250), ("normal", 500), ("relaxed", 1_000)])
def test_a_preset_ends_an_utterance_after_its_silence(preset: str, milliseconds: int) -> None:
    assert silence_until_end(endpointing(preset)) == milliseconds


def test_normal_is_what_files_get_and_what_nobody_asks_for() -> None:
    normal, usual = endpointing(), GateOptions()
    assert normal == endpointing("normal")
    assert (normal.silence, normal.padding, normal.threshold) == (usual.silence, usual.padding, usual.threshold)


@pytest.mark.parametrize("preset", ENDPOINTINGS)
def test_padding_never_lengthens_the_silence_of_a_preset(preset: str) -> None:
    options = endpointing(preset)
    assert options.padding_ms < options.min_silence_ms


@pytest.mark.parametrize("preset", ENDPOINTINGS)
def test_a_short_answer_is_an_utterance_in_every_preset(preset: str) -> None:
    gate = Gate(FRAME, endpointing(preset))
    assert len(gate.push([0.0] * 50 + [0.9] * 20 + [0.0] * 200)) == 1


def test_an_eager_ending_splits_at_a_hesitation_that_a_relaxed_one_waits_for() -> None:
    values = [0.9] * 50 + [0.0] * 60 + [0.9] * 50 + [0.0] * 150
    assert [len(Gate(FRAME, endpointing(preset)).push(values)) for preset in ENDPOINTINGS] == [2, 2, 1]


def test_an_eager_ending_is_patient_with_who_goes_on_at_once_and_quick_again_after_a_second() -> None:
    pause, breath, rest = [0.0] * 30, [0.0] * 60, [0.0] * 130
    said = [0.9] * 50
    values = [*said, *pause, *said, *pause, *said, *rest, *said, *pause, *said, *breath]
    spans = Gate(FRAME, endpointing("eager")).push(values)
    assert [round(span.seconds, 2) for span in spans] == [0.7, 1.6, 0.9, 0.8]


def test_single_fields_are_changed_on_top_of_a_preset() -> None:
    options = endpointing("eager", min_silence_ms=300, max_speech_s=12.0)
    assert (options.min_silence_ms, options.max_speech_s) == (300, 12.0)
    assert options.padding_ms == endpointing("eager").padding_ms
    assert endpointing("eager").max_speech_s is None


@pytest.mark.parametrize("preset", ["fast", "", None, 3, ["eager"]])
def test_an_unknown_preset_is_an_error_that_names_those_there_are(preset: Any) -> None:
    with pytest.raises(OptionError, match="there are eager, normal, relaxed"):
        endpointing(preset)


def test_an_unknown_field_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(OptionError, match=r"no silence; it has threshold, .*min_silence_ms"):
        endpointing("eager", silence=3)


def test_changes_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(OptionError, match="max_speech_s"):
        endpointing("relaxed", max_speech_s=0.5)
