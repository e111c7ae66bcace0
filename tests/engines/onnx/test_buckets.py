"""The lengths to which clips are padded on a GPU: enough of them, few of them, and little padding."""

from hypothesis import given
from hypothesis import strategies as st

from malsori.engines.ctc.frames import Frames
from malsori.engines.onnx.providers import LARGEST, STEP, bucket
from malsori.engines.wav2vec2.acoustic import WINDOW

FRAMES = Frames((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2))
COUNTS = st.integers(1, 20_000)


@given(COUNTS)
def test_a_clip_fits_its_bucket_and_padding_is_seven_frames_or_a_ninth_at_most(frames):
    padding = bucket(frames) - frames
    assert padding >= 0
    assert padding < STEP or padding / bucket(frames) <= 1 / 9


@given(COUNTS)
def test_buckets_are_multiples_of_eight_and_their_own_buckets(frames):
    assert bucket(frames) % 8 == 0
    assert bucket(bucket(frames)) == bucket(frames)


@given(COUNTS, COUNTS)
def test_a_longer_clip_never_gets_a_smaller_bucket(one, other):
    assert bucket(min(one, other)) <= bucket(max(one, other))


def test_all_clips_up_to_a_window_share_a_few_dozen_lengths():
    longest = FRAMES.count(WINDOW)
    lengths = sorted({bucket(frames) for frames in range(1, longest + 1)})
    assert lengths[:9] == [8, 16, 24, 32, 40, 48, 56, 64, 72]
    assert lengths[-3:] == [1280, 1408, 1536]
    assert lengths[-1] == LARGEST
    assert len(lengths) < 45


def test_on_average_a_twentieth_is_padding():
    counts = range(25, FRAMES.count(WINDOW))
    assert 1 - sum(counts) / sum(bucket(frames) for frames in counts) < 0.06
