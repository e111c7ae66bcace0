"""Whisper's features against Hugging Face's, which training and fine-tuning use."""

import numpy as np
import pytest

pytest.importorskip("transformers")

from transformers import WhisperFeatureExtractor
from transformers.audio_utils import mel_filter_bank

from malsori.audio import decode
from malsori.engines.whisper.features import HOP, WINDOW, LogMel, mel_filters
from tests.shipped import ROOT

pytestmark = pytest.mark.export
SAMPLES = ROOT / "samples"


@pytest.mark.parametrize("n_mels", [80, 128])
def test_the_filters_are_those_of_hugging_face(n_mels):
    peer = mel_filter_bank(201, n_mels, 0.0, 8000.0, 16_000, norm="slaney", mel_scale="slaney").T
    np.testing.assert_allclose(mel_filters(n_mels), peer, atol=1e-8, rtol=0)


@pytest.mark.parametrize("n_mels", [80, 128])
@pytest.mark.parametrize("samples", [1, 100, 400, 16_001, 40_000])
def test_a_clip_padded_to_the_window_has_the_features_of_hugging_face(n_mels, samples):
    clip = decode(SAMPLES / "korean.wav").samples[8_000 : 8_000 + samples]
    padded = np.pad(clip, (0, WINDOW * HOP - len(clip)))
    peer = WhisperFeatureExtractor(feature_size=n_mels)(clip, sampling_rate=16_000, return_tensors="np")
    # torch transforms in float32 too, in another order: 4e-5 was the largest difference on both samples
    np.testing.assert_allclose(LogMel(n_mels)(padded), peer.input_features[0], atol=1e-3, rtol=0)
