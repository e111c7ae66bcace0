"""Two stages: Silero's answers where WebRTC hears something, silence elsewhere, whatever the cut; and names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.audio import decode
from malsori.errors import OptionError
from malsori.types import Span
from malsori.vad import (
    DETECTORS,
    Detector,
    SileroDetector,
    TwoStageDetector,
    WebRtcDetector,
    detector_named,
    speech_spans,
)
from tests.sounds import recording, tone

FRAME = 512
SECOND = 16_000


def probabilities(detector: Detector, samples: np.ndarray, edges: list[int] | None = None) -> np.ndarray:
    parts = [detector.push(part) for part in np.split(samples, sorted(edges or []))]
    return np.concatenate([*parts, detector.flush()])


def quiet(seconds: float) -> np.ndarray:
    """Return digital silence."""
    return np.zeros(round(seconds * SECOND), np.float32)


def hiss(seconds: float, level: float = 1e-3) -> np.ndarray:
    """Return what a quiet room sounds like."""
    return np.random.default_rng(2).normal(0, level, round(seconds * SECOND)).astype(np.float32)


def loud(seconds: float) -> np.ndarray:
    """Return buzzing that WebRTC takes for speech, and that moves Silero."""
    samples: np.ndarray = sum(tone(seconds, hertz=120 * h) / h for h in range(1, 12)) * tone(seconds, hertz=2.5)
    return np.clip(samples, -1, 1).astype(np.float32)


COMES_AND_GOES = np.concatenate([hiss(1.5), loud(0.7), hiss(0.6), loud(0.3), hiss(2), loud(0.4), hiss(0.333)])


@settings(max_examples=40, deadline=None)
@given(edges=st.lists(st.integers(0, len(COMES_AND_GOES)), max_size=30))
def test_any_chunking_gives_the_same_probabilities(edges: list[int]) -> None:
    whole = probabilities(TwoStageDetector(), COMES_AND_GOES)
    assert len(whole) == -(-len(COMES_AND_GOES) // FRAME)
    found = probabilities(TwoStageDetector(), COMES_AND_GOES, edges)
    np.testing.assert_array_equal(found == 0, whole == 0)
    # float32 kernels sum in another order for other batch sizes; a probability is far coarser than that
    np.testing.assert_allclose(found, whole, atol=1e-5)


@pytest.mark.parametrize("block", [1, 160, 320, 480, 511, 512, 513, 8_000])
def test_blocks_of_one_size_give_the_same_probabilities(block: int) -> None:
    samples = COMES_AND_GOES[SECOND : 3 * SECOND]
    whole = probabilities(TwoStageDetector(), samples)
    found = probabilities(TwoStageDetector(), samples, list(range(block, len(samples), block)))
    np.testing.assert_allclose(found, whole, atol=1e-5)


def test_silero_sleeps_while_the_room_is_quiet_and_the_answer_is_silence() -> None:
    detector = TwoStageDetector()
    assert not detector.push(quiet(60)).any()
    assert detector.listened == 0
    detector.reset()
    assert not detector.push(hiss(20))[FRAME:].any()
    assert detector.listened < 31  # WebRTC needs the beginning to learn what the room sounds like


def test_silero_wakes_with_what_webrtc_hears_and_sleeps_again_soon_after() -> None:
    heard = probabilities(TwoStageDetector(), np.concatenate([quiet(2), loud(1), quiet(3)]))
    awake = np.flatnonzero(heard) * FRAME / SECOND
    assert 1.97 <= awake.min() <= 2.1
    assert 3.2 <= awake.max() <= 3.7


def test_after_a_nap_shorter_than_the_warm_up_it_is_as_if_silero_had_not_slept() -> None:
    samples = np.concatenate([loud(0.5), quiet(0.75), loud(0.5)])
    found, alone = probabilities(TwoStageDetector(), samples), probabilities(SileroDetector(), samples)
    slept = found == 0
    assert 3 < slept[10:].sum() < 16
    np.testing.assert_allclose(found[~slept], alone[~slept], atol=1e-5)


def test_after_a_long_nap_silero_is_warmed_by_the_sound_just_before() -> None:
    samples = decode(recording("formats/crispasr_jfk.wav")).samples
    long = np.concatenate([hiss(10), samples])
    found, alone = probabilities(TwoStageDetector(), long), probabilities(SileroDetector(levelled=False), long)
    first = int(np.flatnonzero(found > 0.5)[0])
    assert abs(first - int(np.flatnonzero(alone > 0.5)[0])) <= 2
    awake = found > 0
    awake[: 10 * SECOND // FRAME] = False
    assert np.abs(found - alone)[awake].mean() < 0.05


@pytest.mark.parametrize("name", ["formats/crispasr_jfk.wav", "vad/silero_test.flac", "vad/whisperkit_VADAudio.flac"])
def test_the_spans_of_a_recording_are_those_of_silero_alone_within_a_tenth_of_a_second(name: str) -> None:
    samples = decode(recording(name)).samples
    alone, found = (
        _covered(speech_spans(samples, each()), len(samples)) for each in (SileroDetector, TwoStageDetector)
    )
    assert (alone != found).sum() <= 0.02 * alone.sum()
    assert alone.any()


def _covered(spans: list[Span], size: int) -> np.ndarray:
    covered = np.zeros(size, bool)
    for span in spans:
        covered[span.start : span.stop] = True
    return covered


def test_a_flushed_or_reset_detector_starts_over() -> None:
    detector = TwoStageDetector()
    first = probabilities(detector, COMES_AND_GOES)
    detector.push(COMES_AND_GOES[: 2 * SECOND + 77])
    detector.reset()
    np.testing.assert_array_equal(probabilities(detector, COMES_AND_GOES), first)


@pytest.mark.parametrize("length", [512, 1_000])
def test_a_callers_block_may_be_used_again(length: int) -> None:
    detector, whole = TwoStageDetector(), probabilities(TwoStageDetector(), COMES_AND_GOES)
    block, parts = np.zeros(length, np.float32), []
    for start in range(0, len(COMES_AND_GOES), length):
        size = len(COMES_AND_GOES[start : start + length])
        block[:size] = COMES_AND_GOES[start : start + length]
        parts.append(detector.push(block[:size]))
    np.testing.assert_allclose(np.concatenate([*parts, detector.flush()]), whole, atol=1e-5)


def test_nothing_gives_no_probabilities() -> None:
    assert probabilities(TwoStageDetector(), np.zeros(0, np.float32)).shape == (0,)


@pytest.mark.parametrize(("name", "kind"), DETECTORS.items())
def test_detectors_have_names(name: str, kind: type) -> None:
    assert detector_named(name) is kind
    assert isinstance(detector_named(name)(), kind)


@pytest.mark.parametrize("name", ["energy", "", None, ["silero"]])
def test_an_unknown_detector_is_an_error_that_lists_those_there_are(name: object) -> None:
    with pytest.raises(OptionError, match="there are silero, two-stage, webrtc"):
        detector_named(name)  # type: ignore[arg-type]


def test_webrtc_takes_frames_of_three_lengths_and_no_others() -> None:
    assert [WebRtcDetector(1, length).frame for length in (10, 20, 30)] == [160, 320, 480]
    assert len(WebRtcDetector(1, 10).push(tone(1))) == 100
    with pytest.raises(OptionError, match="10, 20 and 30 ms, not 15"):
        WebRtcDetector(1, 15)
