"""Figures of a comparison: the same recordings for all, Korean without spaces, and a baseline without transcripts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from malsori.compare.conclusions import conclusions, remarks, unsurpassed
from malsori.compare.model_task import HeardRecording
from malsori.compare.scoring import score, surely_more, text_errors
from tests.compare.made import comparison, outcome


def test_a_space_that_is_missing_in_korean_is_no_error_without_spaces():
    errors = text_errors("침실 온도를 맞춰", "침실온도를 맞춰")
    assert (errors.words.edits, errors.words.characters) == (2, 3)
    assert (errors.characters.edits, errors.characters.characters) == (1, 9)
    assert (errors.unspaced.edits, errors.unspaced.characters) == (0, 7)


def test_errors_speed_and_real_time_factor_are_over_all_recordings():
    made = comparison(["a b c d", "e f"], outcome("one", "a b c x", "e f", seconds=2.0))
    figures = score(made)["one"]
    assert figures.said is not None
    assert figures.said.words.rate == pytest.approx(1 / 6)
    assert (figures.rtf, figures.rtfx) == (pytest.approx(0.2), pytest.approx(5.0))


def test_a_recording_that_one_model_did_not_hear_counts_for_none_and_is_told():
    whole = outcome("whole", "a b", "c d x")
    lame = outcome("lame", "a b", "")
    lame = replace(lame, heard=(lame.heard[0], HeardRecording(1, error="clip1.wav: too loud")))
    made = comparison(["a b", "c d"], whole, lame)
    assert made.counted == (0,)
    figures = score(made)
    assert figures["whole"].said is not None
    assert figures["whole"].said.words.edits == 0
    told = " ".join(remarks(made, figures))
    assert "clip1.wav is not in the figures: lame did not hear it, clip1.wav: too loud" in told


def test_a_model_that_failed_has_no_figures_and_takes_none_from_the_others():
    made = comparison(["a b"], outcome("dead", trouble="dead: it died"), outcome("well", "a b"))
    assert list(score(made)) == ["well"]
    assert made.counted == (0,)
    assert "No figures: dead: it died" in remarks(made, score(made))


def test_without_transcripts_the_others_are_compared_with_the_first_model():
    made = comparison([None, None], outcome("first", "a b", "c d"), outcome("second", "a x", "c d"))
    figures = score(made)
    assert not made.scored
    assert figures["second"].said is None
    assert figures["second"].differing is not None
    assert figures["second"].differing.words.rate == pytest.approx(0.25)
    assert not any("Fewest errors" in line for line in conclusions(made, figures))


def test_errors_are_of_the_recordings_of_which_it_is_known_what_was_said():
    made = comparison(["a b", None], outcome("first", "a b", "x y"), outcome("second", "a b", "z y"))
    figures = score(made)
    assert figures["second"].said is not None
    assert figures["second"].said.words.edits == 0
    assert any("of 1 recording it is not known" in line.lower() for line in remarks(made, figures))


def test_nothing_said_and_something_heard_is_an_error():
    made = comparison(["", "a b"], outcome("one", "thanks for watching", "a b"))
    said = score(made)["one"].said
    assert said is not None
    assert (said.words.edits, said.words.characters) == (3, 2)


def test_the_choice_is_between_those_that_no_other_surpasses():
    quick = outcome("quick", "a b c x", seconds=0.5)
    good = outcome("good", "a b c d", seconds=2.0)
    beaten = outcome("beaten", "a b c x", seconds=3.0)
    made = comparison(["a b c d"], quick, good, beaten)
    figures = score(made)
    assert [model.label for model in unsurpassed(made, figures)] == ["quick", "good"]
    lines = conclusions(made, figures)
    assert lines[0] == "Fewest errors: good, WER 0.0 %; that quick and beaten made more may be chance."
    assert lines[1] == "Quickest: quick (20x)."
    assert lines[-1].startswith("By these figures the choice is between quick and good: ")


def test_a_model_that_hears_more_than_half_wrong_is_no_choice_however_quick():
    made = comparison(["a b c"], outcome("deaf", "x y z", seconds=0.1), outcome("good", "a b c", seconds=2.0))
    figures = score(made)
    assert [model.label for model in unsurpassed(made, figures)] == ["good"]
    assert conclusions(made, figures) == []
    assert "deaf heard more than half wrong, and so cannot be chosen." in remarks(made, figures)


def test_few_words_are_told():
    made = comparison(["a b"], outcome("one", "a b"))
    assert remarks(made, score(made)) == [
        "Only 2 words were said: small differences are chance (one word is 50.0 percent points)."
    ]


def test_a_single_model_without_transcripts_is_compared_with_nothing():
    figures = score(comparison([None], outcome("one", "a b")))["one"]
    assert (figures.said, figures.differing, figures.errors(characters=False)) == (None, None, None)


@pytest.mark.parametrize(
    ("ours", "theirs", "surely"),
    [
        ([1] * 5, [0] * 5, True),
        ([1] * 4, [0] * 4, False),
        ([3, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], False),
        ([0] * 6, [1] * 6, False),
        ([2, 1, 3, 0, 2, 1, 2, 2], [0, 1, 1, 0, 0, 0, 1, 0], True),
    ],
)
def test_more_errors_are_sure_where_most_recordings_have_more(ours: list[int], theirs: list[int], surely: bool):
    assert surely_more(ours, theirs) == surely


def test_many_recordings_tell_two_models_apart():
    made = comparison(["a b c d"] * 6, outcome("good", *["a b c d"] * 6), outcome("worse", *["a b c x"] * 6))
    assert conclusions(made, score(made))[0] == "Fewest errors: good, WER 0.0 %."


def test_what_is_better_by_no_more_than_chance_surpasses_nothing():
    made = comparison(["a b"], outcome("one", "a b", seconds=1.0), outcome("two", "a x", seconds=1.05))
    assert [model.label for model in unsurpassed(made, score(made))] == ["one", "two"]
