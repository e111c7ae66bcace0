"""A text in the tokens of a vocabulary: nothing of it is lost, and what is unknown is a wildcard."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from malsori.engines.ctc.spelling import WILDCARD, Speller, characters
from malsori.engines.ctc.vocabulary import Vocabulary

JAMO = ("<pad>", "<unk>", "|", "ᄀ", "ᄂ", "ᄋ", "ᅡ", "ᅧ", "ᆨ", "ᆫ", "ᆼ")
SYLLABLES = ("[PAD]", "[UNK]", "|", "가", "각", "안", "녕")
COMPATIBLE = ("<pad>", "|", "ㄱ", "ㅇ", "ㄴ", "ㅏ", "ㅕ")
LATIN = ("<pad>", "|", "a", "c", "e", "h", "t", "ch", "E", "'")
UPPER = ("<pad>", "|", "A", "C", "E", "H", "T")


def speller(tokens: tuple[str, ...]) -> Speller:
    return Speller(Vocabulary.build(tokens, tokens[0], "|"))


def spelled(text: str, tokens: tuple[str, ...]) -> list[str]:
    """Return each word as its tokens with a point between, the wildcard as a star."""
    words = speller(tokens).words(text)
    ids = [[token for piece in word.pieces for token in piece.tokens] for word in words]
    return [".".join("*" if token == WILDCARD else tokens[token] for token in word) for word in ids]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_composed_and_decomposed_texts_are_spelled_alike(form: str) -> None:
    text = unicodedata.normalize(form, "안녕 각")
    assert spelled(text, JAMO) == ["ᄋ.ᅡ.ᆫ.ᄂ.ᅧ.ᆼ", "ᄀ.ᅡ.ᆨ"]
    assert spelled(text, SYLLABLES) == ["안.녕", "각"]
    assert spelled(text, COMPATIBLE) == ["ㅇ.ㅏ.ㄴ.ㄴ.ㅕ.ㅇ", "ㄱ.ㅏ.ㄱ"]


def test_the_case_gives_way_to_the_one_the_vocabulary_has() -> None:
    assert spelled("TeaE", LATIN) == ["t.e.a.E"]
    assert spelled("tea", UPPER) == ["T.E.A"]


def test_the_longest_token_wins() -> None:
    assert spelled("chat", LATIN) == ["ch.a.t"]
    assert spelled("Chat", LATIN) == ["ch.a.t"]


def test_an_accent_is_dropped_where_the_letter_alone_is_known() -> None:
    assert spelled("thé", LATIN) == ["t.h.e"]


def test_another_shape_of_a_known_sign_is_known() -> None:
    assert spelled("t’a", LATIN) == ["t.'.a"]


def test_unknown_characters_in_a_row_share_one_wildcard() -> None:
    assert spelled("가26안 x", SYLLABLES) == ["가.*.안", "*"]
    (word,) = speller(SYLLABLES).words("1,000가")
    assert [piece.characters for piece in word.pieces] == [("1", ",", "0", "0", "0"), ("가",)]


def test_punctuation_is_not_said() -> None:
    assert spelled("“안녕,” 가!", SYLLABLES) == ["안.녕", "가"]


def test_a_sign_that_is_said_is_a_wildcard() -> None:
    assert spelled("가% &", SYLLABLES) == ["가.*", "*"]


def test_a_word_of_nothing_but_punctuation_is_a_wildcard() -> None:
    assert spelled("가 — 가", SYLLABLES) == ["가", "*", "가"]


def test_blank_delimiter_and_special_tokens_are_no_spelling() -> None:
    assert spelled("[PAD] |", SYLLABLES) == ["*", "*"]


def test_words_know_their_line() -> None:
    words = speller(SYLLABLES).words("가 안\n\n녕\n")
    assert [(word.text, word.line) for word in words] == [("가", 0), ("안", 0), ("녕", 2)]


def test_marks_and_jamo_stay_with_their_letter() -> None:
    found = characters(unicodedata.normalize("NFD", "각é!"))
    assert [unicodedata.normalize("NFC", character) for character in found] == ["각", "é", "!"]


@given(st.text())
@example("\ua96a")  # old Korean: no letter of its own
def test_every_word_and_character_of_any_text_is_there_in_order(text: str) -> None:
    words = speller(JAMO).words(text)
    assert [word.text for word in words] == text.split()
    for word in words:
        assert "".join(character for piece in word.pieces for character in piece.characters) == word.text
        assert any(piece.tokens for piece in word.pieces)
