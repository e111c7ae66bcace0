"""The frame arithmetic against convolutions that are really carried out, and the published figures of wav2vec2."""

import numpy as np
import pytest

from malsori.engines.ctc.frames import Frames

WAV2VEC2 = Frames((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2))


def convolved(samples: int, frames: Frames) -> int:
    """Count what is left after sliding each window over what the one before it left."""
    signal = np.zeros(samples)
    for kernel, stride in zip(frames.kernels, frames.strides, strict=True):
        if len(signal) < kernel:
            return 0
        signal = np.lib.stride_tricks.sliding_window_view(signal, kernel)[::stride].sum(axis=1)
    return len(signal)


def test_count_equals_the_convolutions_for_every_length_up_to_2000_samples():
    assert [WAV2VEC2.count(samples) for samples in range(2001)] == [convolved(n, WAV2VEC2) for n in range(2001)]


@pytest.mark.parametrize("tenths", [1, 2, 3, 5, 7, 10, 13, 33, 50, 99, 100, 150, 200])
@pytest.mark.parametrize("extra", [-1, 0, 1, 79, 80])
def test_count_equals_the_convolutions_from_a_tenth_of_a_second_to_twenty(tenths, extra):
    samples = tenths * 1600 + extra
    assert WAV2VEC2.count(samples) == convolved(samples, WAV2VEC2)


def test_count_follows_other_convolutions_too():
    other = Frames((7, 4, 3), (3, 2, 2))
    assert [other.count(samples) for samples in range(300)] == [convolved(n, other) for n in range(300)]


def test_a_second_has_49_frames():
    assert WAV2VEC2.count(16_000) == 49


def test_one_frame_sees_400_samples_and_the_next_starts_320_later():
    assert (WAV2VEC2.receptive_field, WAV2VEC2.stride) == (400, 320)
    assert [WAV2VEC2.count(samples) for samples in (399, 400, 719, 720)] == [0, 1, 1, 2]


def test_a_frame_owns_the_stride_around_the_centre_of_what_it_sees():
    assert WAV2VEC2.edge(0) == pytest.approx(40 / 16_000)
    assert (WAV2VEC2.edge(10) + WAV2VEC2.edge(11)) / 2 == pytest.approx((10 * 320 + 200) / 16_000)


def test_the_last_frame_ends_inside_the_clip():
    for samples in range(400, 3000):
        assert WAV2VEC2.edge(WAV2VEC2.count(samples)) <= samples / 16_000
