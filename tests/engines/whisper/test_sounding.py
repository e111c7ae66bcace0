"""Where something sounds in a clip: by loudness, in silence, in noise, and where there is nothing to tell apart."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from malsori.engines.whisper.sounding import SHORTEST, sounding
from malsori.types import SAMPLE_RATE
from tests.sounds import tone

FRAME = 0.01  # seconds


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def joined(*parts: np.ndarray) -> np.ndarray:
    return np.concatenate(parts).astype(np.float32)


def test_sounds_are_found_to_the_frame_and_what_is_silent_around_them_is_left_out() -> None:
    clip = joined(silence(0.5), tone(0.4), silence(0.3), tone(0.2), silence(1.0))
    assert np.allclose(sounding(clip), [(0.5, 0.9), (1.2, 1.4)], atol=FRAME)


def test_a_long_silence_between_two_sounds_is_silence_in_its_middle_too() -> None:
    clip = joined(tone(0.5), silence(8.0), tone(0.5))
    assert np.allclose(sounding(clip), [(0.0, 0.5), (8.5, 9.0)], atol=FRAME)


def test_a_silence_shorter_than_the_shortest_belongs_to_the_sound() -> None:
    short, long = SHORTEST - FRAME, SHORTEST + FRAME
    clip = joined(tone(0.3), silence(short), tone(0.3), silence(long), tone(0.3), silence(0.3))
    assert np.allclose(sounding(clip), [(0.0, 0.6 + short), (0.6 + short + long, 0.9 + short + long)], atol=FRAME)


@pytest.mark.parametrize("gain", [1e-3, 1.0])
def test_how_loud_the_whole_clip_is_changes_nothing(gain: float) -> None:
    clip = joined(silence(0.2), tone(0.5), silence(0.3))
    assert sounding(np.float32(gain) * clip) == sounding(clip)


def test_what_is_faint_beside_the_sounds_is_silence_even_where_nothing_at_all_is_fainter() -> None:
    hiss = np.random.default_rng(0).normal(0, 0.4 * 10 ** (-50 / 20), SAMPLE_RATE // 2)
    assert np.allclose(sounding(joined(tone(0.5), hiss, tone(0.5), silence(0.5))), [(0.0, 0.5), (1.0, 1.5)], atol=FRAME)


def test_speech_is_found_in_noise_20_db_below_it() -> None:
    clip = joined(silence(0.5), tone(0.5), silence(0.5), tone(0.5), silence(0.5))
    noise = np.random.default_rng(0).normal(0, 0.4 / np.sqrt(2) / 10, len(clip))
    assert np.allclose(sounding(joined(clip + noise)), [(0.5, 1.0), (1.5, 2.0)], atol=2 * FRAME)


@pytest.mark.parametrize("clip", [silence(1.005), tone(1.005)], ids=["silence", "tone"])
def test_a_clip_that_nothing_stands_out_of_sounds_from_end_to_end(clip: np.ndarray) -> None:
    assert sounding(clip) == [(0.0, len(clip) / SAMPLE_RATE)]


def test_nothing_sounds_in_no_clip() -> None:
    assert sounding(silence(0.0)) == []


@given(
    st.lists(st.tuples(st.floats(0, 0.3), st.sampled_from([0.0, 0.001, 0.02, 0.5])), max_size=8), st.integers(0, 2**16)
)
def test_spans_ascend_apart_within_the_clip(parts: list[tuple[float, float]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    clip = joined(silence(0), *(level * rng.normal(size=round(long * SAMPLE_RATE)) for long, level in parts))
    spans = sounding(clip)
    assert bool(spans) == bool(len(clip))
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert all(start < stop for start, stop in spans)
    assert not edges or (edges[0] >= 0 and edges[-1] <= len(clip) / SAMPLE_RATE)
    pauses = [after[0] - before[1] for before, after in pairwise(spans)]
    assert all(pause > SHORTEST - 1e-9 for pause in pauses)
