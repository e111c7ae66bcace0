"""Words as they stand in a text, and the way back to it."""

from __future__ import annotations

from malsori.joining import joined, written
from malsori.types import Word


def word(text: str, *, spaced: bool = True) -> Word:
    return Word(text, 0.0, 1.0, 0.5, spaced)


def test_words_are_joined_by_the_spaces_that_stand_before_them() -> None:
    assert written([word("a"), word("b,"), word("c", spaced=False)]) == "a b,c"
    assert written([word("東京", spaced=False), word("です。", spaced=False)]) == "東京です。"
    assert written([]) == ""


def test_a_space_before_the_first_word_is_not_in_the_text() -> None:
    assert written([word("a")]) == written([word("a", spaced=False)]) == "a"


def test_segments_are_joined_by_a_space_and_those_without_a_text_by_none() -> None:
    assert joined([word("one two "), word(""), word(" three")]) == "one two three"
    assert joined([]) == ""
