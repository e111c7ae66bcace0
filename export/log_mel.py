"""Whisper's features in PyTorch, to train with: the numbers of its own extractor, on whatever device the sound is."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import WhisperFeatureExtractor

from malsori.engines.whisper.features import FFT, HOP, QUIETEST, RANGE


class TorchLogMel(nn.Module):
    """The features with the filters of an extractor; `filters` is float32 `(mels, 201)`."""

    def __init__(self, extractor: WhisperFeatureExtractor) -> None:
        super().__init__()
        self.register_buffer("filters", torch.from_numpy(extractor.mel_filters).float().T.contiguous())
        self.register_buffer("taper", torch.hann_window(FFT))

    def forward(self, audio: Tensor) -> Tensor:
        """Turn float32 `(batch, samples)` into `(batch, mels, samples / 160)`."""
        spectrum = torch.stft(audio, FFT, HOP, window=self.taper, return_complex=True)[..., :-1]
        mel = self.filters @ (spectrum.real.square() + spectrum.imag.square())
        logs = mel.clamp(min=QUIETEST).log10()
        return (torch.maximum(logs, logs.amax((1, 2), keepdim=True) - RANGE) + 4) / 4
