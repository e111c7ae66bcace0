"""The JSON form of words, what becomes of them when they are moved, and the type of sound."""

from __future__ import annotations

import typing

import numpy as np

import malsori
from malsori.types import Segment, Word


def word(text: str, *, spaced: bool = True) -> Word:
    return Word(text, 0.0, 1.0, 0.5, spaced)


def test_json_tells_of_a_word_without_a_space_before_it_alone() -> None:
    segment = Segment("東京", 0.0, 1.0, 0.5, (word("東"), word("京", spaced=False)))
    first, second = segment.to_dict()["words"]
    assert "spaced" not in first
    assert second == {"word": "京", "start": 0.0, "end": 1.0, "probability": 0.5, "spaced": False}


def test_a_word_that_is_moved_keeps_what_it_is() -> None:
    assert word("京", spaced=False).shifted(2.0) == Word("京", 2.0, 3.0, 0.5, spaced=False)


def test_the_type_of_sound_is_one_that_annotations_of_others_may_have() -> None:
    assert typing.get_origin(malsori.Audio) is np.ndarray
    assert typing.get_args(malsori.Audio | None) == (malsori.Audio, type(None))
