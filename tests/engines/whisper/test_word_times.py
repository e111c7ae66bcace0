"""Words of a window at their times: attention in batches, and its words placed where something sounds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.audio import decode
from malsori.engines.whisper.features import HOP, LogMel
from malsori.engines.whisper.network import Encoded, Network
from malsori.engines.whisper.options import WhisperOptions
from malsori.engines.whisper.segments import PRECISION, WindowSegment
from malsori.engines.whisper.sounding import REACH
from malsori.engines.whisper.tokens import Tokens
from malsori.engines.whisper.word_times import LONGEST, AlignRow, WordTiming, align_rows, place
from malsori.engines.word_breaks import spaced_once
from malsori.joining import written
from tests.shipped import ROOT

BUNDLE = ROOT / "models" / "nano-whisper"
WINDOW = 1000  # mel frames
SIZES = (443, 340, 258)  # mel frames of sound
OPTIONS = WhisperOptions()
TEXTS = {
    "korean": " 침실 온도를 이십육 도로 맞춰 주세요",
    "numbers": " 제 번호는 오 사 칠 삼입니다",
    "english": " it will rain in jeju tomorrow",
}


class Asked:
    """A network that keeps what it was asked to align."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.texts: list[list[Sequence[int]]] = []
        self.start: list[int] = []

    def align(self, encoded: Any, start: Sequence[int], texts: Any, frames: Sequence[int]) -> list[Any]:
        self.texts.append(texts)
        self.start = list(start)
        return self.network.align(encoded, start, texts, frames)


@cache
def tokens() -> Tokens:
    return Tokens.read(BUNDLE)


@pytest.fixture(scope="module")
def network() -> Asked:
    return Asked(Network(BUNDLE, "nano-whisper", device="cpu", compute_type="float32", threads=1))


@pytest.fixture(scope="module")
def encoded(network: Asked) -> Encoded:
    clips = [
        decode(ROOT / "samples" / f"{name}.wav").samples[: size * HOP] for name, size in zip(TEXTS, SIZES, strict=True)
    ]
    return network.network.encode(np.stack([LogMel(80)(np.pad(clip, (0, WINDOW * HOP - len(clip)))) for clip in clips]))


def spelled(name: str) -> tuple[int, ...]:
    return tuple(tokens().encode(TEXTS[name]))


def rows_of(sizes: Sequence[int]) -> list[AlignRow]:
    return [AlignRow(spelled(name), size) for name, size in zip(TEXTS, sizes, strict=True)]


def align(network: Asked, encoded: Encoded, rows: Sequence[AlignRow]) -> list[list[WordTiming]]:
    network.texts.clear()
    return align_rows(network, tokens(), encoded, "ko", "transcribe", rows)


@pytest.mark.parametrize(("sizes", "calls"), [(SIZES, 1), ((340, 340, 443), 1), ((400, 401, 400), 3)], ids=str)
def test_rows_aligned_together_are_timed_as_each_one_alone(
    network: Asked, encoded: Encoded, sizes: tuple[int, ...], calls: int
) -> None:
    rows = rows_of(sizes)
    assert len({len(row.text_tokens) for row in rows}) == len(rows)
    together = align(network, encoded, rows)
    assert len(network.texts) == calls
    for index, row in enumerate(rows):
        (alone,) = align(network, encoded.rows([index]), [row])
        assert [(word.text, word.start, word.end) for word in together[index]] == [
            (word.text, word.start, word.end) for word in alone
        ]
        # another order of summation in float32
        assert np.allclose([w.probability for w in together[index]], [w.probability for w in alone], atol=1e-5)


