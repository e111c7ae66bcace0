"""The bundles and samples of the repository, for tests that need real words. No tests here."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from malsori import Transcriber, decode, load
from malsori.bundles import read_manifest
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine

ROOT = Path(__file__).resolve().parents[1]


@cache
def model(name: str = "nano-ctc-ko") -> Transcriber:
    """Return a shipped model, loaded once for a module of tests (`conftest.unload`)."""
    return load(str(ROOT / "models" / name))


def ctc_engine() -> Wav2Vec2Engine:
    """Return the engine of the small CTC bundle, on one thread."""
    folder = ROOT / "models" / "nano-ctc-ko"
    return Wav2Vec2Engine(folder, read_manifest(folder), device="cpu", threads=1)


@cache
def whisper_languages() -> list[str]:
    """Return the codes that faster-whisper has for the languages of a multilingual model."""
    from faster_whisper import WhisperModel

    peer = WhisperModel(str(ROOT / "models" / "nano-whisper"), device="cpu", cpu_threads=1, local_files_only=True)
    return peer.supported_languages


def noisy(name: str, count: int, below: float) -> list[NDArray[np.float32]]:
    """Return a sample `count` times over, with white noise `below` dB below the speech."""
    clip = decode(ROOT / "samples" / f"{name}.wav").samples
    level = np.sqrt(np.mean(clip**2)) * 10 ** (-below / 20)
    return [
        (clip + np.random.default_rng(seed).normal(0, level, len(clip))).astype(np.float32) for seed in range(count)
    ]
