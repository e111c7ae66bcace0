"""Which readings of a short window stand, and which temperatures are tried: the decisions, one by one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from malsori.engines.whisper.guards import (
    Reading,
    compression_ratio,
    is_silence,
    led_astray,
    made_up,
    nobody_speaks,
    token_budget,
    too_poor,
    wordless,
)
from malsori.engines.whisper.options import MOST_TOKENS, WhisperOptions

TIMES = 50_364  # <|0.00|>
OPTIONS = WhisperOptions()
WORDS = (100, 101, 102, 103, 104, 105)
GOOD = Reading((TIMES, *WORDS, TIMES + 150), "six words", -0.3, 0.1, 0.0, 1.2, 80)
FRAMES = 300  # 3 s


def why(reading, options=OPTIONS):
    return led_astray(reading, FRAMES, TIMES, options)


def test_a_good_reading_stands():
    assert why(GOOD) == ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"budget": len(GOOD.tokens)}, "no end"),
        ({"compression_ratio": 2.5}, "compression ratio"),
        ({"log_probability": -1.1}, "log-probability"),
        ({"tokens": (TIMES, *[7, 8, 9, 10] * 6)}, "repetition"),
        ({"tokens": (TIMES, *WORDS, TIMES + 250)}, "times"),  # 5 s, in 3 s of sound
        ({"tokens": (TIMES + 100, *WORDS, TIMES + 50)}, "times"),
    ],
)
def test_what_is_wrong_with_a_reading_is_told(change, reason):
    assert why(replace(GOOD, **change)) == reason


def test_a_reading_that_ends_at_the_callers_limit_stands():
    assert why(replace(GOOD, budget=len(GOOD.tokens)), WhisperOptions(max_new_tokens=len(GOOD.tokens))) == ""


def test_a_time_in_the_margin_behind_the_sound_is_no_fault():
    assert why(replace(GOOD, tokens=(TIMES, *WORDS, TIMES + 190))) == ""


def test_a_word_said_four_times_is_speech():
    assert why(replace(GOOD, tokens=(TIMES, 7, 7, 7, 7, TIMES + 100))) == ""


def test_thresholds_that_are_none_are_not_looked_at():
    options = WhisperOptions(compression_ratio_threshold=None, log_prob_threshold=None)
    assert why(replace(GOOD, compression_ratio=9.0, log_probability=-5.0), options) == ""


@pytest.mark.parametrize(
    ("change", "frames", "expected"),
    [
        ({"log_probability": -0.89, "no_speech_prob": 0.76}, 130, True),  # a knock, read as "Thank you very much."
        ({"log_probability": -0.89, "no_speech_prob": 0.55}, 130, True),
        ({"log_probability": -0.89, "no_speech_prob": 0.55}, 400, False),  # the same of a sentence's length
        ({"log_probability": -0.96, "no_speech_prob": 0.76}, 1369, True),  # rain, read as that
        ({"log_probability": -1.13, "no_speech_prob": 0.44}, 1766, True),  # a machine, as "Thanks for watching!"
        ({"log_probability": -1.13, "no_speech_prob": 0.39}, 1766, False),
        ({"log_probability": -0.44, "no_speech_prob": 0.85}, 831, False),  # a number that was spoken digit by digit
        ({"log_probability": -0.62, "no_speech_prob": 0.76}, 132, True),  # thanks for watching, in Japanese
        ({"log_probability": -0.3, "no_speech_prob": 0.74}, 130, False),
        ({"log_probability": -0.67, "no_speech_prob": 0.98}, 130, True),  # noise, read as "You" (tiny.en)
        ({"log_probability": -0.89, "no_speech_prob": 0.3}, 130, False),
    ],
)
def test_what_is_doubted_in_both_ways_has_no_words(change, frames, expected):
    assert made_up(replace(GOOD, **change), frames, OPTIONS) is expected


def test_without_a_threshold_nothing_is_doubted():
    doubted = replace(GOOD, log_probability=-0.89, no_speech_prob=0.9)
    assert not made_up(doubted, 130, WhisperOptions(no_speech_threshold=None))
    assert not made_up(doubted, 400, WhisperOptions(no_speech_threshold=None))
    assert not nobody_speaks(doubted, WhisperOptions(no_speech_threshold=None))


def test_whoever_asks_for_more_certainty_of_silence_gets_it_at_any_length():
    assert not made_up(
        replace(GOOD, log_probability=-0.89, no_speech_prob=0.8), 400, WhisperOptions(no_speech_threshold=0.9)
    )


@pytest.mark.parametrize(
    ("likely", "silent", "expected"), [(-0.3, 0.1, False), (-0.3, 0.45, True), (-1.6, 0.1, True), (-1.3, 0.35, False)]
)
def test_nobody_speaks_where_the_model_says_so_or_finds_no_words(likely, silent, expected):
    assert nobody_speaks(replace(GOOD, log_probability=likely, no_speech_prob=silent), OPTIONS) is expected


@given(st.integers(0, 3000))
def test_a_short_window_may_have_fewer_tokens_and_a_full_one_all(frames):
    assert token_budget(frames, OPTIONS, full=True) == MOST_TOKENS
    assert 20 <= token_budget(frames, OPTIONS, full=False) <= MOST_TOKENS


def test_without_guards_no_window_has_fewer():
    assert token_budget(100, WhisperOptions(window_guards=False), full=False) == MOST_TOKENS


def test_the_callers_limit_holds_in_every_window():
    limited = WhisperOptions(max_new_tokens=7)
    assert (token_budget(900, limited, full=False), token_budget(900, limited, full=True)) == (7, 7)


def test_silence_is_a_poor_reading_of_what_the_model_takes_for_none():
    quiet = replace(GOOD, no_speech_prob=0.9)
    assert not is_silence(quiet, OPTIONS)
    assert is_silence(replace(quiet, log_probability=-1.5), OPTIONS)
    assert not too_poor(replace(quiet, log_probability=-1.5), OPTIONS)


def test_where_no_reading_is_poor_the_model_alone_tells_silence():
    trusting = WhisperOptions(log_prob_threshold=None)
    assert is_silence(replace(GOOD, no_speech_prob=0.9), trusting)
    assert not is_silence(GOOD, trusting)


@pytest.mark.parametrize("change", [{"log_probability": -1.5}, {"compression_ratio": 3.0}])
def test_a_poor_reading_is_tried_hotter(change):
    assert too_poor(replace(GOOD, **change), OPTIONS)
    assert not too_poor(GOOD, OPTIONS)


def test_the_compression_ratio_tells_a_loop_from_speech():
    assert compression_ratio("침실 온도를 이십육 도로 맞춰 주세요 " * 8) > 2.4
    assert compression_ratio("침실 온도를 이십육 도로 맞춰 주세요") < 2.4
    assert compression_ratio("") == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"no_speech_prob": 0.96}, None),
        ({"compression_ratio": 9.0}, None),  # said over and over by somebody, or the model is lost
        ({"compression_ratio": 9.0, "no_speech_prob": 0.96}, "made_up"),
        ({"compression_ratio": 9.0, "no_speech_prob": 0.55, "log_probability": -1.2}, "made_up"),  # made up
        ({"log_probability": -1.1, "no_speech_prob": 0.7}, "no_speech"),
        ({"log_probability": -0.9, "no_speech_prob": 0.7}, "made_up"),
    ],
)
def test_silence_noise_and_a_loop_in_either_have_no_words(change, expected):
    assert wordless(replace(GOOD, **change), 3000, OPTIONS) == expected
