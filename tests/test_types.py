"""Words as they stand in a text, and the way back to it."""

from __future__ import annotations

from malsori.joining import written
from malsori.types import Segment, Word


def word(text: str, *, spaced: bool = True) -> Word:
    return Word(text, 0.0, 1.0, 0.5, spaced)


def test_words_are_joined_by_the_spaces_that_stand_before_them() -> None:
    assert written([word("a"), word("b,"), word("c", spaced=False)]) == "a b,c"
    assert written([word("東京", spaced=False), word("です。", spaced=False)]) == "東京です。"
    assert written([]) == ""


def test_a_space_before_the_first_word_is_not_in_the_text() -> None:
    assert written([word("a")]) == written([word("a", spaced=False)]) == "a"


def test_json_tells_of_a_word_without_a_space_before_it_alone() -> None:
    segment = Segment("東京", 0.0, 1.0, 0.5, (word("東"), word("京", spaced=False)))
    first, second = segment.to_dict()["words"]
    assert "spaced" not in first
    assert second == {"word": "京", "start": 0.0, "end": 1.0, "probability": 0.5, "spaced": False}


def test_a_word_that_is_moved_keeps_what_it_is() -> None:
    assert word("京", spaced=False).shifted(2.0) == Word("京", 2.0, 3.0, 0.5, spaced=False)
