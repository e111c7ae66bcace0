"""On a CUDA device the words are those of the CPU. Run with `pytest -m gpu` where there is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import malsori

pytestmark = pytest.mark.gpu
SAMPLES = Path(__file__).parent.parent / "samples"


@pytest.mark.parametrize("model", ["nano-ctc-ko", "nano-whisper"])
def test_cuda_hears_what_the_sample_says(model: str) -> None:
    heard = malsori.load(model, device="cuda").transcribe(SAMPLES / "korean.wav", language="ko")
    assert heard.text == (SAMPLES / "korean.txt").read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("model", ["nano-ctc-ko", "nano-whisper"])
def test_cuda_and_cpu_give_the_same_hidden_states(model: str) -> None:
    on_cpu, on_cuda = (malsori.load(model, device=device).embed(SAMPLES / "korean.wav") for device in ("cpu", "cuda"))
    cosine = (on_cpu * on_cuda).sum() / (np.linalg.norm(on_cpu) * np.linalg.norm(on_cuda))
    assert cosine > 0.999  # int8 scales are taken per row, and kernels differ
