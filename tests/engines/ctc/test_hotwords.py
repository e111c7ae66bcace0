"""Hot words: what they gain while they are spelled, which vocabularies can spell them, and real errors mended."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.engines.base import DecodeOptions, HotWord
from malsori.engines.ctc import hotwords
from malsori.engines.ctc.beam import beam_search
from malsori.engines.ctc.hotwords import hot_words
from malsori.engines.ctc.spelling import Speller
from malsori.engines.ctc.viterbi import log_softmax
from malsori.engines.ctc.vocabulary import Vocabulary
from malsori.errors import OptionError
from tests import scoring
from tests.shipped import ctc_engine, noisy

LETTERS = Vocabulary.build(("<pad>", "<unk>", "|", "a", "b", "c"), "<pad>", "|")
JAMO = Vocabulary.build(
    ("<pad>", "|", *map(chr, range(0x1100, 0x1113)), *map(chr, range(0x1161, 0x11C3))), "<pad>", "|"
)
SYLLABLES = Vocabulary.build(("침", "실", "[UNK]", "[PAD]", "|"), "[PAD]", "|")
CAPITALS = Vocabulary.build(("<pad>", "<s>", "</s>", "<unk>", "|", *"ETAOINSHRDLUMWCFGYPBVK'XJQZ"), "<pad>", "|")


def ids(text: str) -> tuple[int, ...]:
    """Return token ids, a letter each; `|` is the delimiter and `?` the unknown token."""
    return tuple(LETTERS.tokens.index("<unk>" if letter == "?" else letter) for letter in text)


def gained(text: str, *words: HotWord) -> list[float]:
    """Return what was gained after each letter, and at the end."""
    scorer, warnings = hot_words(words, LETTERS)
    assert not warnings
    return [round(gain, 5) for gain in scoring.gained(scorer, ids(text))]


def test_a_hot_word_gains_its_weight_letter_by_letter_and_keeps_it_at_the_delimiter():
    assert gained("abc|", HotWord("abc", 6)) == [2, 4, 6, 6, 6]


def test_the_end_of_the_clip_ends_a_word_too():
    assert gained("abc", HotWord("abc", 6))[-1] == 6


def test_a_hot_word_that_breaks_off_gives_back_what_it_gained():
    assert gained("aba", HotWord("abc", 6)) == [2, 4, 0, 0]
    assert gained("ab|", HotWord("abc", 6)) == [2, 4, 0, 0]
    assert gained("ab", HotWord("abc", 6))[-1] == 0


def test_a_longer_word_is_not_the_hot_word_and_neither_is_one_that_ends_in_it():
    assert gained("abca|", HotWord("abc", 6))[-1] == 0
    assert gained("aabc|", HotWord("abc", 6))[-1] == 0


def test_a_star_also_takes_words_that_begin_so():
    assert gained("abca|", HotWord("abc*", 6)) == [2, 4, 6, 6, 6, 6]
    assert gained("cabc|", HotWord("abc*", 6))[-1] == 0


def test_each_time_it_is_said_counts():
    assert gained("ab|ab|ab", HotWord("ab", 4))[-1] == 12


def test_a_hot_word_that_begins_another_keeps_its_own_weight_when_the_longer_breaks_off():
    words = (HotWord("a", 3), HotWord("abc", 9))
    assert gained("a|", *words)[-1] == 3
    assert gained("abc|", *words)[-1] == 9
    assert gained("ab|", *words)[-1] == 0
    assert gained("abb|", HotWord("a*", 3), HotWord("abc", 9)) == [3, 6, 3, 3, 3]


def test_unknown_tokens_neither_end_a_word_nor_break_it():
    assert gained("a?b|", HotWord("ab", 4)) == [2, 2, 4, 4, 4]


def test_several_words_are_one_hot_word():
    assert gained("a|bc|", HotWord("a bc", 8))[-1] == 8
    assert gained("a||bc", HotWord("a bc", 8))[-1] == 8
    assert gained("abc|", HotWord("a bc", 8))[-1] == 0


def test_what_breaks_off_in_its_second_word_may_still_begin_another():
    words = (HotWord("a bc", 8), HotWord("ba", 5))
    assert gained("a|ba|", *words)[-1] == 5
    assert gained("a|bc|", *words)[-1] == 8
    assert gained("a|bc|", HotWord("a", 3), HotWord("a bb", 8))[-1] == 3
    assert gained("a|bb|", HotWord("a bc", 8), HotWord("bb", 5))[-1] == 5


words_of_letters = st.text("abc", min_size=1, max_size=4)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(words_of_letters, st.booleans(), st.integers(1, 20)), min_size=1, max_size=5),
    st.text("abc|", max_size=12),
)
def test_in_the_end_a_text_has_gained_the_best_hot_word_of_each_of_its_words(words, text: str):
    hot = tuple(HotWord(word + "*" * begins, float(weight)) for word, begins, weight in words)
    expected = sum(
        max((w for word, begins, w in words if said == word or (begins and said.startswith(word))), default=0)
        for said in text.split("|")
    )
    assert gained(text, *hot)[-1] == pytest.approx(expected, abs=1e-4)  # gains are float32


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1000))
def test_the_reach_of_a_token_is_never_less_than_what_it_gains(seed: int):
    rng = np.random.default_rng(seed)
    words = tuple(HotWord("".join(rng.choice(list("abc"), 3)), float(rng.integers(1, 9))) for _ in range(4))
    scorer, _ = hot_words(words, LETTERS)
    states, tokens = np.zeros(1, np.int64), np.arange(len(LETTERS))
    for _ in range(20):
        assert (scorer.gains(states, tokens) <= scorer.reach + 1e-9).all()
        states = scorer.advance(states, rng.integers(0, len(LETTERS), 1))


def test_a_hot_word_wins_over_a_likelier_reading_and_not_over_a_far_likelier_one():
    logits = np.full((4, len(LETTERS)), -9.0, np.float32)
    logits[range(4), [*ids("ab"), LETTERS.blank, *ids("b")]] = 0
    logits[3, ids("c")] = -3  # abb is e^3 times likelier than abc
    for weight, best in ((2.0, "abb"), (4.0, "abc")):
        scorer, _ = hot_words((HotWord("abc", weight),), LETTERS)
        assert beam_search(log_softmax(logits), LETTERS.blank, 16, [scorer])[0].tokens == ids(best)


def spelling(text: str, vocabulary: Vocabulary):
    """Return the ids of the tokens that spell a text, and what they cannot spell of it."""
    tokens, rest = Speller(vocabulary).tokens(text)
    return list(tokens), "".join(rest)


def test_jamo_and_syllables_spell_the_same_word_however_it_was_typed():
    typed = ("침실", unicodedata.normalize("NFD", "침실"))
    for text in typed:
        assert spelling(text, SYLLABLES) == ([0, 1], "")
        tokens, rest = spelling(text, JAMO)
        assert "".join(JAMO.tokens[token] for token in tokens) == unicodedata.normalize("NFD", "침실")
        assert rest == ""


def test_letters_are_spelled_in_the_case_that_the_vocabulary_has():
    tokens, rest = spelling("don't stop", CAPITALS)
    assert ("".join(CAPITALS.tokens[token] for token in tokens), rest) == ("DON'T|STOP", "")
    assert spelling("ABC", LETTERS) == (list(ids("abc")), "")


def test_the_longest_token_is_taken():
    vocabulary = Vocabulary.build(("<pad>", "|", "c", "h", "ch", "sch"), "<pad>", "|")
    assert spelling("schch", vocabulary) == ([5, 4], "")


def test_special_tokens_spell_nothing():
    assert spelling("<unk>", LETTERS) == ([], "<unk>")


def test_nothing_of_a_hot_word_is_left_out_or_guessed():
    assert spelling("a-b", LETTERS) == (list(ids("ab")), "-")
    assert hot_words((HotWord("a-b", 8), HotWord("a3b", 8)), LETTERS)[1] == (
        "hot words left out, the model's vocabulary has no token for: 'a-b' ('-'), 'a3b' ('3')",
    )


def test_one_warning_names_the_hot_words_left_out_and_their_characters_and_the_others_work():
    scorer, (warning,) = hot_words((HotWord("abé", 8), HotWord("c", 2), HotWord("*", 2)), LETTERS)
    assert "'abé' ('é')" in warning
    assert "'*' (nothing to hear)" in warning
    assert "'c'" not in warning
    assert scorer.gains(np.zeros(1, np.int64), np.array(ids("abc"))).tolist() == [[0, 0, 2]]


def test_hot_words_whose_tables_would_be_too_large_are_refused_with_both_sizes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hotwords, "CELLS", 29)
    with pytest.raises(OptionError, match=r"hotwords: expected at most 29 .* found 5 times 6; give fewer"):
        hot_words((HotWord("abc", 7.5),), LETTERS)  # before, after, and inside a word; 3 letters and 3 columns besides
    monkeypatch.setattr(hotwords, "CELLS", 30)
    assert hot_words((HotWord("abc", 7.5),), LETTERS)[1] == ()


def test_without_a_delimiter_two_words_cannot_be_spelled():
    vocabulary = Vocabulary.build(("<pad>", "a", "b"), "<pad>", "|")
    assert spelling("a b", vocabulary) == ([1, 2], " ")


@pytest.fixture(scope="module")
def engine():
    return ctc_engine()


def words_heard(engine, clips, *words: HotWord):
    heard = engine.transcribe(clips, DecodeOptions(hotwords=words))
    return [hypothesis.segments[0].text.split() for hypothesis in heard]


@pytest.mark.parametrize(("word", "below"), [("침실", 1.0), ("이십육", 3.0)])  # dB at which the model mishears it
def test_hot_words_mend_words_that_are_misheard_in_noise(engine, word, below):
    clips = noisy("korean", 8, below=below)
    missed = [index for index, words in enumerate(words_heard(engine, clips)) if word not in words]
    assert len(missed) >= 3
    heard = words_heard(engine, [clips[index] for index in missed], HotWord(word, 8.0))
    assert sum(word in words for words in heard) >= len(missed) - 1


def test_a_hot_word_that_is_not_said_is_not_heard(engine):
    clips = noisy("korean", 4, below=4)
    for words in words_heard(engine, clips, HotWord("거실", 8.0), HotWord("내일", 8.0)):
        assert not {"거실", "내일"} & set(words)