def test_words_are_those_of_the_text_one_behind_the_other_within_the_sound(network: Asked, encoded: Encoded) -> None:
    for row, text, words in zip(rows_of(SIZES), TEXTS.values(), align(network, encoded, rows_of(SIZES)), strict=True):
        assert [word.text for word in words] == [f" {word}" for word in text.split()]
        assert tuple(token for word in words for token in word.tokens) == row.text_tokens
        times = [time for word in words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert times[-1] <= row.mel_frames / 100
        assert times[-1] > 1.0
        assert all(0 < word.probability <= 1 for word in words)


def test_what_is_said_is_likelier_than_what_is_not(network: Asked, encoded: Encoded) -> None:
    said, other = (
        align(network, encoded.rows([0]), [AlignRow(spelled(name), 443)])[0] for name in ("korean", "numbers")
    )
    assert min(word.probability for word in said) > max(word.probability for word in other[:3])


def test_time_tokens_part_words_and_move_none(network: Asked, encoded: Encoded) -> None:
    text, begin = spelled("korean"), tokens().timestamp_begin
    (plain,) = align(network, encoded.rows([0]), [AlignRow(text, 443)])
    (marked,) = align(
        network, encoded.rows([0]), [AlignRow((begin, *text[:2], begin + 40, begin + 40, *text[2:]), 443)]
    )
    assert network.texts == [[list(text)]]
    assert [token for word in marked for token in word.tokens if token < tokens().eot] == list(text)
    assert [word.text for word in marked if word.tokens[0] >= begin] == ["", "", ""]
    assert plain[-1] == marked[-1]


def test_the_decoder_is_asked_in_the_language_and_for_the_task_given(network: Asked, encoded: Encoded) -> None:
    align_rows(network, tokens(), encoded.rows([2]), "en", "translate", [AlignRow(spelled("english"), 258)])
    # without <|notimestamps|>, which CTranslate2 puts behind it
    assert network.start == [tokens().sot, tokens().language("en"), tokens().translate]


def test_rows_without_text_have_no_words_and_cost_no_call(network: Asked, encoded: Encoded) -> None:
    begin = tokens().timestamp_begin
    assert align(network, encoded.rows([0, 1]), [AlignRow((), 100), AlignRow((begin, begin + 5), 100)]) == [[], []]
    assert network.texts == []
    mixed = align(network, encoded, [AlignRow((), 100), AlignRow(spelled("numbers"), 340), AlignRow((), 0)])
    assert [len(words) for words in mixed] == [0, 6, 0]
    assert align(network, encoded, []) == []


@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_less_sound_than_a_path_needs_still_gives_every_word(network: Asked, encoded: Encoded, size: int) -> None:
    (words,) = align(network, encoded.rows([0]), [AlignRow(spelled("korean"), size)])
    assert "".join(word.text for word in words) == TEXTS["korean"]


def timing(text: str, start: float, end: float) -> WordTiming:
    return WordTiming(text, (1,), start, end, 0.5)


def placed(
    words: Sequence[WordTiming], speech: Sequence[tuple[float, float]], piece: tuple[float, float]
) -> WindowSegment:
    (found,) = place(words, [WindowSegment(*piece, (1,) * len(words))], speech, "en", OPTIONS)
    return found


def times(piece: WindowSegment) -> list[tuple[float, float]]:
    return [(round(word.start, 3), round(word.end, 3)) for word in piece.words]


def test_a_word_begins_and_ends_where_something_sounds() -> None:
    words = [timing(" a", 0.1, 1.0), timing(" b", 1.0, 2.6)]
    speech = [(0.3, 0.8), (1.2, 2.4)]
    assert times(placed(words, speech, (0.1, 2.6))) == [(0.3, 0.8), (1.2, 2.4)]


def test_words_that_meet_near_a_pause_end_and_begin_at_its_sides() -> None:
    speech = [(0.0, 1.0), (1.4, 2.4)]
    for meeting in (1.0 - 0.9 * REACH, 1.2, 1.4 + 0.9 * REACH):
        words = [timing(" a", 0.0, meeting), timing(" b", meeting, 2.4)]
        assert times(placed(words, speech, (0.0, 2.4))) == [(0.0, 1.0), (1.4, 2.4)]
    far = 1.0 - 1.1 * REACH
    words = [timing(" a", 0.0, far), timing(" b", far, 2.4)]
    assert times(placed(words, speech, (0.0, 2.4))) == [(0.0, round(far, 3)), (round(far, 3), 2.4)]


def test_of_two_pauses_that_words_could_meet_in_the_nearer_one_parts_them() -> None:
    words = [timing(" a", 0.0, 1.05), timing(" b", 1.05, 2.0)]
    speech = [(0.0, 0.8), (0.98, 1.08), (1.14, 2.0)]
    assert times(placed(words, speech, (0.0, 2.0))) == [(0.0, 1.08), (1.14, 2.0)]


def test_a_pause_that_would_take_all_of_a_word_does_not() -> None:
    words = [timing(" a", 0.0, 0.5), timing(" b", 0.5, 0.6), timing(" c", 0.6, 2.0)]
    speech = [(0.0, 0.55), (0.65, 2.0)]
    assert times(placed(words, speech, (0.0, 2.0))) == [(0.0, 0.5), (0.5, 0.55), (0.65, 2.0)]


def test_a_pause_beside_the_decoders_times_moves_them_not() -> None:
    words = [timing(" a", 0.0, 1.2), timing(" b", 1.2, 2.0)]
    speech = [(0.0, 1.05), (1.1, 2.0)]
    pieces = place(words, [WindowSegment(0.0, 1.0, (1,)), WindowSegment(1.15, 2.0, (1,))], speech, "en", OPTIONS)
    assert [times(piece) for piece in pieces] == [[(0.0, 1.0)], [(1.15, 2.0)]]


def test_a_piece_begins_and_ends_as_the_decoder_wrote_it() -> None:
    words = [timing(" a", 0.0, 1.0), timing(" b", 1.0, 1.6)]
    found = placed(words, [(0.0, 3.0)], (0.5, 2.0))
    assert times(found) == [(0.5, 1.0), (1.0, 2.0)]
    assert (found.start, found.end) == (0.5, 2.0)


def test_the_decoders_times_make_no_word_long_and_none_without_room() -> None:
    words = [timing(" a", 5.0, 5.5), timing(" b", 5.5, 6.0)]
    assert times(placed(words, [(0.0, 30.0)], (0.0, 30.0))) == [(5.5 - LONGEST, 5.5), (5.5, 5.5 + LONGEST)]
    assert times(placed(words, [(0.0, 30.0)], (5.7, 30.0)))[0] == (5.0, 5.5)
    assert times(placed(words, [(0.0, 30.0)], (0.0, 5.2)))[1] == (5.5, 6.0)


def test_a_word_in_silence_takes_a_step_from_the_one_before_it() -> None:
    words = [timing(" a", 0.0, 1.0), timing(" b", 1.6, 1.8), timing(" c", 2.5, 3.0)]
    speech = [(0.0, 1.0), (2.5, 3.0)]
    assert times(placed(words, speech, (0.0, 3.0))) == [(0.0, 0.98), (0.98, 1.0), (2.5, 3.0)]


def test_words_that_attention_reaches_at_once_have_a_step_each() -> None:
    words = [timing(" a", 0.0, 1.0), timing(" b", 1.0, 1.0), timing(" c", 1.0, 1.0), timing(" d", 1.0, 2.0)]
    assert times(placed(words, [(0.0, 2.0)], (0.0, 2.0))) == [(0.0, 0.96), (0.96, 0.98), (0.98, 1.0), (1.0, 2.0)]
    first = [timing(" a", 0.0, 0.0), timing(" b", 0.0, 0.0), timing(" c", 0.0, 1.0)]
    assert times(placed(first, [(0.0, 1.0)], (0.0, 1.0))) == [(0.0, 0.02), (0.02, 0.04), (0.04, 1.0)]


def test_words_without_room_for_a_step_share_what_there_is() -> None:
    words = [timing(" a", 0.0, 0.0), timing(" b", 0.0, 0.0), timing(" c", 0.0, 0.0), timing(" d", 0.0, 0.0)]
    assert times(placed(words, [(1.0, 1.04)], (0.0, 2.0))) == [(1.0, 1.01), (1.01, 1.02), (1.02, 1.03), (1.03, 1.04)]


def test_a_piece_that_was_heard_in_silence_keeps_the_decoders_times_around_its_words() -> None:
    found = placed([timing(" a", 2.0, 2.0)], [(0.0, 1.0)], (1.5, 2.0))
    assert times(found) == [(0.98, 1.0)]
    assert (found.start, found.end) == (0.98, 2.0)


def test_without_spans_the_times_are_put_in_order_only() -> None:
    words = [timing(" a", 0.2, 0.5), timing(" b", 0.4, 0.8)]
    assert times(placed(words, [], (0.2, 1.0))) == [(0.2, 0.5), (0.5, 1.0)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([" well", ",", " yes", "."], ["well,", "yes."]),
        ([" (", "well", ")", "."], ["(well)."]),
        ([' "', "(", "a", "...", '"'], ['"(a..."']),
        ([" a", " -", " b"], ["a", "- b"]),
        ([" va", " ?"], ["va ?"]),
        ([" a", " ("], ["a ("]),
        ([".", " a"], [". a"]),
        (["..."], ["..."]),
        (["", " a", "", " ", "b"], ["a", "b"]),
        ([" 1", ",", "250", ",", " 3", ".", "5"], ["1,250,", "3.5"]),
        ([" $", "5", ".", "50", " 50", "%"], ["$5.50", "50%"]),
        ([" C", "'", "est", " aujourd", "'", "hui"], ["C'est", "aujourd'hui"]),
        ([" 그래", "요", "。"], ["그래요。"]),
        (["東", "京", "の", "AI", "、", "3", ".", "5", "です", "。"], ["東", "京", "の", "AI、", "3.5", "です。"]),
    ],
    ids=str,
)
def test_punctuation_belongs_to_its_word(texts: list[str], expected: list[str]) -> None:
    words = [timing(text, float(index), index + 1.0) for index, text in enumerate(texts)]
    found = placed(words, [(0.0, 9.0)], (0.0, 9.0))
    assert [word.text for word in found.words] == expected


