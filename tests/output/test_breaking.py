"""Where a text is broken: what reads better costs less, by language and by script."""

from __future__ import annotations

import pytest

from malsori.output.breaking import PHRASE, break_costs, closings, ends_sentence
from malsori.types import Word


def words_of(text: str, pause_behind: str = "") -> list[Word]:
    """Return the words of a text; `|` parts those that no space parts."""
    at, words = 0.0, []
    for token in text.split():
        for index, part in enumerate(token.split("|")):
            words.append(Word(part, at, at + 0.3, 1.0, index == 0))
            at += 0.9 if part == pause_behind else 0.3
    return words


def costs(text: str, language: str = "en", *, ends: tuple[int, ...] = (), pause_behind: str = "") -> dict[str, float]:
    """Return the points of a break behind each word but the last."""
    words = words_of(text, pause_behind)
    return dict(zip([word.text for word in words], break_costs(words, ends, language)[:-1], strict=False))


def test_sentences_commas_segments_and_words_cost_more_and_more():
    found = costs("gone. then, again now there", ends=(2,))
    assert found["gone."] < found["then,"] < found["again"] < found["now"]


def test_a_pause_makes_a_break_better_and_an_article_worse_all_the_same():
    plain, paused = costs("green the trees stand"), costs("green the trees stand", pause_behind="the")
    assert paused["the"] < plain["the"]
    assert paused["the"] > plain["trees"]


def test_a_break_is_better_before_a_word_that_begins_a_phrase():
    found = costs("somebody remembered that cats sleep")
    assert found["remembered"] < found["somebody"]


@pytest.mark.parametrize(
    ("language", "text", "torn"),
    [
        ("en", "green house the trees stand", "the"),
        ("fr", "maison verte dans ville ici", "dans"),
        ("de", "Haus steht auf Berg hier", "auf"),
        ("ko", "사람이 아무도 안 왔습니다 어제", "안"),
        ("ko", "혼자 할 수 있습니다 오늘", "할"),
        ("ko", "온도를 이십육 도로 맞춰 주세요", "이십육"),
        ("ko", "지금 불을 켜 줘 거실", "켜"),
        ("en", "people sold 40 cats yesterday", "40"),
        ("und", "people met Dr. Brown yesterday", "Dr."),
    ],
)
def test_what_belongs_together_is_worst_torn(language: str, text: str, torn: str):
    found = costs(text, language)
    assert max(found, key=lambda word: found[word]) == torn
    assert found[torn] > PHRASE


def test_an_ending_of_korean_speech_is_as_good_as_a_comma():
    found = costs("거실 불을 켜주세요 침실 불도 부탁합니다", "ko")
    assert min(found, key=lambda word: found[word]) == "켜주세요"


def test_a_japanese_particle_ends_a_line_better_than_a_noun():
    found = costs("今日|は|東京|駅|へ", "ja")
    assert found["は"] < found["東京"]


@pytest.mark.parametrize("text", ["gone.", "gone?", "«gone!»", "終わり。", "gone.”", "wait…"])
def test_a_sentence_ends_with_its_mark_whatever_closes_behind_it(text: str):
    assert ends_sentence(Word(text, 0, 1, 1))


@pytest.mark.parametrize("text", ["Dr.", "J.", "(Mr.", "gone,", "gone", "Mme."])
def test_titles_and_initials_end_no_sentence(text: str):
    assert not ends_sentence(Word(text, 0, 1, 1))


@pytest.mark.parametrize(
    ("text", "closing"),
    [
        ("よく|使|われて|ます|ね|それは|どう|です|か|はい", ["ね", "か"]),
        ("水上|バス|ですね|ありがとうございます|操|します", ["ですね", "ありがとうございます"]),
        ("ここ|から|です|と|便利|です|が|有名|でした|ので", []),
        ("답은 이백오십팔입니다 방 번호는 삼입니다 하나", ["이백오십팔입니다", "삼입니다"]),
    ],
)
def test_a_sentence_without_a_mark_ends_with_its_last_letters(text: str, closing: list[str]):
    words = words_of(text)
    assert [word.text for word, closed in zip(words, closings(words), strict=True) if closed] == closing
