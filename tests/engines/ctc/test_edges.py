"""Where words begin and end, from frames and from silences, on sound made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from malsori.engines.ctc.edges import LEAD, SHORT_TAIL, TAIL, Silences, word_edges
from malsori.engines.ctc.frames import Frames
from malsori.types import SAMPLE_RATE, Audio

FRAMES = Frames((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2))
HALF = 0.01  # seconds: half a frame


def sound(*parts: tuple[float, float], noise: float = 0.0) -> Audio:
    """Return parts of (seconds, loudness) as a buzz, in some noise."""
    rng = np.random.default_rng(0)
    parts_of_sound = [level * rng.normal(size=round(seconds * SAMPLE_RATE)) for seconds, level in parts]
    joined = np.concatenate(parts_of_sound)
    return (joined + noise * rng.normal(size=len(joined))).astype(np.float32)


def silences(*spans: tuple[float, float]) -> Silences:
    pairs = np.array(spans, np.float64).reshape(-1, 2)
    return Silences(pairs[:, 0], pairs[:, 1])


def frame_at(seconds: float) -> int:
    """Return the frame whose middle is nearest."""
    return round((seconds - FRAMES.edge(0) - HALF) / 0.02)


def edges(words: list[tuple[float, float]], found: Silences, duration: float = 10.0) -> list[tuple[float, float]]:
    first, last = (np.array([frame_at(word[side]) for word in words]) for side in (0, 1))
    return [(start, end) for start, end in word_edges(first, last, FRAMES, found, duration).tolist()]


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_silence_is_found_to_a_few_milliseconds_clean_and_in_noise(noise: float) -> None:
    found = Silences.of(sound((0.5, 0), (1, 0.1), (0.05, 0), (1, 0.1), (0.3, 0), (1, 0.1), noise=noise))
    assert found.starts == pytest.approx([0, 1.5, 2.55], abs=0.006)
    assert found.stops == pytest.approx([0.5, 1.55, 2.85], abs=0.006)


def test_a_dip_of_10_ms_is_no_silence() -> None:
    assert len(Silences.of(sound((1, 0.1), (0.01, 0), (1, 0.1))).starts) == 0


@pytest.mark.parametrize("level", [0.0, 0.1])
def test_where_nothing_is_louder_than_the_rest_nothing_is_silent(level: float) -> None:
    assert len(Silences.of(sound((3, level))).starts) == 0


def test_sound_shorter_than_5_ms_has_no_silence() -> None:
    assert len(Silences.of(np.zeros(79, np.float32)).starts) == 0


def test_a_silence_between_two_words_belongs_to_neither() -> None:
    (_, first_end), (second_start, _) = edges([(1.0, 1.2), (2.0, 2.2)], silences((1.4, 1.9)))
    assert (first_end, second_start) == (1.4, 1.9)


def test_of_several_silences_the_longest_counts() -> None:
    (_, end), (start, _) = edges([(1.0, 1.2), (2.0, 2.2)], silences((1.3, 1.33), (1.4, 1.7), (1.9, 1.95)))
    assert (end, start) == (1.4, 1.7)


def test_without_silence_words_meet_at_the_edge_of_the_first_frame_of_the_second() -> None:
    (_, end), (start, _) = edges([(1.0, 1.2), (1.4, 1.5)], silences())
    assert end == start == pytest.approx(1.4 - HALF, abs=HALF)


def test_a_frame_in_a_closure_belongs_to_the_sound_behind_it() -> None:
    _, (start, _) = edges([(1.0, 1.2), (1.4, 1.5)], silences((1.37, 1.44)))
    assert start == 1.44


def test_a_word_that_is_named_in_the_silence_behind_it_does_not_begin_behind_that() -> None:
    _, (start, end) = edges([(1.0, 1.2), (2.0, 2.1)], silences((1.3, 1.4), (1.9, 3.0)))
    assert (start, end) == (1.4, 1.9)


def test_a_word_does_not_last_on_through_other_sound() -> None:
    (_, end), (start, _) = edges([(1.0, 1.2), (8.0, 8.1)], silences((4.0, 4.5)))
    assert end == pytest.approx(1.2 + TAIL, abs=HALF)
    assert start == pytest.approx(8.0 - HALF, abs=HALF)


def test_a_word_does_not_begin_long_before_it_is_named() -> None:
    _, (start, _) = edges([(1.0, 1.2), (8.0, 8.1)], silences((6.95, 7.005)))
    assert start >= 8.0 - LEAD - 2 * HALF


def test_the_last_word_ends_with_the_sound_or_soon() -> None:
    assert edges([(1.0, 1.2)], silences((1.35, 3.0)))[0][1] == 1.35
    assert edges([(1.0, 1.2)], silences())[0][1] == pytest.approx(1.2 + SHORT_TAIL, abs=HALF)
    assert edges([(1.0, 1.2)], silences(), duration=1.22)[0][1] == 1.22


def test_a_word_wholly_in_silence_lasts_as_long_as_its_frames() -> None:
    ((start, end),) = edges([(1.0, 1.2)], silences((0.5, 3.0)))
    assert (start, end) == (pytest.approx(1.0 - HALF, abs=HALF), pytest.approx(1.2 + HALF, abs=HALF))


@given(st.lists(st.integers(0, 40), min_size=2, max_size=20), st.integers(0, 1000))
def test_times_never_fall_and_stay_inside_the_sound(steps: list[int], seed: int) -> None:
    frames = np.cumsum(steps)
    first, last = frames[::2], frames[1::2]
    first = first[: len(last)]
    rng = np.random.default_rng(seed)
    spans = np.sort(rng.uniform(0, 10, 20)).reshape(-1, 2)
    duration = float(rng.uniform(0.1, 10))
    found = word_edges(first, last, FRAMES, Silences(spans[:, 0], spans[:, 1]), duration).ravel()
    assert (np.diff(found) >= 0).all()
    assert found[0] >= 0
    assert found[-1] <= duration
