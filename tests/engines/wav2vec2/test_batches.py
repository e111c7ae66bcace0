"""Which clips may share a call, and the arrays they share."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from malsori.engines.wav2vec2.batches import Grouping, pad, pad_frames, plan

LENGTHS = st.lists(st.integers(1, 50), max_size=30)


@given(LENGTHS, st.sampled_from(Grouping), st.integers(1, 9))
def test_every_clip_comes_once_and_no_batch_is_above_the_limit(lengths, grouping, limit):
    batches = list(plan(lengths, grouping, limit))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(1 <= len(batch) <= limit for batch in batches)


@given(LENGTHS, st.integers(1, 9))
def test_without_a_mask_only_equal_lengths_share_a_batch(lengths, limit):
    assert all(len({lengths[index] for index in batch}) == 1 for batch in plan(lengths, Grouping.EQUAL, limit))


@given(LENGTHS, st.integers(1, 9))
def test_single_clips_share_nothing(lengths, limit):
    assert all(len(batch) == 1 for batch in plan(lengths, Grouping.SINGLE, limit))


@given(LENGTHS, st.integers(1, 9), st.floats(0, 0.9))
def test_padding_stays_within_its_budget(lengths, limit, padding):
    for batch in plan(lengths, Grouping.MASKED, limit, padding):
        area = max(lengths[index] for index in batch) * len(batch)
        assert area - sum(lengths[index] for index in batch) <= padding * area + 1e-9


def test_similar_lengths_share_a_batch():
    assert list(plan([10, 18, 20, 3], Grouping.MASKED, 8)) == [[2, 1], [0], [3]]


def test_pad_puts_zeros_behind_and_masks_them():
    audio, mask = pad([np.full(2, 0.5, np.float32), np.full(3, 0.25, np.float32)])
    assert audio.tolist() == [[0.5, 0.5, 0.0], [0.25, 0.25, 0.25]]
    assert mask.tolist() == [[1, 1, 0], [1, 1, 1]]
    assert (audio.dtype, mask.dtype) == (np.float32, np.int64)


def test_pad_frames_puts_zeros_behind_and_masks_them():
    features, mask = pad_frames([np.ones((1, 2), np.float32), np.full((2, 2), 3, np.float32)])
    assert features.tolist() == [[[1, 1], [0, 0]], [[3, 3], [3, 3]]]
    assert mask.tolist() == [[1, 0], [1, 1]]
    assert (features.dtype, mask.dtype) == (np.float32, np.int32)
