"""Readings that nobody can have spoken, amid silence: what stands, and from where the window is read on."""

import pytest

from malsori.engines.whisper.guards import anomalous, plausible
from malsori.engines.whisper.options import WhisperOptions
from malsori.engines.whisper.segments import WindowSegment
from malsori.types import Word

WATCHED = WhisperOptions(hallucination_silence_threshold=2.0)


def piece(start, end, *, probability=0.9, words=3):
    step = (end - start) / words
    spoken = tuple(
        Word("word", start + step * index, start + step * (index + 1), probability) for index in range(words)
    )
    return WindowSegment(start, end, (1, 2, 3), spoken)


SPOKEN = piece(1.0, 3.0)
DREAMT = piece(10.0, 10.2, probability=0.05)


def test_words_that_are_unlikely_and_too_short_were_not_spoken():
    assert anomalous(DREAMT)
    assert not anomalous(SPOKEN)


def test_marks_alone_say_nothing_about_it():
    assert not anomalous(WindowSegment(0.0, 0.1, (1,), (Word("...", 0.0, 0.01, 0.01),)))


def test_without_a_threshold_everything_stands():
    assert plausible([DREAMT], 0.0, 3000, 3000, 3000, WhisperOptions()) == ([DREAMT], 3000)


def test_speech_stands():
    assert plausible([SPOKEN, piece(3.2, 5.0)], 0.0, 3000, 2800, 3000, WATCHED) == (
        [SPOKEN, piece(3.2, 5.0)],
        2800,
    )


def test_a_dream_at_the_beginning_is_read_again_from_where_it_began():
    assert plausible([DREAMT], 0.0, 3000, 3000, 6000, WATCHED) == ([], 1000)


def test_a_dream_amid_silence_is_dropped_and_the_rest_read_again_from_there():
    assert plausible([SPOKEN, DREAMT], 0.0, 3000, 3000, 6000, WATCHED) == ([SPOKEN], 1000)


def test_a_dream_at_the_end_of_the_sound_ends_the_reading():
    late = piece(28.0, 28.2, probability=0.05)
    assert plausible([SPOKEN, late], 0.0, 3000, 3000, 3000, WATCHED) == ([SPOKEN], 3000)


@pytest.mark.parametrize(("begin", "stands"), [(0.0, False), (60.0, True)])
def test_only_the_recordings_own_beginning_counts_as_silence_before_a_piece(begin, stands):
    patient = WhisperOptions(hallucination_silence_threshold=5.0)
    pieces = [SPOKEN, piece(3.1, 3.2, probability=0.05), piece(10.0, 12.0)]
    kept, _ = plausible(pieces, begin, 3000, 3000, 9000, patient)
    assert kept == (pieces if stands else [SPOKEN])


@pytest.mark.parametrize("begin", [0.0, 60.0])
def test_a_strange_piece_between_others_is_left_alone(begin):
    pieces = [SPOKEN, piece(3.1, 3.2, probability=0.05), piece(3.3, 5.0)]
    assert plausible(pieces, begin, 3000, 3000, 9000, WATCHED) == (pieces, 3000)
