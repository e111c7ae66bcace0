"""Speech with known word times: espeak-ng's events and the sound agree to the sample."""

from __future__ import annotations

import ctypes
import random

import numpy as np
import pytest

from export.nano.speech import HELD_OUT_VOICES, SAMPLE_RATE
from export.nano.timed_speech import LIBRARY, PEAK, draw_timed, speak_timed


def _installed() -> bool:
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not _installed(), reason="the library of espeak-ng is not installed")
INAUDIBLE = 0.05 * PEAK  # some voices leave an echo in a pause


@pytest.mark.parametrize("voice", HELD_OUT_VOICES)
def test_a_pause_is_silent_from_the_end_of_one_word_to_the_next(voice: str) -> None:
    clip = speak_timed("오늘 서울, 대구 기온은", f"ko+{voice}", 160, 50)
    assert clip is not None
    before, after = clip.words[1:3]
    assert after.start - before.end > 0.1
    first, last = round(before.end * SAMPLE_RATE), round(after.heard_start * SAMPLE_RATE)
    assert np.abs(clip.audio[first + 16 : last - 16]).max() < INAUDIBLE
    assert np.abs(clip.audio[first - 400 : first]).max() > INAUDIBLE
    assert np.abs(clip.audio[last : last + 400]).max() > INAUDIBLE


def test_words_meet_and_what_is_heard_of_them_lies_inside() -> None:
    for seed in range(20):
        clip = draw_timed(random.Random(seed), held_out=True)
        assert [word.text for word in clip.words] == clip.text.split()
        for word in clip.words:
            assert word.start <= word.heard_start < word.heard_end <= word.end
        for before, after in zip(clip.words, clip.words[1:], strict=False):
            assert before.end == after.start


def test_words_that_espeak_takes_for_one_are_refused() -> None:
    assert speak_timed("침실 온도를 이십육 도로 맞춰 주세요", "ko+m1", 160, 50) is None


def test_a_voice_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no voice"):
        speak_timed("안녕", "xx-nobody", 160, 50)


def test_noise_is_as_strong_as_asked_and_moves_nothing() -> None:
    clip = draw_timed(random.Random(1), held_out=True)
    noisy = clip.noisy(np.random.default_rng(1), 20)
    ratio = np.mean(clip.audio**2) / np.mean((noisy.audio - clip.audio) ** 2)
    assert 10 * np.log10(ratio) == pytest.approx(20, abs=0.3)
    assert noisy.words == clip.words
