"""A window's tokens to pieces: where they are cut, and from where the next window reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from malsori.engines.whisper.segments import split

TIMES = 1_000


def at(seconds):
    return TIMES + round(seconds / 0.02)


def shown(tokens, size=3000, *, whole=False):
    pieces, following = split(tokens, TIMES, size, whole=whole)
    return [(round(p.start, 2), round(p.end, 2), p.tokens) for p in pieces], following


def test_one_piece_between_two_times_ends_the_window():
    tokens = (at(0.5), 1, 2, at(3))
    assert shown(tokens) == ([(0.5, 3.0, tokens)], 3000)


def test_pieces_are_cut_where_two_times_meet_and_the_unfinished_one_is_read_again():
    tokens = (at(0), 1, at(2), at(2.5), 2, at(4), at(4), 3)
    assert shown(tokens) == ([(0.0, 2.0, tokens[:3]), (2.5, 4.0, tokens[3:6])], 400)


def test_a_single_time_at_the_end_says_that_nobody_speaks_behind_it():
    tokens = (at(0), 1, at(2), at(2), 2, at(4))
    assert shown(tokens) == ([(0.0, 2.0, tokens[:3]), (2.0, 4.0, tokens[3:])], 3000)


def test_at_the_end_of_a_clip_what_follows_the_last_pair_is_kept():
    tokens = (at(0), 1, at(2), at(2.5), 2)
    assert shown(tokens, 500, whole=True) == ([(0.0, 2.0, tokens[:3]), (2.5, 5.0, tokens[3:])], 500)
    assert shown(tokens, 500) == ([(0.0, 2.0, tokens[:3])], 200)


def test_at_the_end_of_a_clip_a_last_pair_says_that_the_rest_is_still_to_be_read():
    tokens = (at(0), 1, at(2), at(2))
    assert shown(tokens, 830, whole=True) == ([(0.0, 2.0, tokens[:3])], 200)


def test_without_times_the_piece_is_the_window():
    assert shown((1, 2), 700) == ([(0.0, 7.0, (1, 2))], 700)


def test_no_tokens_are_one_piece_without_words():
    assert shown((), 100) == ([(0.0, 1.0, ())], 100)


@given(st.lists(st.integers(990, 1_100), max_size=40), st.integers(1, 3000), st.booleans())
def test_every_piece_is_made_of_the_windows_tokens_in_order(tokens, size, whole):
    pieces, following = split(tokens, TIMES, size, whole=whole)
    together = [token for piece in pieces for token in piece.tokens]
    assert together == tokens[: len(together)]
    assert following >= 0
    unread = tokens[len(together) :]
    assert not whole or all(token >= TIMES for token in unread)
    assert not whole or following == size or len(unread) > 0  # a pair of times at the end


@pytest.mark.parametrize("size", [1, 300, 3000])
def test_a_time_of_zero_alone_does_not_end_a_piece_at_zero(size):
    assert shown((at(0), 5), size)[0][0][1] == round(size / 100, 2)
