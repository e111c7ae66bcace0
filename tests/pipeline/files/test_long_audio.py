"""Long recordings through the small Korean bundle, with real speech and real silence; two hours of it when asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.long_audio import GROWTH, Case, cases, transcribe, write_wav
from malsori.audio import decode
from malsori.pipeline.files.stretches import pieces_of
from malsori.types import SAMPLE_RATE
from malsori.vad import GateOptions, SileroDetector


@pytest.fixture(scope="module")
def kinds() -> dict[str, Case]:
    return {case.name: case for case in cases()}


def test_a_sound_is_written_over_and_over(tmp_path: Path):
    sound = np.linspace(-0.5, 0.5, SAMPLE_RATE, dtype=np.float32)
    write_wav(tmp_path / "a.wav", sound, 0.04)
    written = decode(tmp_path / "a.wav").samples
    np.testing.assert_allclose(written, np.resize(sound, round(2.4 * SAMPLE_RATE)), atol=1e-4)


def test_speech_whose_pauses_are_cut_out_is_one_stretch_to_the_gate(kinds: dict[str, Case]):
    sound = np.resize(kinds["speech without a pause, gate on"].sound, 50 * SAMPLE_RATE)
    (piece,) = pieces_of(np.split(sound, 50), SileroDetector(), GateOptions(max_speech_s=120.0))
    assert piece.span.seconds > 49


@pytest.mark.slow
@pytest.mark.parametrize("name", ["speech, gate on", "speech without a pause, gate on", "noise, gate off"])
def test_two_hours_take_the_memory_of_ten_minutes(kinds: dict[str, Case], name: str, tmp_path: Path):
    """Some minutes a kind of sound."""
    found = {}
    for minutes in (10, 120):
        write_wav(tmp_path / "sound.wav", kinds[name].sound, minutes)
        found[minutes] = transcribe(tmp_path / "sound.wav", vad=kinds[name].vad)
    assert found[120]["duration"] == 7_200
    assert found[120]["peak"] < found[10]["peak"] + GROWTH
    assert found[120]["segments"] == pytest.approx(12 * found[10]["segments"], rel=0.05)