def test_punctuation_takes_no_time() -> None:
    words = [timing(" a", 0.0, 1.0), timing(",", 1.0, 2.0), timing(" b", 2.0, 3.0)]
    assert times(placed(words, [(0.0, 3.0)], (0.0, 3.0))) == [(0.0, 1.0), (2.0, 3.0)]


def test_which_punctuation_is_merged_can_be_said() -> None:
    words = [timing(" a", 0.0, 1.0), timing(",", 1.0, 2.0), timing("!", 2.0, 3.0)]
    options = WhisperOptions(prepend_punctuations="", append_punctuations="!")
    (found,) = place(words, [WindowSegment(0.0, 3.0, (1, 1, 1))], [(0.0, 3.0)], "en", options)
    assert [word.text for word in found.words] == ["a", ",!"]


def test_a_word_over_the_edge_of_two_pieces_belongs_to_the_one_that_it_begins_in() -> None:
    words = [WordTiming(" a", (1, 2, 3), 0.0, 1.0, 0.5), WordTiming(" b", (4,), 1.0, 2.0, 0.5)]
    pieces = place(
        words, [WindowSegment(0.0, 1.0, (1, 2)), WindowSegment(1.0, 2.0, (3, 4))], [(0.0, 2.0)], "en", OPTIONS
    )
    assert [[word.text for word in piece.words] for piece in pieces] == [["a"], ["b"]]


