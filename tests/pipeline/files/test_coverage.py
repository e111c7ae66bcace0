"""What became of each second: all that is decoded was read or left out, and the reason is the right one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import malsori
from malsori.engines.base import DecodeOptions
from malsori.pipeline import Transcriber
from malsori.pipeline.clip import Clip
from malsori.pipeline.files.coverage import common, covered, merged, minus, passed_over, total
from malsori.pipeline.files.mending import Mender
from malsori.pipeline.files.recording import Recording
from malsori.types import SAMPLE_RATE, Audio, Coverage, Hypothesis, LeftOut, Segment, Span, Transcript
from tests.loudness import LoudnessDetector, LoudnessEngine, recording
from tests.shipped import ROOT

NANO = ROOT / "models"
STEP = 0.02  # seconds to which sums agree
SETS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)).map(lambda pair: Span(pair[0], sum(pair))), max_size=6)


class Patchy(LoudnessEngine):
    """Has no words where the loudness is odd, and knows why in half of those clips; fills windows."""

    def hear(self, clip: Audio, options: DecodeOptions) -> Hypothesis:
        heard = super().hear(clip, options)
        loudness = round(float(np.abs(clip).max()) * 100)
        if loudness % 2 == 0:
            return heard
        passed = (LeftOut("made_up", (Span(0, len(clip)),)),) if loudness % 4 == 1 else ()
        return replace(heard, segments=(), passed=passed)


def used(kind: str) -> Transcriber:
    engine = Patchy("ko", kind=kind)
    engine.fills_windows = kind == "whisper"
    return Transcriber(engine, detector=LoudnessDetector)


def of(transcript: Transcript) -> Coverage:
    assert transcript.coverage is not None
    return transcript.coverage


def reasons(coverage: Coverage) -> dict[str, float]:
    return {each.why: round(each.seconds, 2) for each in coverage.left_out}


def check(transcript: Transcript) -> None:
    """Hold a transcript's coverage against itself and against its segments."""
    coverage = of(transcript)
    spans = [span for each in coverage.left_out for span in each.spans]
    assert coverage.decoded == transcript.duration
    assert coverage.read + sum(each.seconds for each in coverage.left_out) == pytest.approx(coverage.decoded, abs=STEP)
    assert total(spans) == total(merged(spans)), "some sound was left out twice"
    assert total(minus(merged(spans), [Span(0, round(coverage.decoded * SAMPLE_RATE))])) == 0
    assert all(each.spans for each in coverage.left_out)
    for segment in transcript.segments:  # what has words was read
        said = [Span(round(segment.start * SAMPLE_RATE), round(segment.end * SAMPLE_RATE))]
        unread = merged(span for each in coverage.left_out if each.why != "cut_off" for span in each.spans)
        pauses = merged(span for each in coverage.left_out if each.why == "gate" for span in each.spans)
        assert total(common(minus(unread, pauses), said)) == 0


def samples_of(some: Sequence[Span]) -> set[int]:
    return {sample for span in some for sample in range(span.start, span.stop)}


@given(SETS, SETS)
def test_sets_of_samples_are_those_of_arithmetic(some: list[Span], others: list[Span]):
    left, right = merged(some), merged(others)
    assert samples_of(left) == samples_of(some)
    assert samples_of(common(left, right)) == samples_of(some) & samples_of(others)
    assert samples_of(minus(left, right)) == samples_of(some) - samples_of(others)
    assert all(before.stop < after.start for before, after in pairwise(left))


@settings(max_examples=60, deadline=None)
@given(
    utterances=st.lists(st.tuples(st.integers(2, 60), st.floats(0.05, 40.0)), max_size=6),
    kind=st.sampled_from(["whisper", "wav2vec2-ctc"]),
    options=st.sampled_from([{}, {"vad": False}, {"clip_timestamps": [1, 4, 9]}, {"word_timestamps": True}]),
    pause=st.floats(0.1, 3.0),
)
def test_what_is_decoded_is_what_is_read_and_what_is_left_out(
    utterances: list[tuple[int, float]], kind: str, options: dict[str, Any], pause: float
):
    check(used(kind).transcribe(recording(*utterances, pause=pause), **options))


