"""Recordings without the gate: pieces that cover them, no longer than allowed, cut where it is quietest."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.pipeline.clip import Clip
from malsori.pipeline.files.stretches import clips, cut, slices
from malsori.types import SAMPLE_RATE, Audio
from tests.loudness import tone

TWO_TO_NINE_SECONDS = st.floats(2.0, 9.0)


def noise(seconds: float, seed: int = 0) -> Audio:
    """Return noise whose loudness wanders, so that every place is as quiet as no other."""
    rng = np.random.default_rng(seed)
    loudness = np.repeat(rng.uniform(0.05, 0.5, round(seconds * 20) + 1), 800)[: round(seconds * SAMPLE_RATE)]
    return (loudness * rng.uniform(-1, 1, len(loudness))).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 100_000), max_size=30), TWO_TO_NINE_SECONDS, st.integers(0, 30))
def test_pieces_cover_the_recording_once_however_it_comes_in_blocks(sizes: list[int], longest: float, seed: int):
    audio = noise(30, seed)
    edges = [0, *np.cumsum(sizes, dtype=int).clip(0, len(audio)).tolist(), len(audio)]
    whole = list(slices([audio], longest))
    parts = list(slices([audio[start:stop] for start, stop in pairwise(edges)], longest))
    assert [piece.span for piece in parts] == [piece.span for piece in whole]
    assert [piece.span.start for piece in whole] == [0, *(piece.span.stop for piece in whole[:-1])]
    np.testing.assert_array_equal(np.concatenate([piece.audio for piece in parts]), audio)
    assert all(len(piece.audio) == len(piece.span) <= longest * SAMPLE_RATE for piece in whole)


@pytest.mark.parametrize("seed", range(5))
def test_the_cut_falls_amid_the_quietest_fifth_of_a_second_of_the_last_ten(seed: int):
    audio = noise(40, seed)
    places = range(len(audio) - 10 * SAMPLE_RATE, len(audio) - 3_200 + 1, 320)
    energies = [float(np.square(audio[place : place + 3_200], dtype=np.float64).sum()) for place in places]
    assert cut(audio) == places[int(np.argmin(energies))] + 1_600


def test_a_pause_is_cut_and_the_hold_of_a_consonant_is_not():
    audio = tone(0.3, 20 * SAMPLE_RATE)
    audio[12 * SAMPLE_RATE : 12 * SAMPLE_RATE + 960] = 0  # 60 ms of nothing
    audio[14 * SAMPLE_RATE : 14 * SAMPLE_RATE + 4_000] *= 0.1  # 250 ms of room
    assert 14 * SAMPLE_RATE <= cut(audio) - 1_600 <= cut(audio) + 1_600 <= 14 * SAMPLE_RATE + 4_000


def test_what_has_no_quiet_place_is_cut_as_late_as_possible():
    assert cut(tone(0.3, 20 * SAMPLE_RATE)) == 20 * SAMPLE_RATE - 1_600


def test_without_a_longest_piece_the_recording_is_one_and_an_empty_one_is_none():
    audio = noise(5)
    (piece,) = slices(np.split(audio, 5), float("inf"))
    np.testing.assert_array_equal(piece.audio, audio)
    assert list(slices([], 3.0)) == []


def test_a_piece_comes_as_soon_as_the_recording_is_longer_than_one():
    read = []

    def blocks() -> Iterator[Audio]:
        for second in range(100):
            read.append(second)
            yield noise(1)

    pieces: Iterator[Clip] = slices(blocks(), 9.0)
    for count in range(1, 8):
        stop = next(pieces).span.stop
        assert len(read) <= stop // SAMPLE_RATE + 5, f"piece {count} came late"


@given(st.lists(st.integers(0, 4_000), max_size=12), st.lists(st.integers(0, 30), unique=True, min_size=1, max_size=7))
def test_stretches_are_what_lies_between_their_times_whatever_the_blocks(lengths, tenths):
    sound = np.arange(sum(lengths), dtype=np.float32)
    blocks = np.split(sound, np.cumsum(lengths)[:-1]) if lengths else []
    times = [tenth / 10 for tenth in sorted(tenths)]
    marks = [round(time * SAMPLE_RATE) for time in times] + ([len(sound)] if len(times) % 2 else [])
    expected = [sound[first:last] for first, last in zip(marks[::2], marks[1::2], strict=True)]
    found = list(clips(iter(blocks), times, 1_000.0))
    assert [piece.audio.tolist() for piece in found] == [each.tolist() for each in expected if len(each)]
    assert all(piece.audio.tolist() == sound[piece.span.start : piece.span.stop].tolist() for piece in found)
