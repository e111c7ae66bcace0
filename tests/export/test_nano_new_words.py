"""The words that a nano model is adapted to: new to it, though it can spell them; some sentences are kept back."""

from __future__ import annotations

import random
import re

import pytest

from export.nano import grammar, new_words
from export.nano.grammar import is_held_out, sentence, to_jamo

WORDS = [*new_words.ROOMS, *new_words.DEVICES, *new_words.NAMES, *new_words.TOWNS]


@pytest.fixture(scope="module")
def old() -> set[str]:
    rng = random.Random(1)
    return {sentence(rng).ko for _ in range(20_000)}


def test_none_of_the_words_occurs_in_the_grammar(old: set[str]) -> None:
    heard = " ".join(old)
    assert all(city in heard for city in grammar.CITIES)  # the draws reach the whole grammar
    assert [word for word in WORDS if word in heard] == []


def test_every_sentence_can_be_spelled_in_modern_jamo() -> None:
    rng = random.Random(2)
    for _ in range(500):
        assert re.fullmatch(
            r"[\u1100-\u1112\u1161-\u1175\u11a8-\u11c2 ]+", to_jamo(new_words.draw_new(rng, held_out=False).ko)
        )


@pytest.mark.parametrize("held_out", [False, True])
def test_a_draw_is_from_the_side_asked_for_and_a_function_of_its_seed(held_out: bool) -> None:
    first, second = (
        [new_words.draw_new(rng, held_out=held_out) for _ in range(50)] for rng in map(random.Random, "aa")
    )
    assert first == second
    assert {is_held_out(drawn) for drawn in first} == {held_out}