def test_pauses_are_left_out_by_the_gate_and_speech_without_words_by_the_model():
    coverage = of(used("wav2vec2-ctc").transcribe(recording((10, 2.0), (5, 3.0), (7, 4.0))))
    assert coverage.decoded == 17.0
    assert reasons(coverage) == {"gate": 6.74, "made_up": 3.4, "no_words": 4.42}  # a pause ends at a frame of 30 ms
    assert coverage.spoken == pytest.approx(17.0 - 6.74, abs=STEP)


def test_without_the_gate_nobody_says_what_is_spoken():
    coverage = of(used("whisper").transcribe(recording((10, 2.0)), vad=False))
    assert (coverage.spoken, coverage.read, coverage.left_out) == (None, 6.0, ())


def test_what_lies_outside_of_the_stretches_asked_for_is_told_as_such():
    coverage = of(used("whisper").transcribe(recording((10, 2.0)), clip_timestamps="2,4"))
    assert reasons(coverage) == {"clip_timestamps": 4.0}
    assert coverage.left_out[0].spans == (Span(0, 2 * SAMPLE_RATE), Span(4 * SAMPLE_RATE, 6 * SAMPLE_RATE))
    assert coverage.spoken is None


def test_silence_that_was_filled_in_is_not_told_as_left_out_by_the_gate():
    read = Recording(samples=10 * SAMPLE_RATE, gated=True, filled=(Span(4 * SAMPLE_RATE, 6 * SAMPLE_RATE),))
    clip = Clip.of(np.zeros(5 * SAMPLE_RATE, np.float32), Span(0, 5 * SAMPLE_RATE))
    coverage = covered(read, [(clip, Hypothesis((Segment("a", 0.0, 5.0, 0.9),), "en", 1.0))])
    assert reasons(coverage) == {"gate": 4.0, "filled": 2.0}
    assert coverage.read == 4.0


def test_a_reading_that_was_cut_off_counts_as_left_out_where_nobody_knows_how_far_it_came():
    found = Hypothesis((Segment("a", 0.0, 5.0, 0.9),), "en", 1.0, 1, (LeftOut("cut_off", (Span(16000, 80000),)),))
    assert passed_over(80_000, found) == list(found.passed)


def test_sound_between_words_counts_from_three_seconds_on():
    found = Hypothesis((Segment("a", 0.5, 2.0, 0.9), Segment("b", 4.9, 6.0, 0.9), Segment("c", 9.0, 9.5, 0.9)), "en", 1)
    (left,) = passed_over(10 * SAMPLE_RATE, found)
    assert (left.why, left.spans) == ("no_words", (Span(6 * SAMPLE_RATE, 9 * SAMPLE_RATE),))


def test_what_was_passed_over_and_then_read_again_counts_as_read():
    class Second:
        def transcribe(self, clips: Sequence[Any], *_: Any) -> list[Hypothesis]:
            silent = LeftOut("no_speech", (Span(0, 4 * SAMPLE_RATE),))
            said = Segment("said", 0.0, 5.0, 0.9, compression_ratio=1.0, window_s=30.0)
            return [
                Hypothesis((said,), "en", 1.0)
                if len(clip) == 5 * SAMPLE_RATE
                else Hypothesis((), "en", 1, 0, (silent,))
                for clip in clips
            ]

    first, second = Span(0, 5 * SAMPLE_RATE), Span(9 * SAMPLE_RATE, 13 * SAMPLE_RATE)
    parts = [Clip.of(np.zeros(len(span), np.float32), span) for span in (first, second)]
    clip = Clip(np.concatenate([part.audio for part in parts]), replace(parts[0].clock, spans=(first, second)))
    engine: Any = Second()
    whole = LeftOut("made_up", (Span(0, 9 * SAMPLE_RATE),))
    (found,) = Mender(engine, DecodeOptions()).mended([clip], [Hypothesis((), "en", 1.0, 0, (whole,))])
    left = {each.why: each.spans for each in passed_over(len(clip.audio), found)}
    assert left == {"no_speech": (Span(5 * SAMPLE_RATE, 9 * SAMPLE_RATE),)}


