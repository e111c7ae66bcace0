"""What a reading leaves out is read again; what is then found is put where it was said, and nothing good is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from malsori.engines.base import DecodeOptions
from malsori.engines.whisper.options import WhisperOptions
from malsori.pipeline.clip import Clip, joined
from malsori.pipeline.files.mending import Mender, unheard
from malsori.types import SAMPLE_RATE, Hypothesis, Segment, Span


def stretch(start: float, stop: float) -> Clip:
    span = Span(round(start * SAMPLE_RATE), round(stop * SAMPLE_RATE))
    return Clip.of(np.zeros(len(span), np.float32), span)


def said(text: str, start: float, end: float, confidence: float = 0.9) -> Segment:
    return Segment(text, start, end, confidence, compression_ratio=1.0, window_s=30.0)


def heard(*segments: Segment) -> Hypothesis:
    return Hypothesis(segments, "en", 1.0)


class Answers:
    """An engine that has an answer for a clip of each length."""

    def __init__(self, **answers: Hypothesis) -> None:
        self.answers = answers
        self.asked: list[float] = []

    def transcribe(self, clips: Sequence[Any], options: DecodeOptions, previous: Sequence[str] = ()) -> list[Any]:
        seconds = [len(clip) / SAMPLE_RATE for clip in clips]
        self.asked += seconds
        return [self.answers.get(f"s{each:g}", heard()) for each in seconds]


def mended(engine: Answers, clip: Clip, found: Hypothesis) -> list[tuple[str, float, float]]:
    used: Any = engine
    (result,) = Mender(used, DecodeOptions()).mended([clip], [found])
    return [(segment.text, segment.start, segment.end) for segment in result.segments]


def test_a_reading_that_covers_its_clip_is_left_alone():
    engine = Answers()
    assert mended(engine, stretch(0, 10), heard(said("a", 0, 4), said("b", 5, 9))) == [("a", 0, 4), ("b", 5, 9)]
    assert engine.asked == []


def test_speech_behind_the_last_word_is_read_again_and_put_there():
    engine = Answers(s6=heard(said("more", 1, 3)))
    assert mended(engine, stretch(0, 10), heard(said("a", 0, 4))) == [("a", 0, 4), ("more", 5, 7)]
    assert engine.asked == [6]


def test_speech_between_words_is_read_again():
    engine = Answers(s5=heard(said("between", 0, 5)))
    found = heard(said("a", 0, 4), said("b", 9, 12))
    assert mended(engine, stretch(0, 12), found) == [("a", 0, 4), ("between", 4, 9), ("b", 9, 12)]


def test_an_unlikely_second_reading_stays_out_and_is_told_of():
    engine = Answers(s6=heard(said("thank you", 0, 3, confidence=0.2)))
    clip, found = stretch(0, 10), heard(said("a", 0, 4))
    assert mended(engine, clip, found) == [("a", 0, 4)]
    assert unheard(clip, found) == [(4 * SAMPLE_RATE, 10 * SAMPLE_RATE)]


def test_a_poor_reading_of_several_stretches_is_taken_apart():
    engine = Answers(s4=heard(said("one", 0, 3)), s5=heard(said("two", 1, 4)))
    found = heard(said("la la la la", 0, 9, confidence=0.1))
    assert mended(engine, joined([stretch(0, 4), stretch(8, 13)]), found) == [("one", 0, 3), ("two", 5, 8)]
    assert engine.asked == [4, 5]


def test_what_was_good_in_a_poor_reading_stays():
    engine = Answers(s4=heard(said("won", 0, 3)), s5=heard(said("two", 1, 4)))
    found = heard(said("one", 0, 3), said("la la", 4, 9, confidence=0.1))
    assert mended(engine, joined([stretch(0, 4), stretch(8, 13)]), found) == [("one", 0, 3), ("two", 5, 8)]


def test_a_poor_reading_that_no_part_betters_stays_as_it_is():
    found = heard(said("la la la la", 0, 9, confidence=0.1))
    assert mended(Answers(), joined([stretch(0, 4), stretch(8, 13)]), found) == [("la la la la", 0, 9)]


def test_several_stretches_without_a_word_are_read_apart():
    engine = Answers(s5=heard(said("two", 1, 4)))
    assert mended(engine, joined([stretch(0, 4), stretch(8, 13)]), heard()) == [("two", 5, 8)]


class Noting(Answers):
    """Notes how it is asked."""

    def transcribe(self, clips: Sequence[Any], options: DecodeOptions, previous: Sequence[str] = ()) -> list[Any]:
        self.options = options
        return super().transcribe(clips, options, previous)


def test_what_is_read_again_has_its_clips_language_and_no_prefix():
    engine: Any = Noting()
    decoding = DecodeOptions(whisper=WhisperOptions(prefix="Good morning"))
    Mender(engine, decoding).mended([stretch(0, 10)], [heard(said("Good morning", 0, 4))])
    assert (engine.options.language, engine.options.whisper.prefix) == ("en", None)
    assert engine.options.whisper.time_tokens  # which do not pass over a second language
    assert engine.options.word_timestamps


def test_nothing_is_said_twice_where_a_second_reading_overlaps_what_stands():
    engine = Answers(s10=heard(said("again", 5, 9)), s11=heard(said("new", 3, 9)))
    found = heard(said("stands", 0, 10), said("la la", 12, 21, confidence=0.1))
    clip = joined([stretch(0, 10), stretch(20, 31)])
    assert mended(engine, clip, found) == [("stands", 0, 10), ("new", 13, 19)]
