"""What the decoder is given before it reads: orders, what was said before, and how much of it there is room for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.engines.base import DecodeOptions, HotWord
from malsori.engines.whisper.options import WhisperOptions
from malsori.engines.whisper.prompt import MOST_LEADING, Prompts
from malsori.engines.whisper.tokens import Tokens
from malsori.errors import OptionError
from tests.shipped import ROOT

BUNDLE = ROOT / "models" / "nano-whisper"


@pytest.fixture(scope="module")
def tokens():
    return Tokens.read(BUNDLE)


def prompts(tokens, **fields):
    own = {name: fields.pop(name) for name in ("initial_prompt", "hotwords", "task") if name in fields}
    return Prompts(tokens, DecodeOptions(**own, whisper=WhisperOptions(**fields)))


def test_nothing_said_before_leads_with_nothing(tokens):
    assert prompts(tokens).leading([]) == []


def test_the_orders_are_language_task_and_whether_times_are_wanted(tokens):
    timed = [tokens.sot, tokens.language("ko"), tokens.translate]
    assert prompts(tokens, task="translate").start("ko", timed=True) == timed
    assert prompts(tokens, task="translate").start("ko", timed=False) == [*timed, tokens.no_timestamps]


def test_an_initial_prompt_was_said_before_the_first_window_and_ages(tokens):
    made = prompts(tokens, initial_prompt="침실")
    assert made.first == tokens.encode(" 침실")
    assert made.leading(made.first) == [tokens.sot_prev, *made.first]
    assert made.leading([7, 8]) == [tokens.sot_prev, 7, 8]


def test_one_that_is_carried_leads_every_window(tokens):
    made = prompts(tokens, initial_prompt="침실", carry_initial_prompt=True)
    assert made.first == []
    assert made.leading([7, 8]) == [tokens.sot_prev, *tokens.encode(" 침실"), 7, 8]


def test_hot_words_come_before_what_was_said(tokens):
    made = prompts(tokens, hotwords=(HotWord("침실", 8.0), HotWord("거실", 8.0)))
    assert made.leading([7]) == [tokens.sot_prev, *tokens.encode(" 침실, 거실"), 7]


def test_the_star_behind_a_hot_word_is_not_part_of_it(tokens):
    assert prompts(tokens, hotwords=(HotWord("침실*", 8.0),)).leading([]) == [tokens.sot_prev, *tokens.encode(" 침실")]


def test_a_prefix_starts_at_a_time_where_times_are_wanted(tokens):
    assert prompts(tokens, prefix="침실").prefix(timed=True) == [tokens.timestamp_begin, *tokens.encode(" 침실")]
    assert prompts(tokens, prefix="침실").prefix(timed=False) == tokens.encode(" 침실")
    assert prompts(tokens).prefix(timed=True) == []


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Kubernetes, Montréal", "en", True),
        ("kubernetes and MONTRÉAL", "en", True),  # two of three
        ("in Montréal they say", "en", False),
        ("a talk about Kubernetes", "en", True),  # the prompt's
        ("...", "en", False),
        ("", "en", False),
        ("東京", "ja", True),
        ("東京都に", "ja", False),  # half of the letters
    ],
)
def test_an_echo_is_made_of_the_callers_own_words(tokens, text, language, expected):
    hot = tuple(HotWord(word, 8.0) for word in ("Kubernetes", "Montréal", "東京"))
    made = prompts(tokens, hotwords=hot, initial_prompt="A talk about cats.")
    assert made.echoed(text, language) is expected
    assert not prompts(tokens).echoed(text, language)


@settings(deadline=None)
@given(st.lists(st.integers(0, 50_000), max_size=500), st.booleans())
def test_what_leads_fits_into_half_of_the_decoder_and_ends_with_the_latest(tokens, spoken, carried):
    made = prompts(tokens, initial_prompt="침실 온도를", carry_initial_prompt=carried)
    led = made.leading(spoken)
    assert len(led) <= MOST_LEADING + 1
    assert not spoken or led[-1] == spoken[-1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"initial_prompt": "말소리 " * 150}, "initial_prompt: expected a text of at most 223 tokens"),
        ({"prefix": "말소리 " * 80}, "prefix: expected a text of at most 112 tokens"),
        ({"hotwords": (HotWord("말소리 " * 150, 8.0),)}, "hotwords: expected a text of at most 223 tokens"),
    ],
)
def test_a_text_that_there_is_no_room_for_is_refused_with_its_length(tokens, fields, message):
    with pytest.raises(OptionError, match=message):
        prompts(tokens, **fields)


def test_of_a_prompt_that_is_too_long_the_end_leads_where_that_is_asked_for(tokens):
    text = "부엌 " * 300 + "침실"
    made = prompts(tokens, initial_prompt=text, cut_prompt=True)
    assert made.first == tokens.encode(" " + text)[-MOST_LEADING:]
    assert [*made.left_out()] == ["initial_prompt: its last 223 tokens lead, there is no room for those before"]
    with pytest.raises(OptionError, match="initial_prompt: expected a text of at most 223 tokens"):
        prompts(tokens, initial_prompt=text)


def test_a_prompt_that_has_room_is_not_cut_and_nothing_is_told(tokens):
    made = prompts(tokens, initial_prompt=" 침실 ", cut_prompt=True)
    assert made.first == tokens.encode(" 침실")
    assert [*made.left_out()] == []


def test_hot_words_keep_their_room_beside_a_prompt_that_is_cut(tokens):
    words = tokens.encode(" 침실, 거실")
    hot = (HotWord("침실", 8.0), HotWord("거실", 8.0))
    made = prompts(tokens, initial_prompt="부엌 " * 300, hotwords=hot, cut_prompt=True)
    assert made.leading(made.first)[1:] == [*words, *made.first]
    assert len(made.first) == MOST_LEADING - len(words)


def test_a_megabyte_of_prompt_is_cut_at_once(tokens):
    made = prompts(tokens, initial_prompt="부엌 " * 350_000, cut_prompt=True)
    assert made.first == tokens.encode(" " + ("부엌 " * 3000).strip())[-223:]
