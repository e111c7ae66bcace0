"""A language model beside the sound: the protocol with a small one of our own, and KenLM where it is installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from math import log
from pathlib import Path

import numpy as np
import pytest

from malsori.engines.base import DecodeOptions
from malsori.engines.ctc.beam import beam_search
from malsori.engines.ctc.language_model import UNKNOWN, WordScorer, open_language_model
from malsori.engines.ctc.options import CtcOptions
from malsori.engines.ctc.viterbi import log_softmax
from malsori.engines.ctc.vocabulary import Vocabulary
from malsori.errors import MissingDependency, OptionError
from tests.scoring import gained
from tests.shipped import ROOT, ctc_engine, noisy

VOCABULARY = Vocabulary.build(("<pad>", "<unk>", "|", "a", "b", "ᄀ", "ᅡ"), "<pad>", "|")
needs_kenlm = pytest.mark.skipif(find_spec("kenlm") is None, reason="the package kenlm is not installed")

TRIGRAM = """\\data\\
ngram 1=6
ngram 2=5
ngram 3=2

\\1-grams:
-3.0\t<unk>
-99\t<s>\t-0.3
-1.0\t</s>
-1.0\ta\t-0.3
-1.0\tb\t-0.3
-1.0\t가\t-0.3

\\2-grams:
-0.5\t<s> a\t-0.2
-0.5\ta a\t-0.2
-0.5\ta b\t-0.2
-0.5\tb </s>
-0.5\ta </s>

\\3-grams:
-0.1\t<s> a b
-2.0\t<s> a a

\\end\\
"""


HOME = """\\data\\
ngram 1=9
ngram 2=7
ngram 3=5

\\1-grams:
-6.0\t<unk>
-99\t<s>\t-0.3
-1.0\t</s>
-1.0\t침실\t-0.3
-1.0\t온도를\t-0.3
-1.0\t이십육\t-0.3
-1.0\t도로\t-0.3
-1.0\t맞춰\t-0.3
-1.0\t주세요\t-0.3

\\2-grams:
-0.5\t<s> 침실\t-0.2
-0.5\t침실 온도를\t-0.2
-0.5\t온도를 이십육\t-0.2
-0.5\t이십육 도로\t-0.2
-0.5\t도로 맞춰\t-0.2
-0.5\t맞춰 주세요\t-0.2
-0.5\t주세요 </s>

\\3-grams:
-0.2\t<s> 침실 온도를
-0.2\t침실 온도를 이십육
-0.2\t온도를 이십육 도로
-0.2\t이십육 도로 맞춰
-0.2\t도로 맞춰 주세요

\\end\\
"""


def ids(text: str) -> list[int]:
    return [VOCABULARY.tokens.index("<unk>" if letter == "?" else letter) for letter in text]


class Counted:
    """Bigrams by hand; a state is the word before, and each question is counted."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def start(self) -> str:
        return "<s>"

    def score(self, state: str, word: str) -> tuple[float, str]:
        self.asked.append((state, word))
        return {("<s>", "a"): -1.0, ("a", "b"): -2.0}.get((state, word), -9.0), word

    def end(self, state: str) -> float:
        return -0.5 if state == "b" else -4.0


def test_a_word_is_scored_at_its_delimiter_and_the_last_one_at_the_end_with_the_sentence():
    scorer = WordScorer(Counted(), VOCABULARY, alpha=0.5, beta=0.25)
    first, second = 0.5 * -1.0 + 0.25, 0.5 * -2.0 + 0.25
    whole = first + second + 0.5 * -0.5
    assert gained(scorer, ids("a|b")) == pytest.approx([0, first, first, whole])
    assert gained(scorer, ids("a|b|"))[-1] == pytest.approx(whole)


def test_delimiters_without_a_word_between_them_cost_nothing():
    scorer = WordScorer(Counted(), VOCABULARY, 1.0, 0.0)
    assert gained(scorer, ids("||a||b")) == pytest.approx([0, 0, 0, -1, -1, -1, -3.5])


def test_silence_costs_only_the_end_of_the_sentence():
    assert gained(WordScorer(Counted(), VOCABULARY, 1.0, 5.0), ids("")) == [-4.0]


def test_unknown_tokens_are_no_part_of_a_word_and_jamo_reach_the_model_as_syllables():
    model = Counted()
    gained(WordScorer(model, VOCABULARY, 1.0, 0.0), ids("?ᄀ?ᅡ|?|"))
    assert model.asked == [("<s>", "가")]


class Remembering(Counted):
    """Its state is all that was said, so that no two sequences of words ask the same."""

    def start(self) -> str:
        return ""

    def score(self, state: str, word: str) -> tuple[float, str]:
        return super().score(state, word)[0], f"{state} {word}"


