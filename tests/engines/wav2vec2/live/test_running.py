"""Sound to features while it comes: each frame once, and the same ones however the sound is cut."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.engines.wav2vec2.acoustic import normalize
from malsori.engines.wav2vec2.live.cached import Recent
from malsori.engines.wav2vec2.live.running import BLOCK, FIRST, FrontEnd, RunningNormalizer
from tests.shipped import ctc_engine

SOUND = np.random.default_rng(0).normal(0.1, 0.2, 30_000).astype(np.float32)
ENGINE = ctc_engine()
OFFLINE = ENGINE.acoustic.graphs.features(SOUND)


def pieces(cuts, length):
    edges = [0, *sorted(cuts), length]
    return [slice(start, stop) for start, stop in pairwise(edges)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(SOUND)), max_size=12))
def test_any_chunking_gives_the_frames_of_the_whole(cuts):
    front = FrontEnd(ENGINE.acoustic.graphs, ENGINE.frames, None)
    found = np.concatenate([front.push(SOUND[piece]) for piece in pieces(cuts, len(SOUND))])
    # Frames are computed some at a time, which changes the order of sums.
    np.testing.assert_allclose(found, OFFLINE, rtol=0, atol=1e-4)


def test_the_front_end_sees_each_frame_once():
    class Counting:
        frames = 0

        def features(self, clip):
            count = ENGINE.frames.count(len(clip))
            self.frames += count
            return np.zeros((count, 1), np.float32)

    graphs = Counting()
    front = FrontEnd(graphs, ENGINE.frames, None)
    for start in range(0, len(SOUND), 777):
        front.push(SOUND[start : start + 777])
    assert graphs.frames == ENGINE.frames.count(len(SOUND))


def normalized(cuts):
    normalizer = RunningNormalizer()
    return np.concatenate([normalizer.push(SOUND[piece]) for piece in pieces(cuts, len(SOUND))])


@given(st.lists(st.integers(0, len(SOUND)), max_size=12))
def test_running_normalisation_is_the_same_for_any_chunking(cuts):
    np.testing.assert_array_equal(normalized(cuts), normalized([]))


def test_a_sample_is_normalised_by_the_sound_up_to_the_end_of_its_block():
    found = normalized([])
    assert len(found) == FIRST + (len(SOUND) - FIRST) // BLOCK * BLOCK
    for stop in (FIRST, FIRST + BLOCK, FIRST + 5 * BLOCK):
        size = FIRST if stop == FIRST else BLOCK
        expected = normalize(SOUND[:stop].astype(np.float64))[-size:]
        np.testing.assert_allclose(found[stop - size : stop], expected, rtol=0, atol=1e-5)


def test_silence_stays_silence():
    assert not RunningNormalizer().push(np.zeros(FIRST, np.float32)).any()


@given(st.integers(1, 9), st.lists(st.integers(0, 15), max_size=12))
def test_the_newest_rows_are_kept_in_order(most, sizes):
    recent, appended = Recent(most, 2), 0
    for size in sizes:
        recent.append(np.arange(appended, appended + size, dtype=np.float32)[:, None].repeat(2, 1))
        appended += size
        assert recent.rows[:, 1].tolist() == list(range(max(0, appended - most), appended))


def test_recent_rows_move_seldom_and_lie_side_by_side():
    recent, moves, place = Recent(100, 4), 0, None
    for _ in range(100):
        recent.append(np.ones((10, 4), np.float32))
        assert recent.rows.flags.c_contiguous
        end = recent.rows.ctypes.data + recent.rows.nbytes
        moves += place is not None and end < place
        place = end
    assert moves <= 100 * 10 / 50
