"""Differences between two texts: the fewest edits, both texts whole, and no matter of spelling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.compare.differences import aligned, by_character, differences, normal, pieces
from malsori.pipeline.trials.figures import word_distance

WORDS = st.lists(st.sampled_from(["a", "b", "the", "Set,", "b-a", "칠", "3.5", "-", "“x”", "don't"]), max_size=9)


def told(said: str, heard: str, *, characters: bool = False) -> list[tuple[str, str, str]]:
    return [(each.kind, each.said, each.heard) for each in differences(said, heard, characters=characters)]


def test_words_that_differ_stand_beside_those_that_were_said():
    assert told("please set the bedroom light", "please let the bedroom") == [
        ("same", "please ", "please "),
        ("replaced", "set ", "let "),
        ("same", "the bedroom ", "the bedroom"),
        ("missed", "light", ""),
    ]


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("It IS, he said.", "it is he said"),
        ("twenty-six degrees", "twenty six degrees"),
        ("don't", "don’t"),
        ("well... then", "well then"),
        ("각", "각"),
        ("and/or", "and or"),
    ],
)
def test_case_punctuation_hyphens_and_composition_make_no_difference(said: str, heard: str):
    assert {each.kind for each in differences(said, heard)} == {"same"}


def test_a_word_moved_to_the_front_costs_two_edits_and_not_all_between():
    assert [each[0] for each in told("a b c d", "d a b c")] == ["added", "same", "missed"]


def test_korean_differs_by_syllables_and_not_by_spaces():
    assert told("침실 온도를 맞춰", "침실온도를 맞춰 줘", characters=True) == [
        ("same", "침실 온도를 맞춰", "침실온도를 맞춰 "),
        ("added", "", "줘"),
    ]
    assert told("침실 온도", "침실 운도", characters=True)[1] == ("replaced", "온", "운")


def test_what_has_no_letters_goes_with_its_neighbour_and_is_not_lost():
    assert told("— yes —", "yes") == [("same", "— yes —", "yes")]
    assert told("...", "") == []
    assert told("", "") == []


@given(WORDS, WORDS)
@settings(deadline=None)
def test_as_many_words_differ_as_the_error_rate_counts_and_both_texts_are_whole(said: list[str], heard: list[str]):
    first, second = " ".join(said), " ".join(heard)
    assert [each.key for each in pieces(first, characters=False)] == normal(first).split()
    ours, theirs = normal(first).split(), normal(second).split()
    pairs = aligned(ours, theirs)
    edits = sum(a is None or b is None or ours[a] != theirs[b] for a, b in pairs)
    assert edits == word_distance(" ".join(ours), " ".join(theirs))
    for side, length in ((0, len(ours)), (1, len(theirs))):
        assert [pair[side] for pair in pairs if pair[side] is not None] == list(range(length))
    if ours:
        assert "".join(each.said for each in differences(first, second)) == first
    if theirs:
        assert "".join(each.heard for each in differences(first, second)) == second


def test_a_long_text_that_is_halved_has_as_few_edits_as_one_in_a_single_table():
    random = np.random.default_rng(5)
    said = [f"w{number}" for number in random.integers(0, 300, 2_000)]
    heard = [word for word in said if random.random() > 0.1]
    heard[100:100] = ["x"] * 40
    pairs = aligned(said, heard)
    edits = sum(a is None or b is None or said[a] != heard[b] for a, b in pairs)
    assert edits == word_distance(" ".join(said), " ".join(heard))


@pytest.mark.parametrize(
    ("texts", "characters"),
    [
        (["제 번호는 오 사 칠 삼입니다"], True),
        (["明日は雨です", "OK"], True),
        (["สวัสดีครับ"], True),
        (["it will rain in jeju"], False),
        (["안녕 everybody who is here today"], False),
        ([], False),
    ],
)
def test_scripts_with_few_spaces_are_compared_by_characters(texts: list[str], characters: bool):
    assert by_character(texts) == characters
