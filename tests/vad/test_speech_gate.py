"""From sound to spans: streams and files alike, and against recordings whose speech was labelled by others."""

from __future__ import annotations

import re
import sys
from subprocess import run

import numpy as np
import pytest

from malsori.audio import decode
from malsori.types import Audio, Span
from malsori.vad import GateOptions, SileroDetector, SpeechGate, WebRtcDetector, speech_spans
from malsori.vad.detector import Framer, Probabilities
from tests.sounds import note, recording, tone

LABELLED = (
    "vad/pyaa_count.flac",
    "vad/pyaa_count2.flac",
    "vad/pyaa_diarizationExample.flac",
    "vad/pyaa_diarizationExample2.flac",
    "vad/cobra_sample.flac",
    "vad/pyannote_dev01.wav",
    "vad/pyannote_tst01.wav",
)


def labels(name: str) -> list[tuple[float, float]]:
    """Return where speech is, in seconds, as the index of the recordings says in one of its three ways."""
    words = note(name)
    if words.startswith("segments:"):
        parts = re.findall(r"([\d.]+) ([\d.]+) (\w+)", words)
        return [(float(start), float(stop)) for start, stop, kind in parts if kind not in ("silence", "noEnergy")]
    if "rttm" in words:
        return [
            (float(start), float(start) + float(length)) for start, length in re.findall(r"([\d.]+)\+([\d.]+)", words)
        ]
    return [(int(start) * 0.032, int(stop) * 0.032) for start, stop in re.findall(r"(\d+)-(\d+)", words)]


def mask(spans: list[tuple[float, float]], seconds: float) -> np.ndarray:
    """Return one truth value per 10 ms."""
    found = np.zeros(round(seconds * 100), bool)
    for start, stop in spans:
        found[round(start * 100) : round(stop * 100)] = True
    return found


def shares(name: str, spans: list[Span], seconds: float) -> tuple[float, float]:
    """Return which share of labelled speech the spans hold, and which share of the rest."""
    heard = mask([(span.start / 16_000, span.stop / 16_000) for span in spans], seconds)
    speech = mask(labels(name), seconds)[: len(heard)]
    return float(heard[speech].mean()), float(heard[~speech].mean()) if (~speech).any() else 0.0


@pytest.mark.parametrize("name", LABELLED)
def test_spans_overlap_the_labelled_speech(name: str) -> None:
    samples = decode(recording(name)).samples
    found, _ = shares(name, speech_spans(samples, SileroDetector()), len(samples) / 16_000)
    # tst01 is a meeting of faint single words, which Silero scores low; elsewhere nearly all speech is found
    assert found > (0.25 if "tst01" in name else 0.9)


@pytest.mark.parametrize("name", ["vad/pyannote_dev01.wav", "vad/pyannote_tst01.wav", "vad/cobra_sample.flac"])
def test_spans_leave_most_of_the_rest_out(name: str) -> None:
    samples = decode(recording(name)).samples
    _, false_alarm = shares(name, speech_spans(samples, SileroDetector()), len(samples) / 16_000)
    assert false_alarm < 0.35


@pytest.mark.parametrize(
    ("name", "count"),
    [("n", 0), ("nsn", 1), ("sn", 1)],
)
def test_intervals_of_speech_are_counted_as_labelled(name: str, count: int) -> None:
    samples = decode(recording(f"vad/aeneas_vad_{name}.flac")).samples
    assert len(speech_spans(samples, SileroDetector())) == count


@pytest.mark.parametrize("make", [SileroDetector, WebRtcDetector])
def test_silence_has_no_spans(make: type[SileroDetector] | type[WebRtcDetector]) -> None:
    assert speech_spans(np.zeros(160_000, np.float32), make()) == []
    assert speech_spans(decode(recording("vad/ina_silence2sec.flac")).samples, make()) == []


@pytest.mark.parametrize("number", [1, 4, 5])
def test_noise_alone_has_hardly_any_spans(number: int) -> None:
    samples = decode(recording(f"noise/speechbrain_noise{number}.flac")).samples
    found = speech_spans(samples, SileroDetector())
    assert sum(span.seconds for span in found) < 0.1 * len(samples) / 16_000


@pytest.mark.parametrize("make", [SileroDetector, WebRtcDetector])
@pytest.mark.parametrize("block", [160, 1_000, 16_001])
def test_a_stream_gives_the_spans_of_the_file(make: type[SileroDetector] | type[WebRtcDetector], block: int) -> None:
    samples = decode(recording("vad/pyaa_count2.flac")).samples
    gate = SpeechGate(make(), GateOptions(max_speech_s=2.0))
    found: list[Span] = []
    for start in range(0, len(samples), block):
        found += gate.push(samples[start : start + block])
        assert all(span.stop <= start + block for span in found)
    assert found + gate.flush() == speech_spans(samples, make(), GateOptions(max_speech_s=2.0))


class Credulous:
    """Takes everything for speech, in frames of 1,600 samples."""

    frame = 1_600

    def __init__(self) -> None:
        self.reset()

    def push(self, block: Audio) -> Probabilities:
        return np.ones(len(self._framer.push(block)), np.float32)

    def flush(self) -> Probabilities:
        rest = self.push(np.zeros(-self._framer.held % self.frame, np.float32))
        self.reset()
        return rest

    def reset(self) -> None:
        self._framer = Framer(self.frame)


def test_the_last_span_ends_with_the_clip_also_inside_a_frame() -> None:
    gate = SpeechGate(Credulous())
    for _ in range(2):  # the second clip of the same gate like the first
        assert gate.push(np.zeros(5_000, np.float32)) == []
        assert gate.flush() == [Span(0, 5_000)]


def test_a_span_that_the_last_frame_closes_ends_with_the_clip() -> None:
    # 12 frames of speech reach the longest span inside the last frame, which is cut behind it
    options = GateOptions(min_speech_ms=0, min_silence_ms=0, padding_ms=0, max_speech_s=1.2)
    assert speech_spans(np.zeros(19_000, np.float32), Credulous(), options) == [Span(0, 19_000)]


def test_a_gate_may_be_used_again_after_flush() -> None:
    samples = decode(recording("vad/aeneas_vad_nsn.flac")).samples
    gate = SpeechGate(SileroDetector())
    first = gate.push(samples) + gate.flush()
    assert gate.push(samples) + gate.flush() == first
    assert first


def test_a_stream_tells_of_speech_before_it_ends() -> None:
    samples = decode(recording("vad/aeneas_vad_nsn.flac")).samples
    gate = SpeechGate(SileroDetector())
    assert gate.push(samples[: 3 * 16_000]) == []
    assert gate.speaking
    start = gate.start
    assert [span.start for span in gate.push(samples[3 * 16_000 :]) + gate.flush()] == [start]


def test_clips_shorter_than_a_frame_are_no_trouble() -> None:
    for count in range(0, 1_100, 100):
        assert speech_spans(tone()[:count], WebRtcDetector(3)) in ([], [Span(0, count)])
        assert speech_spans(tone()[:count], SileroDetector()) == []


def test_importing_audio_and_vad_loads_no_engine_and_no_decoder() -> None:
    heavy = ["onnxruntime", "faster_whisper", "ctranslate2", "soundfile", "av", "soxr", "webrtcvad"]
    code = f"import sys, malsori.audio, malsori.vad; print([name for name in {heavy} if name in sys.modules])"
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_silero_is_found_without_loading_faster_whisper() -> None:
    code = "import sys; from malsori.vad import SileroDetector as D; D(); print('faster_whisper' in sys.modules)"
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
