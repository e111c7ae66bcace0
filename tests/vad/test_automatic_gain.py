"""Quiet sound is made louder before it is judged, loud sound is not touched, however both are cut."""

from __future__ import annotations

import numpy as np
import pytest

from malsori.audio import decode
from malsori.vad import SileroDetector, speech_spans
from malsori.vad.silero import MOST_GAIN, QUIET, AutomaticGain
from tests.sounds import recording

FRAME = 512


def noise(level: float, frames: int = 40, seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((frames, FRAME)) * level).astype(np.float32)


def test_loud_sound_stays_as_it_is_to_the_bit():
    frames = noise(0.1)
    assert AutomaticGain().push(frames) is frames


def test_digital_silence_stays_silent():
    assert not AutomaticGain().push(np.zeros((5, FRAME), np.float32)).any()


def test_quiet_sound_is_lifted_to_where_speech_is_known():
    lifted = AutomaticGain().push(noise(0.001))
    assert np.sqrt(np.square(lifted).mean()) == pytest.approx(QUIET, rel=0.1)


def test_hardly_anything_is_lifted_by_no_more_than_forty_decibels():
    frames = noise(1e-6)
    assert np.abs(AutomaticGain().push(frames)).max() == pytest.approx(np.abs(frames).max() * MOST_GAIN, rel=1e-5)


def test_what_is_quiet_beside_loud_speech_is_not_lifted():
    frames = np.concatenate([noise(0.1, 10), noise(0.001, 10)])
    np.testing.assert_array_equal(AutomaticGain().push(frames), frames)


def test_the_gain_does_not_depend_on_the_cuts():
    frames = np.concatenate([noise(0.002, 10), noise(0.0005, 30), noise(0.01, 5)])
    level = AutomaticGain()
    parts = [level.push(frames[start : start + 7]) for start in range(0, len(frames), 7)]
    np.testing.assert_array_equal(np.concatenate(parts), AutomaticGain().push(frames))


@pytest.mark.parametrize("decibels", [-40, -50, -60])
def test_speech_is_found_where_it_is_however_quiet(decibels):
    sound = decode(recording("en/openai_jfk.flac")).samples
    usual = speech_spans(sound, SileroDetector())
    quiet = speech_spans((sound * 10 ** (decibels / 20)).astype(np.float32), SileroDetector())
    assert len(quiet) == len(usual)
    for found, expected in zip(quiet, usual, strict=True):
        assert abs(found.start - expected.start) < 0.4 * 16_000
        assert abs(found.stop - expected.stop) < 0.2 * 16_000
