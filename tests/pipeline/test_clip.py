"""A clip's clock: whatever was put together, its times lie where its sound came from."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from malsori.joining import written
from malsori.pipeline.clip import Clip, filled, joined
from malsori.types import SAMPLE_RATE, Segment, Span, Word

PADDING = 0.4  # seconds of room tone at each end of a stretch


def stretch(start: float, stop: float) -> Clip:
    span = Span(round(start * SAMPLE_RATE), round(stop * SAMPLE_RATE))
    return Clip.of(np.arange(span.start, span.stop, dtype=np.float32), span)


def segment(start: float, end: float, *words: Word) -> Segment:
    return Segment("words", start, end, 0.9, words)


def times(clip: Clip, *segments: Segment) -> list[tuple[float, float]]:
    return [(round(each.start, 3), round(each.end, 3)) for each in clip.clock.placed(segments)]


TWO = joined([stretch(10, 14), stretch(30, 33)])  # 4 s and 3 s of a clip of 7 s


def test_a_time_lies_where_its_stretch_does():
    assert times(TWO, segment(0.5, 3.5), segment(4.5, 6.5)) == [(10.5, 13.5), (30.5, 32.5)]


def test_a_segment_over_a_pause_that_was_cut_out_has_the_pause_in_it():
    assert times(TWO, segment(3.0, 5.0)) == [(13.0, 31.0)]


def test_an_end_a_little_behind_a_join_does_not_reach_over_the_pause():
    assert times(TWO, segment(2.0, 4.02)) == [(12.0, 14.0)]


def test_a_start_a_little_before_a_join_does_not_begin_before_the_pause():
    assert times(TWO, segment(3.98, 6.0)) == [(30.0, 32.0)]


def test_a_word_over_a_join_is_moved_into_the_stretch_that_has_its_middle():
    (found,) = TWO.clock.placed([segment(3.0, 5.0, Word("a", 3.0, 4.2, 1.0), Word("b", 3.9, 5.0, 1.0))])
    assert [(word.start, word.end) for word in found.words] == [(13.0, 14.0), (30.0, 31.0)]


@pytest.mark.parametrize(("second", "texts"), [(30, ["so we", "go."]), (15, ["so we go."])])
def test_a_segment_is_taken_apart_where_the_pause_between_its_words_was_long(second: int, texts: list[str]):
    clip = joined([stretch(10, 14), stretch(second, second + 3)])
    spoken = (Word("so", 1.0, 2.0, 0.9), Word("we", 2.0, 3.0, 0.9), Word("go.", 5.0, 6.0, 0.9))
    placed = list(clip.clock.placed([Segment(" so we go.", 1.0, 6.0, 0.9, spoken)]))
    assert [each.text.strip() for each in placed] == texts
    assert (placed[0].start, placed[-1].end) == (11.0, second + 2.0)
    assert [word for each in placed for word in each.words][2].start == second + 1.0


def test_words_that_nobody_asked_for_serve_and_are_left_out():
    spoken = (Word("so", 1.0, 2.0, 0.9), Word("we", 5.0, 6.0, 0.9))
    placed = list(TWO.clock.placed([Segment("so we", 1.0, 6.0, 0.9, spoken)], words=False))
    assert [(each.text, each.start, each.end, each.words) for each in placed] == [
        ("so", 11.0, 12.0, ()),
        ("we", 31.0, 32.0, ()),
    ]


def test_a_segment_whose_words_do_not_spell_it_stays_whole():
    spoken = (Word("x", 1.0, 2.0, 0.9), Word("y", 5.0, 6.0, 0.9))
    assert [each.text for each in TWO.clock.placed([Segment("so we", 1.0, 6.0, 0.9, spoken)])] == ["so we"]


def test_what_ends_behind_the_clip_ends_with_it():
    assert times(TWO, segment(6.0, 9.0)) == [(32.0, 33.0)]


def test_a_segment_without_text_is_left_out():
    assert times(TWO, Segment(" ", 0.0, 1.0, 0.9)) == []


def test_neighbours_share_a_clip_until_it_is_full():
    clips = list(filled([stretch(0, 5), stretch(6, 12), stretch(20, 26), stretch(40, 70)], 15))
    assert [clip.seconds for clip in clips] == [11, 6, 30]
    assert [clip.span.start // SAMPLE_RATE for clip in clips] == [0, 20, 40]


stretches = st.lists(st.tuples(st.floats(0.1, 8), st.floats(0, 5)), min_size=1, max_size=12)


def laid_out(lengths: list[tuple[float, float]]) -> list[Clip]:
    found, at = [], 0.0
    for seconds, pause in lengths:
        found.append(stretch(at, at + seconds))
        at += seconds + pause
    return found


@given(stretches, st.floats(1, 28))
def test_filling_loses_no_sample_and_repeats_none(lengths, longest):
    given = laid_out(lengths)
    clips = list(filled(given, longest))
    together = np.concatenate([clip.audio for clip in clips])
    np.testing.assert_array_equal(together, np.concatenate([clip.audio for clip in given]))
    assert [span for clip in clips for span in clip.clock.spans] == [clip.span for clip in given]
    assert all(clip.seconds <= longest or len(clip.clock.spans) == 1 for clip in clips)


@given(stretches, st.data())
def test_every_word_lies_inside_a_stretch_and_words_keep_their_order(lengths, data):
    clip = joined(laid_out(lengths))
    edges = sorted(data.draw(st.lists(st.floats(0, clip.seconds + 1), min_size=2, max_size=9)))
    words = [Word("w", start, end, 1.0) for start, end in pairwise(edges)]
    (found,) = clip.clock.placed([segment(edges[0], edges[-1], *words)])
    spans = [(span.start / SAMPLE_RATE, span.stop / SAMPLE_RATE) for span in clip.clock.spans]
    for word in found.words:
        assert any(start - 1e-6 <= word.start <= word.end <= stop + 1e-6 for start, stop in spans)
    assert [word.start for word in found.words] == sorted(word.start for word in found.words)


@given(stretches, st.data())
def test_a_part_of_a_clip_has_the_parts_clock(lengths, data):
    clip = joined(laid_out(lengths))
    start = data.draw(st.integers(0, len(clip.audio) - 1))
    part = clip.part(start, data.draw(st.integers(start + 1, len(clip.audio))))
    # the sound is its own clock: each sample holds its place in the recording, as exactly as float32 can
    places = np.concatenate([np.arange(span.start, span.stop, dtype=np.float32) for span in part.clock.spans])
    np.testing.assert_array_equal(part.audio, places)


@pytest.mark.parametrize("seconds", [0.0, 3.0, 7.0])
def test_a_single_stretch_moves_by_its_start(seconds):
    assert times(stretch(10, 20), segment(seconds, seconds + 1)) == [(10 + seconds, 11 + seconds)]


def test_a_short_segment_at_a_join_stays_with_its_middle_and_with_its_words():
    clip = joined([stretch(0, 10), stretch(50, 60)])
    assert times(clip, segment(9.8, 9.98)) == [(9.8, 9.98)]
    assert times(clip, segment(9.9, 10.3, Word("a", 9.7, 9.98, 1.0))) == [(9.7, 9.98)]


WORDS = st.lists(st.tuples(st.floats(0.0, 8.0), st.floats(-0.5, 2.0), st.booleans()), min_size=1, max_size=12)


@given(st.lists(WORDS, min_size=1, max_size=3))
def test_placed_words_last_a_step_follow_each_other_and_give_their_text_back(
    drawn: list[list[tuple[float, float, bool]]],
):
    segments = []
    for words in drawn:
        own = tuple(Word("w", start, start + size, 0.5, spaced) for start, size, spaced in words)
        segments.append(Segment(written(own), own[0].start, own[-1].end, 0.9, own))
    placed = list(TWO.clock.placed(segments))
    assert "".join(each.text for each in placed).replace(" ", "") == "w" * sum(map(len, drawn))
    assert all(written(each.words) == each.text for each in placed)
    words = [word for each in placed for word in each.words]
    assert all(word.end - word.start >= 0.02 - 1e-9 for word in words)
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(words))
    assert all((word.start >= 10 and word.end <= 14) or (word.start >= 30 and word.end <= 33) for word in words)
