"""Segments that are told while a recording is still heard: the transcript's own, in order, as soon as they can be."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori import load
from malsori.errors import EngineError
from malsori.pipeline import Transcriber
from malsori.types import Segment
from tests.loudness import LoudnessDetector, LoudnessEngine, recording
from tests.shipped import ROOT


def transcriber(kind: str = "wav2vec2_ctc", poison: int | None = None) -> Transcriber:
    return Transcriber(LoudnessEngine("ko", kind=kind, poison=poison), detector=LoudnessDetector)


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.sampled_from([0.5, 1.0, 2.0, 5.0, 20.0]), min_size=0, max_size=12),
    batch_size=st.sampled_from([1, 2, 8]),
    words=st.booleans(),
)
def test_all_that_is_told_is_the_transcript_whatever_the_order_of_the_calls(
    lengths: list[float], batch_size: int, words: bool
) -> None:
    told: list[Sequence[Segment]] = []
    sound = recording(*((10 + index, length) for index, length in enumerate(lengths)))
    found = transcriber().transcribe(sound, batch_size=batch_size, word_timestamps=words, on_segments=told.append)
    assert tuple(segment for segments in told for segment in segments) == found.segments
    assert all(told)


def test_what_is_said_first_is_told_before_the_rest_is_heard() -> None:
    used = transcriber()
    assert isinstance(used.engine, LoudnessEngine)
    calls_before: list[int] = []
    sound = recording((10, 5.0), (20, 0.5), (30, 2.0))  # in batches by length the first one would be heard last
    used.transcribe(sound, batch_size=1, on_segments=lambda segments: calls_before.append(len(used.engine.calls)))
    assert calls_before == [1, 2, 3]


def test_a_recording_that_fails_has_told_what_was_heard_before() -> None:
    told: list[Sequence[Segment]] = []
    with pytest.raises(EngineError):
        transcriber(poison=30).transcribe(
            recording((10, 1.0), (20, 1.0), (30, 1.0)), batch_size=1, on_segments=told.append
        )
    assert [segment.text.strip() for segments in told for segment in segments] == ["w10", "w20"]


def test_an_error_of_who_listens_ends_the_run() -> None:
    def full(segments: Sequence[Segment]) -> None:
        raise LookupError("no more")

    with pytest.raises(LookupError):
        transcriber().transcribe(recording((10, 1.0)), on_segments=full)


def test_a_real_model_tells_what_it_transcribes() -> None:
    told: list[Sequence[Segment]] = []
    found = load("nano-whisper").transcribe(ROOT / "samples" / "korean.wav", on_segments=told.append)
    assert tuple(segment for segments in told for segment in segments) == found.segments != ()
