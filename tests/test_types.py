"""The JSON form of words, what becomes of them when they are moved, and the type of sound."""

from __future__ import annotations

import subprocess
import sys
import typing

import numpy as np
import pytest
from numpy.typing import NDArray

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


def test_audio_is_a_type_that_costs_numpy_only_where_it_is_asked_for() -> None:
    assert malsori.Audio == NDArray[np.float32]
    code = "import sys, malsori.types as t; print('numpy' in sys.modules, t.Audio, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("False ")
    assert done.stdout.endswith(" True\n")
    with pytest.raises(AttributeError, match="no attribute 'Video'"):
        _ = malsori.types.Video


def test_the_type_of_sound_is_one_that_annotations_of_others_may_have() -> None:
    assert typing.get_origin(malsori.Audio) is np.ndarray
    assert typing.get_args(malsori.Audio | None) == (malsori.Audio, type(None))