def test_a_word_is_asked_for_once_however_often_the_beam_ends_it():
    model = Remembering()
    logits = np.random.default_rng(0).normal(0, 1, (40, len(VOCABULARY))).astype(np.float32)
    beam_search(log_softmax(logits), VOCABULARY.blank, 8, [WordScorer(model, VOCABULARY, 0.5, 1.5)])
    assert len(model.asked) > 40
    assert len(model.asked) == len(set(model.asked))


def ambiguous() -> np.ndarray:
    """Return frames that say `a|a`, and, e^2 times less likely, `a|b`."""
    logits = np.full((3, len(VOCABULARY)), -12.0, np.float32)
    logits[range(3), ids("a|a")] = 0
    logits[2, ids("b")] = -2
    return log_softmax(logits)


def test_a_language_model_changes_the_decision_as_its_weight_says():
    for alpha, best in ((0.0, "a|a"), (0.1, "a|a"), (1.0, "a|b")):
        scorer = WordScorer(Counted(), VOCABULARY, alpha, 0.0)
        assert list(beam_search(ambiguous(), VOCABULARY.blank, 16, [scorer])[0].tokens) == ids(best)


@pytest.fixture
def trigram(tmp_path: Path) -> Path:
    path = tmp_path / "small.arpa"
    path.write_text(TRIGRAM, encoding="utf-8")
    return path


@needs_kenlm
class TestKenLM:
    def test_words_and_the_sentence_end_have_the_probabilities_of_the_file(self, trigram: Path):
        model = open_language_model(trigram)
        first, behind_a = model.score(model.start(), "a")
        second, behind_b = model.score(behind_a, "b")
        assert (first, second) == pytest.approx((-0.5 * log(10), -0.1 * log(10)), rel=1e-5)
        assert model.end(behind_b) == pytest.approx((-0.2 - 0.5) * log(10), rel=1e-5)  # backs off to `b </s>`

    def test_an_unknown_word_costs_what_the_file_says_and_never_everything(self, trigram: Path):
        model = open_language_model(trigram)
        assert model.score(model.start(), "zebra")[0] == pytest.approx(-3.3 * log(10), rel=1e-5)
        trigram.write_text(TRIGRAM.replace("-3.0\t<unk>", "-80\t<unk>"), encoding="utf-8")
        model = open_language_model(trigram)
        assert model.score(model.start(), "zebra")[0] == UNKNOWN

    def test_a_word_is_known_in_the_case_of_the_file(self, trigram: Path):
        model = open_language_model(trigram)
        assert model.score(model.start(), "A")[0] == model.score(model.start(), "a")[0]

    def test_a_trigram_changes_the_decision(self, trigram: Path):
        assert list(beam_search(ambiguous(), VOCABULARY.blank, 16)[0].tokens) == ids("a|a")
        scorer = WordScorer(open_language_model(trigram), VOCABULARY, 0.5, 1.5)
        assert list(beam_search(ambiguous(), VOCABULARY.blank, 16, [scorer])[0].tokens) == ids("a|b")

    def test_a_file_is_read_once_until_it_changes(self, trigram: Path):
        first = open_language_model(trigram)
        assert open_language_model(trigram) is first
        trigram.write_text(TRIGRAM.replace("-0.1\t<s> a b", "-0.25\t<s> a b"), encoding="utf-8")
        assert open_language_model(trigram) is not first

    @pytest.mark.parametrize("content", [b"", b"just text\n", TRIGRAM.encode()[:90], bytes(range(256)) * 64])
    def test_a_file_that_is_no_model_or_a_part_of_one_is_named(self, tmp_path: Path, content: bytes):
        (tmp_path / "broken.arpa").write_bytes(content)
        with pytest.raises(OptionError, match=r"broken\.arpa: expected a KenLM language model, ARPA or binary"):
            open_language_model(tmp_path / "broken.arpa")

    def test_it_mends_real_words_that_are_misheard_in_noise(self, tmp_path: Path):
        engine = ctc_engine()
        (tmp_path / "korean.arpa").write_text(HOME, encoding="utf-8")
        clips = noisy("korean", 8, below=3)
        right = (ROOT / "samples" / "korean.txt").read_text("utf-8").strip()
        options = DecodeOptions(ctc=CtcOptions(tmp_path / "korean.arpa"))
        alone, together = (
            [hypothesis.segments[0].text == right for hypothesis in engine.transcribe(clips, used)]
            for used in (DecodeOptions(beam_size=16), options)
        )
        assert sum(together) >= sum(alone) + 2


@pytest.mark.parametrize(("name", "found"), [("none.arpa", "No such file"), (".", "no regular file"), ("\0", "null")])
def test_what_is_no_file_is_named_with_what_was_expected(tmp_path: Path, name: str, found: str):
    with pytest.raises(OptionError, match=f"expected a KenLM language model, ARPA or binary, found .*{found}"):
        open_language_model(tmp_path / name)


def test_without_the_package_the_line_that_installs_it_is_told(trigram: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "kenlm", None)
    with pytest.raises(MissingDependency, match=r"pip install 'malsori\[lm\]'"):
        open_language_model(trigram)
