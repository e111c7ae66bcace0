"""Where a long utterance is let go of."""

import pytest

from malsori.engines.whisper.commitment import KEPT, RECENT, Cut, anywhere, at_pause, by_force

TIMES = [(0.2, 1.0), (1.0, 2.0), (2.0, 3.1), (3.1, 4.0), (4.0, 5.0), (5.0, 6.0)]
TWO = [(0.2, 1.9), (2.3, 3.0), (3.3, 6.0)]  # pauses of 0.4 and 0.3 s


def test_the_longest_pause_is_taken_and_the_words_behind_it_stay():
    assert at_pause(TIMES, 6, TWO, 1.0) == Cut(2, pytest.approx(2.1))


def test_of_equally_long_pauses_the_latest_is_taken():
    assert at_pause(TIMES, 6, [(0.2, 1.9), (2.3, 2.9), (3.3, 6.0)], 1.0) == Cut(3, pytest.approx(3.1))


def test_a_pause_must_have_committed_words_behind_it():
    assert at_pause(TIMES, 2 + KEPT, TWO, 1.0) == Cut(2, pytest.approx(2.1))
    assert at_pause(TIMES, 1 + KEPT, TWO, 1.0) is None


def test_a_short_closure_is_no_pause():
    assert at_pause(TIMES, 6, [(0.2, 1.95), (2.05, 6.0)], 1.0) is None


def test_a_pause_too_near_the_beginning_is_not_worth_it():
    assert at_pause(TIMES, 6, TWO, 2.5) == Cut(3, pytest.approx(3.15))


def test_a_pause_far_from_where_words_meet_belongs_to_no_place():
    assert at_pause([(0.0, 1.0), (1.0, 3.0), (3.0, 4.0), (4.0, 5.0)], 4, [(0.0, 1.8), (2.2, 5.0)], 0.5) is None


def test_without_pauses_the_latest_place_is_taken_that_leaves_words_in_front():
    assert anywhere(TIMES, 6, 1.0) == Cut(6 - KEPT, 4.0)
    assert anywhere(TIMES, 6, 4.5) is None
    assert anywhere(TIMES, KEPT, 0.0) is None


def spread(count, seconds):
    return [(index * seconds, (index + 1) * seconds) for index in range(count)]


def test_words_before_the_last_pause_are_committed_by_force():
    sounding = [(0.0, 16.9), (17.3, 25.0)]
    assert by_force(spread(50, 0.5), sounding, 25.0) == Cut(34, pytest.approx(17.1))


def test_a_pause_in_the_first_half_or_at_the_very_end_does_not_count_for_force():
    sounding = [(0.0, 8.0), (8.5, 24.2), (24.6, 25.0)]
    assert by_force(spread(50, 0.5), sounding, 25.0) == Cut(40, 25.0 - RECENT)


def test_without_a_pause_the_place_is_between_two_words():
    assert by_force(spread(33, 0.75), [(0.0, 25.0)], 25.0) == Cut(26, 19.5)


def test_where_no_word_was_read_only_the_recent_sound_stays():
    assert by_force([], [(0.0, 25.0)], 25.0) == Cut(0, 25.0 - RECENT)
