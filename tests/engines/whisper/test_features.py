"""Whisper's log-mel features: the same figures as faster-whisper's and as the formula in double precision."""

import tracemalloc

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.audio import decode
from malsori.engines.whisper.features import BLOCK, HOP, MEL_RATE, STRIDE, WINDOW, LogMel, mel_filters
from tests.shipped import ROOT

SAMPLES = ROOT / "samples"
MELS = (80, 128)
SAME = 1e-5  # the same steps in float32: 2.4e-7 was the largest difference on speech
# Against double precision, 1e-5 at most in thousands of frames of noise. The error of a value is that of its frame's
# loudest frequency, and where a filter of one frequency hears next to nothing, all of it shows.
CLOSE = 1e-3


def noise(samples, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


def formula(audio, n_mels):
    """Whisper's features in double precision, one frame for every 160 samples begun, all at once."""
    reflected = np.pad(audio.astype(np.float64), 200, "reflect")
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(reflected, (0, HOP)), 400)[::HOP][: -(-len(audio) // HOP)]
    power = np.abs(np.fft.rfft(frames * np.hanning(401)[:-1])) ** 2
    mels = np.log10(np.maximum(FeatureExtractor.get_mel_filters(16_000, 400, n_mels) @ power.T, 1e-10))
    return (np.maximum(mels, mels.max() - 8) + 4) / 4


@pytest.mark.parametrize("n_mels", MELS)
def test_the_filters_are_those_of_faster_whisper(n_mels):
    peer = FeatureExtractor(feature_size=n_mels).mel_filters
    np.testing.assert_allclose(mel_filters(n_mels), peer, atol=1e-8, rtol=0)  # the largest is 0.025
    assert mel_filters(n_mels).dtype == np.float32


@pytest.mark.parametrize("n_mels", MELS)
@pytest.mark.parametrize("name", ["korean", "english"])
def test_speech_has_the_features_of_faster_whisper(n_mels, name):
    speech = decode(SAMPLES / f"{name}.wav").samples
    padded = np.pad(speech, (0, WINDOW * HOP - len(speech)))
    for clip in (padded, speech[: len(speech) // HOP * HOP]):
        features = LogMel(n_mels)(clip)
        np.testing.assert_allclose(features, FeatureExtractor(n_mels)(clip, padding=0), atol=SAME, rtol=0)
        assert (features.shape, features.dtype) == ((n_mels, len(clip) // HOP), np.float32)
        assert features.flags.c_contiguous


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.integers(1, 900), st.integers(BLOCK * HOP - 500, BLOCK * HOP + 500)), st.sampled_from(MELS))
def test_any_length_has_the_features_of_the_formula(samples, n_mels):
    clip = noise(samples, samples)
    features, exact = LogMel(n_mels)(clip), formula(clip, n_mels)
    np.testing.assert_allclose(features, exact, atol=CLOSE, rtol=0)
    assert np.median(np.abs(features - exact)) < 1e-6


@pytest.mark.parametrize("blocks", [1, 2, 3])
@pytest.mark.parametrize("more", [-1, 0, 1, HOP, HOP + 1])
def test_where_a_block_ends_makes_no_difference(blocks, more):
    clip = noise(blocks * BLOCK * HOP + more)
    np.testing.assert_allclose(LogMel(80)(clip), formula(clip, 80), atol=CLOSE, rtol=0)


@pytest.mark.parametrize("samples", [1, 2, 159, 160, 200, 201, 399, 400])
def test_a_short_clip_behind_which_silence_was_put_has_the_features_of_faster_whisper(samples):
    clip = np.pad(noise(samples), (0, 10 * HOP - samples))
    np.testing.assert_allclose(LogMel(80)(clip), FeatureExtractor()(clip, padding=0), atol=SAME, rtol=0)


@pytest.mark.parametrize("samples", [160, 320, 480])
def test_a_clip_shorter_than_its_reflection_is_mirrored_again_as_faster_whisper_does(samples):
    clip = noise(samples)
    np.testing.assert_allclose(LogMel(80)(clip), FeatureExtractor()(clip, padding=0), atol=SAME, rtol=0)


@pytest.mark.parametrize("n_mels", MELS)
def test_no_samples_have_no_frames(n_mels):
    features = LogMel(n_mels)(np.zeros(0, np.float32))
    assert (features.shape, features.dtype) == ((n_mels, 0), np.float32)


def test_a_pure_tone_has_the_features_of_the_formula():
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    np.testing.assert_allclose(LogMel(80)(tone), formula(tone, 80), atol=SAME, rtol=0)


def test_silence_is_the_quietest_value_everywhere():
    np.testing.assert_allclose(LogMel(80)(np.zeros(16_000, np.float32)), -1.5, atol=1e-6)


def test_the_loudest_of_the_whole_clip_sets_the_range():
    clip = np.concatenate([np.zeros(BLOCK * HOP, np.float32), noise(3 * BLOCK * HOP), np.zeros(HOP, np.float32)])
    features = LogMel(80)(clip)
    assert features.min() == pytest.approx(features.max() - 2, abs=1e-6)
    assert features[:, :100].max() == features.min()


def test_the_clip_given_is_not_changed():
    clip = noise(5_000)
    before = clip.copy()
    LogMel(80)(clip)
    assert np.array_equal(clip, before)


def test_a_long_clip_needs_no_memory_but_that_of_its_features():
    clip = noise(600 * 16_000)
    log_mel = LogMel(80)
    log_mel(clip[:HOP])
    tracemalloc.start()
    try:
        features = log_mel(clip)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < features.nbytes + 4 * 2**20  # whole, the spectrum alone would be 96 MB


def test_the_rates_are_whispers():
    assert (HOP, STRIDE, MEL_RATE, WINDOW) == (160, 320, 100, 3000)