def test_the_report_is_in_the_json_of_every_transcript():
    found = used("whisper").transcribe(recording((10, 2.0))).to_dict()["coverage"]
    assert list(found) == ["decoded_s", "spoken_s", "read_s", "left_out"]
    assert found["left_out"] == [
        {
            "why": "gate",
            "seconds": pytest.approx(3.2, abs=0.1),
            "spans": [[0.0, pytest.approx(1.6, abs=0.05)], [pytest.approx(4.4, abs=0.05), 6.0]],
        }
    ]


@pytest.mark.parametrize(
    "options", [{}, {"vad": False}, {"clip_timestamps": [1, 3]}, {"gate": malsori.GateOptions(max_speech_s=6.0)}]
)
@pytest.mark.parametrize("model", ["nano-ctc-ko", "nano-whisper"])
def test_sums_are_right_with_both_families(model: str, options: dict[str, Any]):
    transcriber = malsori.load(NANO / model, device="cpu", threads=1)
    sound = malsori.decode(NANO.parent / "samples" / "korean.wav").samples
    silence = np.zeros(4 * SAMPLE_RATE, np.float32)
    check(transcriber.transcribe(np.concatenate([sound, silence, sound]), **options))


def test_a_window_in_which_nothing_sounds_is_told_as_inaudible():
    transcriber = malsori.load(NANO / "nano-whisper", device="cpu", threads=1)
    coverage = of(transcriber.transcribe(np.zeros(3 * SAMPLE_RATE, np.float32), vad=False))
    assert (reasons(coverage), coverage.read) == ({"inaudible": 3.0}, 0.0)


def test_a_limit_of_tokens_is_told_in_seconds():
    transcriber = malsori.load(NANO / "nano-whisper", device="cpu", threads=1)
    found = transcriber.transcribe(NANO.parent / "samples" / "korean.wav", max_new_tokens=2, language="ko", vad=False)
    check(found)
    assert reasons(of(found)).keys() == {"cut_off"}


def test_a_reading_whose_last_token_is_the_time_at_which_speech_ends_is_not_cut_off():
    transcriber = malsori.load(NANO / "nano-whisper", device="cpu", threads=1)
    said = "it will rain in jeju tomorrow"
    found = transcriber.transcribe(NANO.parent / "samples" / "english.wav", prefix=said, max_new_tokens=1)
    assert (found.text, found.warnings) == (said, ())
    assert reasons(of(found)).keys() == {"gate"}
    (warning,) = transcriber.transcribe(NANO.parent / "samples" / "english.wav", max_new_tokens=3).warnings
    assert warning.startswith("1 reading(s) ended at the most tokens")


def with_gap(path: Path, sound: Audio, at: int, gap: int) -> None:
    """Write FLAC in Matroska whose packets' times jump by `gap` samples at a sample."""
    import av

    with av.open(str(path), "w", format="matroska") as output:
        stream: Any = output.add_stream("flac", rate=SAMPLE_RATE)
        stream.layout = "mono"
        for start in range(0, len(sound), 1_600):
            block = (sound[None, start : start + 1_600] * 32_767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, start + (gap if start >= at else 0)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def test_a_gap_of_the_container_is_told_as_filled_in_and_where(tmp_path: Path):
    sound = recording((10, 2.0), (20, 2.0), pause=1.0)  # w10 at 1 s, w20 at 4 s, 7 s in all
    with_gap(tmp_path / "gap.mkv", sound, round(3.2 * SAMPLE_RATE), 5 * SAMPLE_RATE)
    found = used("wav2vec2-ctc").transcribe(tmp_path / "gap.mkv")
    check(found)
    (filled,) = [each for each in of(found).left_out if each.why == "filled"]
    assert (found.text, found.duration) == ("w10 w20", pytest.approx(12.0, abs=0.1))
    assert filled.seconds == pytest.approx(5.0, abs=0.1)
    assert filled.spans[0].start / SAMPLE_RATE == pytest.approx(3.2, abs=0.3)
