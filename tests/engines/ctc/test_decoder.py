"""From logits to segments: greedy or a beam, alternatives, and the options that cannot be."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest

from malsori.engines.base import DecodeOptions, HotWord
from malsori.engines.ctc.decoder import CtcDecoder, beam_width
from malsori.engines.ctc.frames import Frames
from malsori.engines.ctc.vocabulary import Vocabulary
from malsori.errors import OptionError
from malsori.joining import written
from malsori.option import put

VOCABULARY = Vocabulary.build(("<pad>", "|", "a", "b", "c"), "<pad>", "|")
DECODER = CtcDecoder(VOCABULARY, Frames((400,), (320,)))
HOT = (HotWord("ab", 8.0),)


def logits_of(frames: str, *second: tuple[int, str, float]):
    """One frame per letter, sure of it (`-` is the blank); each of `second` is another possibility in a frame."""
    names = ["<pad>" if letter == "-" else letter for letter in frames]
    logits = np.full((len(names), len(VOCABULARY)), -12.0, np.float32)
    logits[range(len(names)), [VOCABULARY.tokens.index(name) for name in names]] = 0
    for frame, letter, height in second:
        logits[frame, VOCABULARY.tokens.index(letter)] = height
    return logits


def asked(**options):
    return put(DecodeOptions(), options)


def segment_of(logits, **options):
    (segment,) = DECODER.segments(logits, 320 * len(logits), asked(**options))
    return segment


def test_a_beam_is_as_wide_as_asked_for_and_greedy_unless_something_needs_one():
    assert beam_width(DecodeOptions()) == 1
    assert beam_width(DecodeOptions(beam_size=7)) == beam_width(DecodeOptions(beam_size=7, hotwords=HOT)) == 7
    assert beam_width(DecodeOptions(hotwords=HOT)) == beam_width(asked(language_model=Path("x"))) == 16
    assert beam_width(asked(alternatives=3)) == 16
    assert beam_width(asked(alternatives=30)) == 30


def test_a_beam_of_one_is_greedy_and_a_wider_one_sums_over_alignments():
    logits = np.full((2, len(VOCABULARY)), -12.0, np.float32)
    logits[:, 0], logits[:, 2] = np.log(0.6), np.log(0.4)
    assert DECODER.segments(logits, 640, DecodeOptions(beam_size=1)) == ()
    assert segment_of(logits, beam_size=2).text == "a"


def test_times_and_confidence_of_a_beam_are_those_of_the_chosen_texts_alignment():
    logits = logits_of("-aa|-bb-", (6, "c", 1.0))
    segment = segment_of(logits, hotwords=(HotWord("b", 8.0),), word_timestamps=True)
    assert segment.text == "a b"
    edges = [DECODER.frames.edge(frame) for frame in (1, 3, 5, 7)]
    assert [time for word in segment.words for time in (word.start, word.end)] == edges
    sure = [1 / (1 + np.exp(-12) * 4)] * 2
    assert [word.probability for word in segment.words] == pytest.approx(sure, rel=1e-3)


def test_alternatives_come_with_scores_the_chosen_text_first_and_only_when_asked_for():
    logits = logits_of("a-|b", (3, "c", -1.0), (0, "c", -3.0))
    assert segment_of(logits).alternatives == segment_of(logits, beam_size=8).alternatives == ()
    segment = segment_of(logits, alternatives=3)
    assert [each.text for each in segment.alternatives] == ["a b", "a c", "c b"]
    assert segment.alternatives[0].text == segment.text
    likeliest = -np.log(1 + np.exp(-1)) - np.log(1 + np.exp(-3))
    scores = [each.score for each in segment.alternatives]
    assert scores == pytest.approx([likeliest, likeliest - 1, likeliest - 3], abs=1e-3)
    assert [each.log_probability for each in segment.alternatives] == scores
    assert segment.to_dict()["alternatives"][1] == {
        "text": "a c",
        "score": round(scores[1], 4),
        "log_probability": round(scores[1], 4),
    }
    assert segment.shifted(1.0).alternatives == segment.alternatives
    assert "alternatives" not in segment_of(logits).to_dict()


def test_a_hot_word_is_in_the_score_and_not_in_the_log_probability():
    logits = logits_of("a-|b", (3, "c", -1.0))
    first, second = segment_of(logits, alternatives=2, hotwords=(HotWord("c", 5.0),)).alternatives
    assert (first.text, second.text) == ("a c", "a b")
    assert first.score == pytest.approx(first.log_probability + 5.0)
    assert second.score == pytest.approx(second.log_probability)


def test_texts_that_differ_in_delimiters_only_are_one_alternative_with_their_sum():
    logits = logits_of("|-|a", (0, "<pad>", 0.0))
    found = segment_of(logits, alternatives=8).alternatives
    assert len({each.text for each in found}) == len(found)
    assert found[0].log_probability == pytest.approx(0, abs=1e-3)


def test_no_frames_have_no_segment_however_they_are_decoded():
    nothing = np.zeros((0, len(VOCABULARY)), np.float32)
    for options in (DecodeOptions(), asked(hotwords=HOT, alternatives=2)):
        assert DECODER.segments(nothing, 100, options) == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_size": 0}, "beam_size: expected 1 to 256"),
        ({"beam_size": 257}, "beam_size: expected 1 to 256 for a CTC model, found 257"),
        ({"alternatives": 0}, "alternatives: expected 1 to 256, found 0"),
        ({"alternatives": 9, "beam_size": 8}, "a beam_size of 8 gives at most as many, found 9"),
        ({"beam_size": 1, "hotwords": HOT}, "hotwords needs a beam_size of 2 or more"),
        ({"beam_size": 1, "language_model": Path("x.arpa")}, "language_model needs a beam_size of 2 or more"),
        ({"language_model": Path("none.arpa")}, r"none\.arpa: expected a KenLM language model"),
        ({"hotwords": HOT * 1001}, "hotwords: expected at most 1000, found 1001"),
        ({"lm_alpha": nan}, "lm_alpha: expected a number of 0 or more, found nan"),
        ({"lm_alpha": -1.0}, "lm_alpha: expected a number of 0 or more, found -1"),
        ({"lm_beta": inf}, "lm_beta: expected a finite number, found inf"),
        ({"lm_alpha": 0.7}, "lm_alpha weighs a language model, and language_model names none"),
    ],
)
def test_what_cannot_be_decoded_with_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        DECODER.check(asked(**options))


def test_a_language_model_of_words_needs_a_vocabulary_with_a_delimiter():
    whole = replace(DECODER, vocabulary=Vocabulary.build(("<pad>", "a"), "<pad>", "|"))
    with pytest.raises(OptionError, match="no word delimiter"):
        whole.check(asked(language_model=Path("x.arpa")))


def test_hot_words_that_cannot_be_spelled_are_a_warning_and_the_others_none():
    assert DECODER.check(DecodeOptions(hotwords=HOT)) == ()
    (warning,) = DECODER.check(DecodeOptions(hotwords=(*HOT, HotWord("dab", 1.0))))
    assert "'dab' ('d')" in warning


def test_words_of_a_language_without_spaces_give_their_text_back():
    vocabulary = Vocabulary.build(("<pad>", "|", *"東京3.5"), "<pad>", "|")
    decoder = CtcDecoder(vocabulary, Frames((400,), (320,)))
    logits = np.full((9, len(vocabulary)), -12.0, np.float32)
    logits[range(9), [vocabulary.tokens.index(letter) for letter in "東京|3.5|東京"]] = 0
    (segment,) = decoder.segments(logits, 9 * 320, DecodeOptions(word_timestamps=True))
    assert segment.text == written(segment.words) == "東京 3.5 東京"
    assert [word.text for word in segment.words] == ["東", "京", "3.5", "東", "京"]
