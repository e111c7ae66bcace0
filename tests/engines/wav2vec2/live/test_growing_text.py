"""The text of an utterance that is not over: what is called stable is a prefix of every later text."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.engines.ctc.decoder import greedy
from malsori.engines.ctc.vocabulary import Vocabulary
from malsori.engines.ctc.words import words_of
from malsori.engines.wav2vec2.live.ctc_session import HALF_SYLLABLES, GrowingText, attaches
from malsori.joining import written
from tests.shipped import ROOT

JAMO = Vocabulary.read(ROOT / "models" / "nano-ctc-ko", "<pad>", "|")
LETTERS = (
    *"abeoAZ 가각한東のっー",
    *"ᄀᄒ아ᅩᆨᆫᇂ",
    "\u0301",
    "\u0323",
    "\u0302",
    "é",
    "ậ",
    "ক",
    "\u09c7",
    "\u09be",
    "th",
    "e\u0301",
    "\u3000",
)
SPECIAL = ("<pad>", "|", "<unk>")


def one_hot(tokens, size):
    return np.eye(size, dtype=np.float32)[np.array(tokens, np.intp)].reshape(-1, size)


def grown(vocabulary, tokens, cuts):
    """Return what is heard at each cut `(committed, ahead)` of the frames that say `tokens`."""
    text, done, heard = GrowingText(vocabulary), 0, []
    for committed, ahead in cuts:
        until = max(done, committed)
        rows = one_hot(tokens[done : max(until, ahead)], len(vocabulary))
        heard.append(text.take(rows[: until - done], rows[until - done :]))
        done = until
    return heard


def whole(vocabulary, tokens):
    found = greedy(one_hot(tokens, len(vocabulary)), vocabulary.blank)
    return written(words_of(found, vocabulary))


@st.composite
def utterances(draw):
    """A vocabulary, what the frames say by the end, and how far they are committed, and heard, at each step.

    What the frames ahead say may be other than what they say in the end.
    """
    if draw(st.booleans()):
        vocabulary = JAMO
    else:
        letters = draw(st.lists(st.sampled_from(LETTERS), min_size=1, unique=True))
        vocabulary = Vocabulary.build((*SPECIAL, *letters), "<pad>", "|")
    frames = draw(st.lists(st.integers(0, len(vocabulary) - 1), max_size=25))
    steps = sorted(draw(st.lists(st.integers(0, len(frames)), max_size=6)))
    ahead = [draw(st.lists(st.integers(0, len(vocabulary) - 1), max_size=4)) for _ in steps]
    return vocabulary, frames, list(zip(steps, ahead, strict=True))


@settings(max_examples=600)
@given(utterances())
def test_what_is_stable_is_a_prefix_of_every_later_text(utterance):
    vocabulary, frames, steps = utterance
    text, done, heard = GrowingText(vocabulary), 0, []
    for until, ahead in steps:
        size = len(vocabulary)
        heard.append(text.take(one_hot(frames[done:until], size), one_hot(ahead, size)))
        done = until
    heard.append(text.take(one_hot(frames[done:], len(vocabulary)), one_hot([], len(vocabulary))))
    for index, each in enumerate(heard):
        assert all(later.text.startswith(each.stable) for later in heard[index:])
        assert all(later.stable.startswith(each.stable) for later in heard[index:])
    behind = HALF_SYLLABLES.sub("", whole(vocabulary, frames)[len(heard[-1].stable) :])
    assert heard[-1].text == heard[-1].stable + behind.rstrip()


def test_a_syllable_is_held_back_until_nothing_can_join_it():
    tokens = [JAMO.tokens.index(letter) for letter in unicodedata.normalize("NFD", "시온")] + [JAMO.tokens.index("|")]
    stable = [heard.stable for heard in grown(JAMO, tokens, [(count, count) for count in range(1, 7)])]
    assert stable == ["", "", "시", "시", "시온", "시온"]


def test_a_word_is_stable_with_its_delimiter_even_if_its_last_syllable_is_open():
    tokens = [JAMO.tokens.index(letter) for letter in unicodedata.normalize("NFD", "나") + "|"]
    assert [heard.stable for heard in grown(JAMO, tokens, [(2, 2), (3, 3)])] == ["", "나"]


def test_where_no_letter_has_marks_the_last_letter_is_stable_at_once():
    vocabulary = Vocabulary.build((*SPECIAL, "가", "나"), "<pad>", "|")
    assert grown(vocabulary, [3, 0, 4], [(3, 3)])[0].stable == "가나"


def test_what_is_ahead_is_shown_and_forgotten():
    vocabulary = Vocabulary.build((*SPECIAL, "a", "b"), "<pad>", "|")
    text = GrowingText(vocabulary)
    heard = text.take(one_hot([3], 5), one_hot([3, 0, 3, 1, 4], 5))
    assert (heard.stable, heard.text) == ("a", "aa b")
    assert text.take(one_hot([4], 5), one_hot([], 5)).text == "ab"


@pytest.mark.parametrize(
    ("token", "expected"), [("ᅡ", True), ("ᆨ", True), ("\u0301", True), ("ᄀ", False), ("a", False), ("", False)]
)
def test_accents_vowels_and_finals_attach_to_what_is_before_them(token, expected):
    assert attaches(token) is expected
