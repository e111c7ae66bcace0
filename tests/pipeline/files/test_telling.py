"""Segments are told while a recording is still being heard: in order, never changed, and all of them in the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.audio import decode
from malsori.errors import EngineError
from malsori.pipeline import Transcriber
from malsori.pipeline.clip import Clip
from malsori.pipeline.files.telling import SegmentTeller
from malsori.pipeline.sharing.scheduler import Scheduler
from malsori.types import SAMPLE_RATE, Hypothesis, Segment, Span
from tests.loudness import LoudnessDetector, LoudnessEngine, recording
from tests.shipped import ROOT, model

MINUTES = recording(*((10 + index % 80, 8.0) for index in range(60)), pause=2.0)  # ten of them


class Told:
    """What was told, and how many calls the engine had had by then."""

    def __init__(self, engine: LoudnessEngine | None = None) -> None:
        self.segments: list[Segment] = []
        self.calls: list[int] = []
        self._engine = engine

    def __call__(self, segments: Sequence[Segment]) -> None:
        assert segments
        self.segments += segments
        self.calls.append(len(self._engine.calls) if self._engine else 0)


@pytest.mark.parametrize("options", [{}, {"word_timestamps": True}, {"vad": False}, {"clip_timestamps": (5.0, 300.0)}])
@pytest.mark.parametrize("kind", ["whisper", "wav2vec2-ctc"])
def test_what_is_told_is_the_transcript(kind: str, options: dict[str, object]) -> None:
    used = Transcriber(LoudnessEngine("ko", kind=kind), detector=LoudnessDetector)
    told = Told()
    found = used.transcribe(MINUTES, on_segments=told, **options)
    assert tuple(told.segments) == found.segments
    assert found == used.transcribe(MINUTES, **options)


def test_a_long_recording_is_told_while_it_is_heard() -> None:
    engine = LoudnessEngine("ko")
    told = Told(engine)
    found = Transcriber(engine, detector=LoudnessDetector).transcribe(MINUTES, on_segments=told)
    assert [segment.text for segment in found.segments] == [f" w{10 + index} " for index in range(60)]
    assert sorted(set(told.calls)) == list(range(1, len(engine.calls) + 1))  # after each call what it has heard


def test_no_more_is_heard_at_a_time_than_somebody_waits_for_with_patience() -> None:
    engine = LoudnessEngine("ko")
    engine.fills_windows = True
    used = Transcriber(engine, detector=LoudnessDetector)
    used.transcribe(MINUTES, on_segments=Told())
    assert max(sum(call) for call in engine.calls) <= 120
    engine.calls.clear()
    used.transcribe(MINUTES)
    assert max(sum(call) for call in engine.calls) > 120


@pytest.mark.parametrize("name", ["nano-ctc-ko", "nano-whisper"])
def test_real_speech_is_told_as_it_is_in_the_transcript(name: str) -> None:
    sample = decode(ROOT / "samples" / "korean.wav").samples
    pause = np.zeros(2 * SAMPLE_RATE, np.float32)
    sound = np.concatenate([part for _ in range(round(200 * SAMPLE_RATE / len(sample))) for part in (sample, pause)])
    told: list[tuple[Segment, ...]] = []
    with Scheduler() as scheduler:
        found = (
            model(name).shared(scheduler).transcribe(sound, language="ko", on_segments=lambda some: told.append(some))
        )
    assert tuple(segment for some in told for segment in some) == found.segments
    assert len(told) > 1
    assert told[0][-1].end < 0.7 * found.duration


def test_nothing_is_told_of_a_recording_without_speech() -> None:
    told = Told()
    used = Transcriber(LoudnessEngine("ko"), detector=LoudnessDetector)
    assert used.transcribe(np.zeros(SAMPLE_RATE, np.float32), on_segments=told).text == ""
    assert told.segments == []


def test_what_was_told_before_an_error_stays_told() -> None:
    told = Told()
    used = Transcriber(LoudnessEngine("ko", poison=50), detector=LoudnessDetector)
    with pytest.raises(EngineError):
        used.transcribe(MINUTES, on_segments=told)
    assert [segment.text for segment in told.segments] == [f" w{10 + index} " for index in range(len(told.segments))]
    assert 0 < len(told.segments) <= 40


@given(st.permutations(range(8)))
@settings(max_examples=50, deadline=None)
def test_a_clip_is_told_once_all_before_it_were_heard(order: list[int]) -> None:
    clips = [Clip.of(np.zeros(SAMPLE_RATE, np.float32), Span(n * SAMPLE_RATE, (n + 1) * SAMPLE_RATE)) for n in range(8)]
    told: list[str] = []
    teller = SegmentTeller(lambda segments: told.extend(segment.text for segment in segments), words=False)
    for clip in clips:
        teller.expect(clip)
    heard: set[int] = set()
    for number in order:
        said = (Segment(f"w{number}", 0.0, 0.5, 1.0),) if number % 3 else ()
        teller.heard(clips[number], Hypothesis(said, "ko", 1.0))
        heard.add(number)
        ready = next((each for each in range(8) if each not in heard), 8)
        assert told == [f"w{each}" for each in range(ready) if each % 3]


def test_what_is_said_first_is_told_first_also_where_batches_are_made_by_length() -> None:
    engine = LoudnessEngine("ko", kind="wav2vec2-ctc")
    told = Told(engine)
    sound = recording((10, 5.0), (20, 0.5), (30, 2.0))  # of which the longest is read last by itself
    Transcriber(engine, detector=LoudnessDetector).transcribe(sound, batch_size=1, on_segments=told)
    assert told.calls == [1, 2, 3]
