"""Speech for the nano models: the same arguments give the same sound, and variation keeps it usable."""

from __future__ import annotations

import random
import shutil

import numpy as np
import pytest

from export.nano.grammar import is_held_out
from export.nano.samples import ENGLISH, KOREAN, NUMBERS, SAMPLES
from export.nano.speech import HELD_OUT_VOICES, SAMPLE_RATE, VOICES, Augmenter, Corpus, speak, synthesize

needs_espeak = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")


def test_no_voice_is_both_trained_on_and_held_out() -> None:
    assert not set(VOICES) & set(HELD_OUT_VOICES)


@needs_espeak
@pytest.mark.parametrize("voice", VOICES + HELD_OUT_VOICES)
def test_every_voice_exists_and_sounds_like_itself(voice: str) -> None:
    spoken = synthesize("거실 불을 켜 주세요", f"ko+{voice}", speed=160, pitch=50)
    default = synthesize("거실 불을 켜 주세요", "ko", speed=160, pitch=50)
    assert SAMPLE_RATE < len(spoken) < 5 * SAMPLE_RATE
    assert not np.array_equal(spoken, default)  # espeak-ng falls back silently when it does not know a variant


@needs_espeak
def test_a_draw_is_a_function_of_its_seed() -> None:
    first, second = (speak(random.Random("7"), "ko", held_out=False) for _ in range(2))
    assert first.text == second.text
    np.testing.assert_array_equal(first.audio, second.audio)


@needs_espeak
def test_held_out_draws_have_held_out_sentences_and_voices() -> None:
    for utterance in Corpus.make(10, ["ko", "en"], held_out=True).utterances:
        assert is_held_out(utterance.sentence)
        assert utterance.voice in HELD_OUT_VOICES


@needs_espeak
def test_a_corpus_survives_its_file(tmp_path) -> None:
    made = Corpus.cached(tmp_path, 4, ["ko", "en"])
    read = Corpus.cached(tmp_path, 4, ["ko", "en"])
    assert [u.text for u in made.utterances] == [u.text for u in read.utterances]
    for before, after in zip(made.utterances, read.utterances, strict=True):
        np.testing.assert_array_equal(before.audio, after.audio)


@pytest.mark.parametrize("length", [400, 16_000, 37_123])
def test_variation_keeps_length_and_stays_in_range(length: int) -> None:
    tone = np.sin(np.arange(length) * 0.1).astype(np.float32)
    for seed in range(20):
        varied = Augmenter(np.random.default_rng(seed))(tone)
        assert varied.shape == tone.shape
        assert varied.dtype == np.float32
        assert np.abs(varied).max() < 1.6  # full scale and noise 10 dB below it


def test_the_shipped_samples_are_held_out_sentences_and_say_so_in_text() -> None:
    assert all(map(is_held_out, (KOREAN, ENGLISH, *NUMBERS)))
    texts = {"korean.en": [KOREAN.en], "numbers.en": [s.en for s in NUMBERS]}
    texts |= {"korean": [KOREAN.ko], "english": [ENGLISH.en], "numbers": [s.ko for s in NUMBERS]}
    for name, lines in texts.items():
        assert (SAMPLES / f"{name}.txt").read_text(encoding="utf-8").splitlines() == lines
