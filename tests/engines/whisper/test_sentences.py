"""Words without times of their own to sentences: at full stops, where it pauses, and before what was not read."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from malsori.engines.whisper.sentences import LONG, MISSED, sentences
from malsori.engines.whisper.word_times import LONGEST, Times, WordTiming

WHOLE: list[Times] = [(0.0, 30.0)]


def timed(*words: str, seconds: float = 0.4) -> list[WordTiming]:
    """Return words that follow each other; each is a token of its own."""
    return [WordTiming(text, (n,), n * seconds, (n + 1) * seconds, 0.9) for n, text in enumerate(words)]


def texts(words: Sequence[WordTiming], sound: Sequence[Times] = WHOLE) -> list[str]:
    spelled = {token: word.text for word in words for token in word.tokens}
    return ["".join(spelled[token] for token in piece.tokens).strip() for piece in sentences(words, sound)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((" Yes", ".", " No", "!"), ["Yes.", "No!"]),
        ((" Yes", ",", " no"), ["Yes, no"]),
        ((" At", " 9", ".", "30", " we", " go", "."), ["At 9.30 we go."]),
        ((' "', "Yes", ".", '"', " He", " left", "."), ['"Yes."', "He left."]),
        ((" Wait", ".", ".", ".", " No"), ["Wait...", "No"]),
        ((" Mr", ".", " Husband", " came", "."), ["Mr. Husband came."]),
        ((" J", ".", " Smith", "."), ["J. Smith."]),
        ((" Plan", " B", "?", " No", "."), ["Plan B?", "No."]),
        (("はい", "。", "い", "いえ", "。"), ["はい。", "いいえ。"]),
        ((" 네", ".", " 아니요", "."), ["네.", "아니요."]),
        ((), []),
    ],
)
def test_a_sentence_ends_with_its_full_stop(words: tuple[str, ...], expected: list[str]):
    assert texts(timed(*words)) == expected


def test_a_sentence_has_the_times_of_its_words():
    assert [(piece.start, piece.end) for piece in sentences(timed(" Yes", ".", " No", seconds=0.5), [])] == [
        (0, 1),
        (1, 1.5),
    ]


def test_a_long_sentence_is_cut_where_it_pauses():
    words = timed(*[f" w{n}" for n in range(30)])  # 12 s
    assert texts(words, [(0, 4.3), (4.9, 12)]) == [
        "".join(word.text for word in words[:12]).strip(),
        "".join(word.text for word in words[12:]).strip(),
    ]


def test_of_a_long_sentence_without_a_pause_a_comma_counts_for_one():
    words = timed(*[f" w{n}" for n in range(20)], ",", *[f" v{n}" for n in range(12)])
    assert texts(words)[0].endswith("w19,")


def test_a_text_without_spaces_is_cut_at_pauses_commas_and_any_mark_that_ends():
    words = timed(*["か"] * 40)
    assert [len(text) for text in texts(words, [(0, 7.9), (8.3, 16)])] == [20, 20]
    assert [len(text) for text in texts(timed(*["あ"] * 19, "、", *["い"] * 20))] == [20, 20]
    assert texts(timed("はい", "?", "いいえ")) == ["はい?", "いいえ"]


def test_a_word_before_a_silence_does_not_end_its_sentence():
    words = [WordTiming(" There", (0,), 1.0, 7.0, 0.9), WordTiming(" are", (1,), 7.0, 7.3, 0.9)]
    assert texts(words, [(0, 1.3), (6.8, 9)]) == ["There are"]
    assert texts(words, [(0, 9)]) == ["There", "are"]


def test_a_text_without_spaces_is_not_cut_inside_a_word():
    assert len(texts(timed(*["か"] * 40))) == 1


def test_a_word_that_lasts_too_long_ends_its_sentence_and_the_time_behind_it_is_nobodys():
    words = timed(" we", " go", " home")
    long = [words[0], WordTiming(" go", (1,), 0.4, 0.5 + MISSED, 0.9), WordTiming(" home", (2,), 3.0, 3.4, 0.9)]
    first, second = sentences(long, WHOLE)
    assert (first.tokens, first.end) == ((0, 1), 0.4 + LONGEST)
    assert (second.tokens, second.start) == ((2,), 3.0)


spoken = st.lists(st.tuples(st.sampled_from([" a", "b", ".", ",", " c.", "。", '"', "?"]), st.floats(0.0, 4.0)))


@given(spoken, st.lists(st.floats(0.0, 60.0), max_size=10))
def test_every_token_is_in_one_sentence_in_order_and_none_is_longer_than_it_must_be(
    said: list[tuple[str, float]], marks: list[float]
):
    words, at = [], 0.0
    for n, (text, seconds) in enumerate(said):
        words.append(WordTiming(text, (n,), at, at + seconds, 0.5))
        at += seconds
    edges = sorted(marks)
    pieces = sentences(words, list(zip(edges[::2], edges[1::2], strict=False)))
    assert [token for piece in pieces for token in piece.tokens] == list(range(len(said)))
    assert all(piece.start <= piece.end for piece in pieces)
    for piece in pieces:
        begin, end = words[piece.tokens[0]].start, words[piece.tokens[-1]].end
        middle = [begin + (end - begin) / 4, end - (end - begin) / 4]
        begins = [
            words[token].start
            for token in piece.tokens[1:]
            if words[token].text.startswith(" ")
            and any(set(words[before].text) & set("abc") for before in range(piece.tokens[0], token))  # marks lead it
        ]
        assert end - begin <= LONG or not any(middle[0] <= at <= middle[1] for at in begins)
