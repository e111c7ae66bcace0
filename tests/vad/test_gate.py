"""The gate: probabilities in, spans out, whatever the cut."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.errors import OptionError
from malsori.types import Span
from malsori.vad import Gate, GateOptions

FRAME = 160  # 10 ms, so that a frame is a round number
BARE = GateOptions(min_speech_ms=0, min_silence_ms=30, padding_ms=0)


def spans(probabilities: str, options: GateOptions = BARE, stop: int | None = None) -> list[tuple[int, int]]:
    """Return spans in frames of a score like `..###.` ('.' 0.0, '-' 0.4, '#' 0.9)."""
    values = [{".": 0.0, "-": 0.4, "#": 0.9}[letter] for letter in probabilities]
    gate = Gate(FRAME, options)
    found = gate.push(values) + gate.flush(stop)
    return [(span.start // FRAME, span.stop // FRAME) for span in found]


def test_speech_between_silences_is_a_span() -> None:
    assert spans("...####...") == [(3, 7)]


def test_silence_has_no_spans() -> None:
    assert spans("." * 100) == []
    assert spans("") == []


def test_speech_up_to_the_end_is_closed_by_flush() -> None:
    assert spans("...####") == [(3, 7)]


def test_doubt_keeps_speech_going_but_does_not_begin_it() -> None:
    assert spans("---##---....") == [(3, 8)]


def test_doubt_after_silence_is_silence() -> None:
    assert spans("##.---....") == [(0, 2)]


def test_the_lower_threshold_can_be_set() -> None:
    assert spans("##--....", replace(BARE, neg_threshold=0.45)) == [(0, 2)]


def test_a_short_pause_does_not_split_and_a_long_one_does() -> None:
    assert spans("##..##...") == [(0, 6)]
    assert spans("##...##...") == [(0, 2), (5, 7)]


def test_who_goes_on_within_a_second_is_given_a_longer_pause() -> None:
    patient = replace(BARE, hesitation_ms=60)
    assert spans("##..." + "##....#......" + "##...##......", patient) == [(0, 2), (5, 12), (18, 25)]
    apart = "##" + "." * 101
    assert spans(apart + "##...##...", patient) == [(0, 2), (103, 105), (108, 110)]
    assert spans(apart[:-1] + "##...##......", patient) == [(0, 2), (102, 109)]


def test_what_is_too_short_to_be_speech_makes_nobody_hesitate() -> None:
    options = replace(BARE, min_speech_ms=20, hesitation_ms=60)
    assert spans("#....##....##......", options) == [(5, 7), (11, 13)]


def test_speech_shorter_than_the_minimum_is_dropped() -> None:
    options = replace(BARE, min_speech_ms=30)
    assert spans("##....###....", options) == [(6, 9)]
    assert spans("##.#....", options) == [(0, 4)]


def test_padding_widens_up_to_the_neighbour_and_the_ends_of_the_clip() -> None:
    options = replace(BARE, min_silence_ms=50, padding_ms=40)
    assert spans(".....##............##.....", options) == [(1, 11), (15, 25)]
    assert spans("..##.....##..", options) == [(0, 8), (8, 13)]


def test_a_pause_that_padding_would_fill_does_not_split() -> None:
    assert spans("##....##......", replace(BARE, padding_ms=50)) == [(0, 13)]


def test_the_end_of_the_clip_may_lie_inside_the_last_frame() -> None:
    gate = Gate(FRAME, replace(BARE, padding_ms=20))
    gate.push([0.9] * 5)
    assert gate.flush(stop=700) == [Span(0, 700)]


def test_long_speech_is_cut_in_its_longest_pause() -> None:
    options = replace(BARE, max_speech_s=1.0, min_silence_ms=300)
    found = spans("#" * 75 + "." * 6 + "#" * 8 + "." + "#" * 60, options)
    assert found == [(0, 78), (78, 150)]


def test_of_two_pauses_of_one_length_the_later_is_cut() -> None:
    options = replace(BARE, max_speech_s=1.0, min_silence_ms=300)
    assert spans("#" * 70 + ".." + "#" * 10 + ".." + "#" * 60, options) == [(0, 83), (83, 144)]


def test_long_speech_without_a_pause_is_cut_near_the_maximum_and_nothing_is_lost() -> None:
    found = spans("#" * 1_000, replace(BARE, max_speech_s=1.0))
    assert found[0][0] == 0
    assert found[-1][1] == 1_000
    assert all(stop - start == 100 for start, stop in found[:-1])
    assert all(before[1] == after[0] for before, after in pairwise(found))


def test_long_speech_without_a_pause_is_cut_where_it_is_least_like_speech() -> None:
    options = replace(BARE, max_speech_s=1.0, neg_threshold=0.2)
    assert spans("#" * 80 + "-" + "#" * 60, options) == [(0, 81), (81, 141)]


def test_the_rest_of_cut_speech_is_kept_however_short() -> None:
    found = spans("#" * 102 + "." * 20, replace(BARE, max_speech_s=1.0, min_speech_ms=300))
    assert found[-1][1] == 102
    assert len(found) == 2


def test_long_speech_that_ends_in_a_pause_is_not_followed_by_an_empty_span() -> None:
    assert spans("#" * 70 + "." * 80, replace(BARE, max_speech_s=1.0, min_silence_ms=600)) == [(0, 70)]


def test_without_a_maximum_speech_is_never_cut() -> None:
    assert spans("#" * 20_000, replace(BARE, max_speech_s=float("inf"))) == [(0, 20_000)]


def test_a_span_is_returned_as_soon_as_its_silence_is_long_enough() -> None:
    gate = Gate(FRAME, BARE)
    assert gate.push([0.9, 0.9, 0.0, 0.0]) == []
    assert gate.push([0.0]) == [Span(0, 2 * FRAME)]


def test_speaking_is_told_once_the_span_is_sure_to_come() -> None:
    gate = Gate(FRAME, replace(BARE, min_speech_ms=30, padding_ms=10))
    gate.push([0.0, 0.9, 0.9])
    assert not gate.speaking
    assert gate.start is None
    gate.push([0.9])
    assert gate.speaking
    assert gate.start == 0
    assert gate.push([0.0] * 3) == [Span(0, 5 * FRAME)]
    assert not gate.speaking


def test_a_flushed_gate_starts_over() -> None:
    gate = Gate(FRAME, BARE)
    gate.push([0.9] * 7)
    gate.flush()
    assert gate.push([0.0, 0.9, 0.0, 0.0, 0.0]) == [Span(FRAME, 2 * FRAME)]


@pytest.mark.parametrize(
    "wrong",
    [{"threshold": 0.0}, {"threshold": 1.5}, {"neg_threshold": 0.8}, {"padding_ms": -1}, {"max_speech_s": 0.5}],
)
def test_options_that_contradict_each_other_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        replace(GateOptions(), **wrong)  # type: ignore[arg-type]


scores = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.36, 0.49, 0.5, 0.7, 1.0]), st.integers(1, 120)), max_size=30
).map(lambda runs: [value for value, count in runs for _ in range(count)])
choices = st.builds(
    GateOptions,
    threshold=st.sampled_from([0.5, 0.3]),
    neg_threshold=st.sampled_from([None, 0.1, 0.3]),
    min_speech_ms=st.integers(0, 300),
    min_silence_ms=st.integers(0, 1_500),
    padding_ms=st.integers(0, 400),
    max_speech_s=st.sampled_from([1.7, 2.0, 5.0, float("inf")]),
    hesitation_ms=st.sampled_from([0, 500]),
)


@settings(max_examples=150, deadline=None)
@given(values=scores, options=choices, frame=st.sampled_from([160, 480, 512]), data=st.data())
def test_any_chunking_gives_the_same_spans(
    values: list[float], options: GateOptions, frame: int, data: st.DataObject
) -> None:
    whole = Gate(frame, options)
    expected = whole.push(values) + whole.flush()
    gate = Gate(frame, options)
    found: list[Span] = []
    edges = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=10)))
    for part in np.split(np.array(values), edges):
        found += gate.push(part)
    assert found + gate.flush() == expected


@settings(max_examples=150, deadline=None)
@given(values=scores, options=choices, frame=st.sampled_from([160, 480, 512]))
def test_spans_are_ordered_apart_inside_the_clip_and_no_longer_than_allowed(
    values: list[float], options: GateOptions, frame: int
) -> None:
    gate = Gate(frame, options)
    found = gate.push(values) + gate.flush()
    assert all(before.stop <= after.start for before, after in pairwise(found))
    for span in found:
        assert 0 <= span.start < span.stop <= len(values) * frame
        assert span.seconds <= options.max_speech_s


@settings(max_examples=100, deadline=None)
@given(values=scores, options=choices)
def test_a_gate_that_says_speaking_keeps_its_word(values: list[float], options: GateOptions) -> None:
    gate = Gate(FRAME, options)
    promised: int | None = None
    for value in values:
        found = gate.push([value])
        if promised is not None:
            assert [span.start for span in found] in ([], [promised])
            assert found or gate.start == promised
        promised = gate.start
    assert [span.start for span in gate.flush()] == ([] if promised is None else [promised])


@settings(max_examples=100, deadline=None)
@given(values=scores, options=choices)
def test_no_speech_frame_is_lost_when_short_speech_is_kept(values: list[float], options: GateOptions) -> None:
    options = replace(options, min_speech_ms=0)
    gate = Gate(FRAME, options)
    covered = np.zeros(len(values) * FRAME, bool)
    for span in gate.push(values) + gate.flush():
        covered[span.start : span.stop] = True
    speech = np.repeat(np.array(values) >= options.threshold, FRAME)
    assert covered[speech].all()


@settings(max_examples=60, deadline=None)
@given(values=scores, options=choices)
def test_no_span_begins_before_what_the_gate_said_it_may_reach(values: list[float], options: GateOptions) -> None:
    gate = Gate(FRAME, options)
    reached = 0
    for value in values:
        assert all(span.start >= reached for span in gate.push([value]))
        assert gate.reach >= reached
        reached = gate.reach
    assert all(span.start >= reached for span in gate.flush())


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.sampled_from([0.0, 0.4, 0.9]), max_size=80))
def test_what_a_pause_makes_of_a_span_is_what_is_returned_when_it_lasts(values: list[float]) -> None:
    gate = Gate(FRAME, replace(BARE, min_speech_ms=20, min_silence_ms=60, padding_ms=30))
    for value in values:
        gate.push([value])
        if (ending := gate.ending) is not None:
            assert deepcopy(gate).push([0.0] * 6) == [ending]


def test_nothing_is_ending_while_somebody_speaks_or_the_padding_is_not_full() -> None:
    gate = Gate(FRAME, replace(BARE, min_silence_ms=60, padding_ms=30))
    told = []
    for letter in "##.....#......":
        gate.push([0.9 if letter == "#" else 0.0])
        told.append(gate.ending and gate.ending.stop // FRAME)
    assert told == [None] * 4 + [5, 5, 5] + [None] * 3 + [11, 11, 11] + [None]


def test_a_gate_alone_cuts_after_half_a_minute_and_one_that_is_told_when_it_is_told() -> None:
    assert spans("#" * 4_000)[0] == (0, 3_000)
    assert spans("#" * 4_000, replace(BARE, max_speech_s=35.0))[0] == (0, 3_500)


@settings(max_examples=100, deadline=None)
@given(values=scores, options=choices, data=st.data())
def test_what_is_ended_early_is_one_span_in_parts(
    values: list[float], options: GateOptions, data: st.DataObject
) -> None:
    gate, found = Gate(FRAME, options), []
    edges = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=4)))
    for part in np.split(np.array(values), edges):
        found += gate.push(part)
        open_one = gate.start
        ended = gate.end()
        assert [span.start for span in ended] == ([] if open_one is None else [open_one])
        assert gate.end() == []
        found += ended
    assert all(0 <= before.start < before.stop <= after.start for before, after in pairwise(found))
    assert all(span.stop <= len(values) * FRAME for span in found)


@settings(max_examples=60, deadline=None)
@given(values=scores, options=choices, data=st.data())
def test_a_span_that_is_ended_in_its_pause_is_the_one_that_the_pause_would_end(
    values: list[float], options: GateOptions, data: st.DataObject
) -> None:
    gate = Gate(FRAME, options)
    gate.push(values[: data.draw(st.integers(0, len(values)))])
    if (ending := gate.ending) is not None:
        lasting, ended, following = deepcopy(gate), deepcopy(gate), [0.0] * 200 + values
        assert ended.end() == [ending]
        assert [ending, *ended.push(following)] == lasting.push(following)
