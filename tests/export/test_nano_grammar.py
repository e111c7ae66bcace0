"""The grammar of the nano models: large enough, parallel in its two languages, and honestly split."""

from __future__ import annotations

import random
import unicodedata

import pytest

from export.nano.grammar import (
    HELD_OUT_PERCENT,
    draw,
    en_number,
    is_held_out,
    ko_number,
    sentence,
    to_jamo,
    with_particle,
)


@pytest.fixture(scope="module")
def sentences() -> set:
    rng = random.Random(0)
    return {sentence(rng) for _ in range(40_000)}


def test_there_are_at_least_5000_sentences_in_each_language(sentences: set) -> None:
    assert len({s.ko for s in sentences}) >= 5_000
    assert len({s.en for s in sentences}) >= 5_000


def test_a_sentence_has_one_translation_and_a_translation_one_sentence(sentences: set) -> None:
    assert len({s.ko for s in sentences}) == len({s.en for s in sentences}) == len(sentences)


def test_sentences_are_words_only_so_that_letters_are_what_is_heard(sentences: set) -> None:
    for each in sentences:
        assert all(letter == " " or "가" <= letter <= "힣" for letter in each.ko), each.ko
        assert all(letter == " " or "a" <= letter <= "z" for letter in each.en), each.en


def test_training_and_held_out_draws_never_meet() -> None:
    rng = random.Random(1)
    training = {draw(rng, held_out=False) for _ in range(5_000)}
    held_out = {draw(rng, held_out=True) for _ in range(500)}
    assert not training & held_out


def test_about_as_many_sentences_are_held_out_as_the_constant_says(sentences: set) -> None:
    share = 100 * sum(map(is_held_out, sentences)) / len(sentences)
    assert share == pytest.approx(HELD_OUT_PERCENT, abs=1)


@pytest.mark.parametrize(
    ("number", "korean", "english"),
    [
        (0, "영", "zero"),
        (10, "십", "ten"),
        (17, "십칠", "seventeen"),
        (40, "사십", "forty"),
        (100, "백", "one hundred"),
        (111, "백십일", "one hundred and eleven"),
        (352, "삼백오십이", "three hundred and fifty two"),
        (905, "구백오", "nine hundred and five"),
    ],
)
def test_numbers_are_spelled_as_they_are_spoken(number: int, korean: str, english: str) -> None:
    assert (ko_number(number), en_number(number)) == (korean, english)


def test_all_numbers_have_spellings_of_their_own() -> None:
    assert len({ko_number(n) for n in range(1_000)}) == len({en_number(n) for n in range(1_000)}) == 1_000


@pytest.mark.parametrize(("noun", "object_form"), [("불", "불을"), ("라디오", "라디오를"), ("텔레비전", "텔레비전을")])
def test_the_particle_follows_the_last_sound(noun: str, object_form: str) -> None:
    assert with_particle(noun, "을", "를") == object_form


def test_jamo_compose_back_to_the_sentence(sentences: set) -> None:
    for each in list(sentences)[:500]:
        assert unicodedata.normalize("NFC", to_jamo(each.ko)) == each.ko
