"""Greedy CTC decoding by hand-made logits whose right reading is known."""

import numpy as np
import pytest

from malsori.engines.ctc.decoder import greedy
from malsori.engines.ctc.vocabulary import Vocabulary
from malsori.engines.ctc.words import words_of
from malsori.joining import mean_probability, written

TOKENS = ("<pad>", "<s>", "</s>", "<unk>", "|", "a", "b", "<", "ᄀ", "ᅡ", "ᆨ")
VOCABULARY = Vocabulary.build(TOKENS, "<pad>", "|")


def logits_of(frames: str, tokens=TOKENS, height: float = 8.0):
    """One frame per character or token name; `-` is the blank."""
    names = ["<pad>" if name == "-" else name for name in frames.split()]
    logits = np.zeros((len(names), len(tokens)), np.float32)
    for row, name in enumerate(names):
        logits[row, tokens.index(name)] = height
    return logits


def words_in(frames: str, vocabulary=VOCABULARY):
    return words_of(greedy(logits_of(frames, vocabulary.tokens), vocabulary.blank), vocabulary)


def texts_of(frames: str, vocabulary=VOCABULARY):
    return [word.text for word in words_in(frames, vocabulary)]


def test_repeats_collapse_and_a_blank_between_them_keeps_both():
    assert texts_of("a a a - a b b") == ["aab"]


def test_the_delimiter_ends_a_word_and_several_make_no_empty_word():
    assert texts_of("| | a | - | | b |") == ["a", "b"]


def test_only_blanks_are_no_words():
    assert texts_of("- - -") == []


def test_no_frames_are_no_tokens():
    assert greedy(np.zeros((0, 5), np.float32), 0) == []


def test_special_tokens_are_dropped_and_do_not_split_a_word():
    assert texts_of("<s> a <unk> b </s> | <unk> |") == ["ab"]


def test_a_lone_angle_bracket_is_text():
    assert texts_of("a < b") == ["a<b"]


def test_special_tokens_in_square_brackets_are_dropped_too():
    vocabulary = Vocabulary.build(("[PAD]", "[UNK]", "|", "가"), "[PAD]", "|")
    assert texts_of("가 [UNK] [PAD] 가", vocabulary) == ["가가"]


def test_a_space_delimits_words_where_the_vocabulary_has_one():
    vocabulary = Vocabulary(("-", " ", "a"), 0, frozenset({1}), frozenset({0}))
    assert Vocabulary.build(("-", " ", "a"), "-", "|") == vocabulary


def test_without_a_delimiter_everything_is_one_word():
    vocabulary = Vocabulary.build(("<pad>", "a", "b"), "<pad>", "")
    assert texts_of("a <pad> b", vocabulary) == ["ab"]


def test_conjoining_jamo_are_composed_to_syllables():
    assert texts_of("ᄀ ᅡ - ᆨ | ᄀ ᅡ") == ["각", "가"]


def test_a_word_lasts_from_its_first_tokens_first_frame_to_its_last_tokens_last_frame():
    (first, second) = words_in("- a a - b b | - a -")
    assert (first.start, first.stop) == (1, 6)
    assert (second.start, second.stop) == (8, 9)


def test_a_token_is_as_probable_as_its_surest_frame():
    logits = np.log(np.array([[0.3, 0.7], [0.1, 0.9], [0.4, 0.6]], np.float32))
    (token,) = greedy(logits, blank=0)
    assert (token.start, token.stop) == (0, 3)
    assert token.probability == pytest.approx(0.9)


def test_a_word_is_as_probable_as_the_geometric_mean_of_its_tokens():
    vocabulary = Vocabulary.build(("<pad>", "a", "b"), "<pad>", "|")
    logits = np.log(np.array([[0.05, 0.9, 0.05], [0.3, 0.3, 0.4]], np.float32))
    (word,) = words_of(greedy(logits, 0), vocabulary)
    assert word.text == "ab"
    assert word.probability == pytest.approx((0.9 * 0.4) ** 0.5)


def test_large_logits_do_not_overflow_the_posterior():
    (token,) = greedy(np.array([[1e4, -1e4]], np.float32), blank=1)
    assert token.probability == 1.0


def test_mean_probability_of_none_and_of_zero():
    assert mean_probability([]) == 0.0
    assert 0 <= mean_probability([0.0, 1.0]) < 1e-10


def test_letters_of_a_script_without_spaces_are_words_and_numbers_and_names_in_it_stay_whole():
    vocabulary = Vocabulary.build(("<pad>", "|", *"東京はAI3.5です。"), "<pad>", "|")
    words = words_in("東 京 | は A I 3 . 5 で す 。", vocabulary)
    assert [(word.text, word.spaced) for word in words] == [
        ("東", True),
        ("京", False),
        ("は", True),
        ("AI3.5", False),
        ("で", False),
        ("す。", False),
    ]
    assert written(words) == "東京 はAI3.5です。"
    assert [(word.start, word.stop) for word in words[:2]] == [(0, 1), (1, 2)]