SECONDS = st.integers(-100, 3100).map(lambda hundredths: hundredths / 100)
PARTS = [" a", "b", " (", ",", " bc", "...", "", " -", "東", "3", " ", "\u3000", "\u00a0"]
WORDS = st.lists(
    st.tuples(
        st.sampled_from(PARTS),
        SECONDS,
        SECONDS,
    ),
    max_size=6,
)
PIECES = st.lists(st.tuples(WORDS, SECONDS, SECONDS), max_size=4)


@st.composite
def spans(draw: st.DrawFn) -> list[tuple[float, float]]:
    edges = sorted(draw(st.sets(st.integers(0, 3000), max_size=12)))
    return [
        (first / 100, stop / 100) for first, stop in zip(edges[0 : len(edges) // 2 * 2 : 2], edges[1::2], strict=True)
    ]


@given(PIECES, spans())
def test_whatever_the_times_are_words_last_ascend_in_sound_and_lose_no_letter(
    drawn: list[tuple[list[tuple[str, float, float]], float, float]], speech: list[tuple[float, float]]
) -> None:
    timings = [timing(*word) for words, _, _ in drawn for word in words]
    pieces = [WindowSegment(start, end, (1,) * len(words)) for words, start, end in drawn]
    found = place(timings, pieces, speech, "en", OPTIONS)
    for piece, (words, _, _) in zip(found, drawn, strict=True):
        assert written(piece.words) == spaced_once("".join(text for text, _, _ in words))
        assert all(word.text for word in piece.words)
        assert all(piece.start <= word.start < word.end <= piece.end for word in piece.words)
    edges = [edge for piece in found for word in piece.words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    if speech:
        reach = len(edges) / 2 * PRECISION  # as far as words that need time may be moved out of the sound
        assert all(any(start - reach <= edge <= end + reach for start, end in speech) for edge in edges)
        assert all(speech[0][0] <= edge <= speech[-1][1] + 1e-9 for edge in edges)


LANGUAGES = st.sampled_from(["en", "ko", "ja", "th"])
SAID = st.text("ab1 5.,'-—%$「」、。東京のっーンเา가大\u00a0é", max_size=12).map(lambda text: tokens().encode(text))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(SAID, st.lists(st.integers(0, 50_000), max_size=4)), min_size=1, max_size=4), LANGUAGES)
def test_words_of_any_tokens_give_the_text_of_their_piece_back(parts: list[list[int]], language: str) -> None:
    begin = tokens().timestamp_begin
    pieces = [
        WindowSegment(float(at), at + 1.0, (begin + 50 * at, *spelled, begin + 50)) for at, spelled in enumerate(parts)
    ]
    words = tokens().words([token for piece in pieces for token in piece.tokens], language)
    timings = [WordTiming(word.text, word.tokens, 0.0, 4.0, 0.5) for word in words]
    for piece in place(timings, pieces, [(0.0, 4.0)], language, OPTIONS):
        assert written(piece.words) == spaced_once(tokens().decode(piece.tokens))


def test_letters_without_spaces_are_words_in_a_text_of_another_language_too(network: Asked, encoded: Encoded) -> None:
    spelled = tuple(tokens().encode(" well, 東京 is"))
    for language, expected in (("en", ["well,", "東", "京", "is"]), ("ko", ["well,", "東京", "is"])):
        (words,) = align_rows(network, tokens(), encoded.rows([2]), language, "transcribe", [AlignRow(spelled, 258)])
        (piece,) = place(words, [WindowSegment(0.0, 2.0, spelled)], [], language, OPTIONS)
        assert [word.text for word in piece.words] == expected
