"""Cues: what they hold, where they are cut, how long they are shown; and that no text, time or script breaks them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pysubs2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori import decode, load
from malsori.errors import OptionError
from malsori.joining import written
from malsori.output import Cue, CueOptions, cues_of, render
from malsori.output.breaking import cells
from malsori.output.cutting import GAP_S, LEAST_S, SPEED
from malsori.types import Segment, Transcript, Word
from tests.shipped import ROOT

SAMPLES = ROOT / "samples"
SPOKEN = 0.05  # seconds that a letter takes here


def said(text: str, start: float = 0.0, *, pauses: dict[str, float] | None = None, pace: float = SPOKEN) -> Segment:
    """Return a text as a segment with words spoken one behind the other; `pauses` are behind the words named."""
    words: list[Word] = []
    at = start
    for token in text.split():
        words.append(Word(token, at, at + pace * len(token), 0.9))
        at = words[-1].end + pace + (pauses or {}).get(token, 0.0)
    return Segment(text, start, words[-1].end, 0.9, tuple(words))


def wordless(text: str, start: float, end: float) -> Segment:
    return Segment(text, start, end, 0.9)


def transcript(*segments: Segment, language: str = "en", duration: float = 0.0) -> Transcript:
    text = " ".join(segment.text for segment in segments)
    return Transcript(text, language, 1.0, duration or max((s.end for s in segments), default=0.0), segments, "m")


def cut(*segments: Segment, language: str = "en", duration: float = 0.0, **options: Any) -> list[Cue]:
    return list(cues_of(transcript(*segments, language=language, duration=duration), CueOptions(**options)))


def texts(cues: Sequence[Cue]) -> list[str]:
    return [cue.text for cue in cues]


def test_a_long_stretch_becomes_cues_of_two_lines_of_42_and_at_most_7_seconds():
    cues = cut(said("we went down to the river in the morning and nobody was there to see us off " * 12))
    assert len(cues) > 8
    for cue in cues:
        assert len(cue.lines) <= 2
        assert max(cells(written(line)) for line in cue.lines) <= 42
        assert cue.end - cue.start <= 7.0


def test_what_fits_on_one_line_stays_on_one_line():
    assert texts(cut(said("It is easy to overlook the dangers."))) == ["It is easy to overlook the dangers."]


def test_two_lines_are_much_alike():
    (cue,) = cut(said("Nobody remembered anything happening yesterday evening somewhere."))
    first, second = map(written, cue.lines)
    assert abs(len(first) - len(second)) <= 8


def test_a_cue_ends_with_a_sentence_or_a_comma_where_it_can():
    text = "When the rain had stopped at last, all of them went out to look for the dog. It was not in the garden now."
    assert [cue.text.replace("\n", " ") for cue in cut(said(text))] == [
        "When the rain had stopped at last, all of them went out to look for the dog.",
        "It was not in the garden now.",
    ]


def test_text_without_punctuation_is_cut_where_it_pauses():
    text = "turn on the light in the kitchen please open the window of the other room"
    cues = cut(said(text, pauses={"please": 0.6}))
    assert texts(cues)[0].endswith("please")


def test_no_cue_holds_a_long_silence():
    cues = cut(said("well then good night", pauses={"then": 2.0}))
    assert texts(cues) == ["well then", "good night"]


@pytest.mark.parametrize("leader", ["the", "of", "to", "Dr.", "40"])
def test_an_article_a_preposition_a_title_and_a_number_stay_with_what_follows(leader: str):
    text = f"people living nearby {leader} cats always wondered loudly"
    (cue,) = cut(said(text), max_line_width=30)
    assert cue.lines[0][-1].text != leader


def test_a_short_sentence_shares_a_cue_where_it_has_no_time_of_its_own():
    assert texts(cut(said("No. I was never there.", pace=0.06))) == ["No. I was never there."]
    apart = cut(said("No.", 0.0), said("I was never there.", 2.0))
    assert texts(apart) == ["No.", "I was never there."]


def test_a_sentence_that_goes_on_in_the_next_segment_may_go_on_in_the_same_cue():
    first = said("and then we", 0.0)
    assert texts(cut(first, said("went home.", first.end + SPOKEN))) == ["and then we went home."]


def test_a_short_cue_lasts_a_second_where_silence_follows_and_leaves_a_gap_before_the_next():
    yes, no = said("Yes.", 0.0), said("Never in my life have I.", 1.02)
    shown = cut(yes, no)
    assert shown[0].start == 0.0
    assert shown[0].end == pytest.approx(1.02 - GAP_S)
    (alone,) = cut(yes, duration=9.0)
    assert alone.end == LEAST_S


def test_fast_speech_is_shown_as_long_as_its_reader_needs_where_there_is_room():
    (cue,) = cut(said("somebody is talking very fast here", pace=0.01), duration=60.0)
    assert cells(cue.text) / (cue.end - cue.start) == pytest.approx(SPEED)


def test_nothing_is_shown_behind_the_end_of_the_recording():
    (cue,) = cut(said("Yes.", 9.5), duration=9.9)
    assert cue.end == 9.9


def test_a_screen_is_not_dark_for_less_than_half_a_second():
    first = said("I have seen all of it already.", 0.0)
    cues = cut(first, said("You have seen nothing of it at all.", first.end + 0.4))
    assert cues[0].end == pytest.approx(cues[1].start - GAP_S)


def test_cells_are_counted_and_korean_has_16_letters_a_line():
    text = "다음 주 수요일에 서울역에서 부산으로 가는 기차표를 두 장만 예매해 주세요"
    cues = cut(said(text, pace=0.12), language="ko")
    assert all(cells(written(line)) <= 32 for cue in cues for line in cue.lines)
    assert cells("기차표 2장") == 10
    assert cells(unicodedata.normalize("NFD", "기차")) == 4
    assert cells(unicodedata.normalize("NFD", "été")) == 3


def test_japanese_and_chinese_are_broken_between_letters_but_not_before_a_full_stop():
    text = "音声認識の現状について教えていただけないでしょうか。最近では深層学習がよく使われています。"
    cues = cut(wordless(text, 0.0, 12.0), language="ja")
    lines = [written(line) for cue in cues for line in cue.lines]
    assert "".join(lines) == text
    assert all(cells(line) <= 32 and line[0] not in "。、っ" for line in lines)


@pytest.mark.parametrize("width", range(4, 14))
def test_no_japanese_line_begins_with_a_mark_or_a_small_letter_nor_ends_with_a_bracket(width: int):
    text = "「はい。」と言って、ちょっとコーヒーを飲んだ。それからパーティーへ行った。"
    cues = cut(wordless(text, 0.0, 20.0), language="ja", max_line_width=width)
    lines = [written(line) for cue in cues for line in cue.lines]
    assert not [line for line in lines if line[0] in "。、」っょィーャ" or line[-1] == "「"]


def test_japanese_without_marks_is_cut_behind_its_sentences():
    spoken = ["水", "上", "バス", "です", "ね", "ありがとうございました", "それは", "難", "し", "そうですね"]
    words = tuple(Word(word, 0.5 * n, 0.5 * n + 0.5, 0.9, n == 0) for n, word in enumerate(spoken))
    cues = cut(Segment("".join(spoken), 0.0, 5.0, 0.9, words), language="ja", max_line_count=1)
    assert [cue.text for cue in cues] == ["水上バスですね", "ありがとうございました", "それは難しそうですね"]


def test_words_of_a_text_without_spaces_are_not_taken_apart():
    spoken = ["東京", "から", "京都", "まで", "新幹線", "で", "行く", "予定", "です。"]
    words = tuple(Word(word, 0.4 * n, 0.4 * n + 0.4, 0.9, n == 0) for n, word in enumerate(spoken))
    cues = cut(Segment("".join(spoken), 0.0, 3.6, 0.9, words), language="ja", max_line_width=10)
    ends = {"".join(spoken[: n + 1]) for n in range(len(spoken))}
    so_far = ""
    for cue in cues:
        for line in cue.lines:
            so_far += written(line)
            assert so_far in ends


def test_a_word_that_reaches_into_the_next_segment_ends_where_that_begins():
    words = (*said("It is over.").words[:2], Word("over.", 1.0, 6.0, 0.9))
    long = Segment("It is over.", 0.0, 6.0, 0.9, words)
    cues = cut(long, said("Nobody was there to see it.", 4.0))
    assert [(cue.start, cue.end <= 4.0) for cue in cues] == [(0.0, True), (4.0, False)]


def test_a_word_is_not_left_alone_by_a_pause_that_would_part_several():
    (_,) = cut(said("somebody came home", pauses={"came": 0.95}), duration=60.0)
    assert len(cut(said("somebody came home early today", pauses={"came": 0.95}), duration=60.0)) == 2


def test_segments_without_words_share_their_time_by_letters():
    cues = cut(wordless("one two three four five six seven eight nine ten " * 6, 0.0, 30.0))
    assert cues[0].start == 0.0
    for before, after in pairwise(cues):
        assert before.end <= after.start
    assert cues[-1].end == pytest.approx(30.0, abs=0.2)


def test_words_that_are_not_those_of_the_text_are_not_believed():
    segment = Segment("turn on the light", 0.0, 4.0, 0.9, (Word("turn", 0.0, 0.2, 0.9),))
    (cue,) = cut(segment)
    assert (cue.text, cue.start, cue.end) == ("turn on the light", 0.0, 4.0)


def test_a_word_wider_than_a_line_has_one_of_its_own():
    url = "https://example.org/" + "a" * 60
    cues = cut(said(f"look at {url} some time"))
    assert url in [written(line) for cue in cues for line in cue.lines]


def test_right_to_left_text_is_left_as_it_is():
    text = "שלום לכולם וברוכים הבאים"
    assert texts(cut(said(text), language="he")) == [text]


def test_words_per_line_makes_cues_of_one_line_with_at_most_so_many_words():
    cues = cut(said("a quick brown fox jumps over some lazy dogs today"), words_per_line=3)
    assert all(len(cue.lines) == 1 and len(cue.lines[0]) <= 3 for cue in cues)
    two = cut(said("a quick brown fox jumps over some lazy dogs today"), words_per_line=3, max_line_count=2)
    assert max(len(cue.lines) for cue in two) == 2


def test_max_cue_s_holds_unless_nothing_can_be_cut():
    cues = cut(said("a quick brown fox jumps over some lazy dogs today", pace=0.2), max_cue_s=2)
    assert all(cue.end - cue.start <= 2 for cue in cues)
    (one,) = cut(wordless("Mmmm", 0.0, 30.0))
    assert one.end == 7.0


def test_each_word_is_underlined_in_turn_and_the_text_stays():
    spoken = transcript(said("turn <on> the light"))
    srt = render(spoken, "srt", CueOptions(highlight_words=True))
    assert [line for line in srt.splitlines() if "<u>" in line] == [
        "<u>turn</u> <on> the light",
        "turn <u><on></u> the light",
        "turn <on> <u>the</u> light",
        "turn <on> the <u>light</u>",
    ]
    vtt = render(spoken, "vtt", CueOptions(highlight_words=True))
    assert "turn <u>&lt;on&gt;</u> the light" in vtt


def test_without_options_a_segment_is_a_cue():
    spoken = transcript(said("one two three " * 30), said("Yes.", 100.0))
    assert render(spoken, "srt", None).count("-->") == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_line_width", 0),
        ("max_line_width", 1001),
        ("max_line_width", 4.5),
        ("max_line_width", True),
        ("max_line_count", 0),
        ("words_per_line", -1),
        ("max_cue_s", 0),
        ("max_cue_s", float("nan")),
        ("max_cue_s", "7"),
    ],
)
def test_an_option_out_of_its_range_is_refused_by_name_with_what_was_found(field: str, value: object):
    with pytest.raises(OptionError, match=rf"{field}: expected .*1 to .*found {value!r}"):
        CueOptions(**{field: value})  # type: ignore[arg-type]


LETTERS = st.sampled_from(
    [
        *"aAzéñß019.,!?;:-'\"()<>&%{}\\|#*_=~/",
        *"가나다힣ㄱ",
        *"東京行く。、ーっゃ「」（）",
        *"สวัส",
        "\u0301",
        "\u200f",
        "א",
        "👍",
    ]
)
TOKENS = st.text(LETTERS, min_size=1, max_size=12) | st.sampled_from(
    ["the", "of", "1,250", "-->", "--", "WEBVTT", "7", "[x]"]
)


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Return a transcript of any text with times of any kind: without length, overlapping, going back, none."""
    segments = []
    at = 0.0
    for _ in range(draw(st.integers(0, 4))):
        tokens = draw(st.lists(TOKENS, max_size=30))
        start = at = max(0.0, at + draw(st.sampled_from([-0.5, 0.0, 0.04, 0.7, 5.0])))
        words = []
        for token in tokens:
            length = draw(st.sampled_from([0.0, 0.02, 0.2, 0.4, 9.0]))
            words.append(Word(token, at, at + length, 0.5))
            at += length + draw(st.sampled_from([-0.3, 0.0, 0.02, 0.4, 2.0]))
        end = max([start, *(word.end for word in words)])
        segments.append(Segment(" ".join(tokens), start, end, 0.5, tuple(words) if draw(st.booleans()) else ()))
    language = draw(st.sampled_from(["en", "ko", "ja", "und"]))
    return transcript(*segments, language=language, duration=at + draw(st.sampled_from([0.0, 3.0])))


OPTIONS = st.builds(
    CueOptions,
    max_line_width=st.none() | st.integers(1, 60),
    max_line_count=st.none() | st.integers(1, 4),
    max_cue_s=st.sampled_from([1.0, 2.5, 7.0, 60.0]),
    words_per_line=st.none() | st.integers(1, 6),
    highlight_words=st.just(False),
)


@settings(max_examples=300, deadline=None)
@given(transcripts(), OPTIONS)
def test_all_words_come_once_in_order_inside_the_rules(spoken: Transcript, options: CueOptions):
    cues = list(cues_of(spoken, options))
    limits = options.limits(spoken.text)
    assert " ".join(cue.text for cue in cues).split() == _parted_as(cues, spoken)
    for cue in cues:
        assert cue.start < cue.end
        assert cue.end - cue.start <= limits.seconds + 1e-6
        assert 1 <= len(cue.lines) <= limits.lines
        for line in cue.lines:
            assert len(line) == 1 or (len(line) <= limits.words and cells(written(line)) <= limits.width)
    for before, after in pairwise(cues):
        assert before.end <= after.start


def _parted_as(cues: Sequence[Cue], spoken: Transcript) -> list[str]:
    """Return the transcript's letters in the pieces of the cues, to compare; each piece must be where it belongs."""
    rest = "".join(spoken.text.split())
    pieces = []
    for piece in " ".join(cue.text for cue in cues).split():
        pieces.append(rest[: len(piece)])
        rest = rest[len(piece) :]
    assert not rest
    return pieces


@settings(max_examples=150, deadline=None)
@given(transcripts(), OPTIONS, st.sampled_from(["srt", "vtt"]))
def test_pysubs2_reads_every_cue_with_its_times(spoken: Transcript, options: CueOptions, format: str):
    cues = list(cues_of(spoken, options))
    found = pysubs2.SSAFile.from_string(render(spoken, format, options), format_=format)
    assert [(cue.start, cue.end) for cue in found] == [(_ms(cue.start), _ms(cue.end)) for cue in cues]


@settings(max_examples=100, deadline=None)
@given(transcripts(), OPTIONS)
def test_word_by_word_the_cues_are_as_long_as_without(spoken: Transcript, options: CueOptions):
    for cue in cues_of(spoken, options):
        parts = list(cue.by_word())
        assert (parts[0].start, parts[-1].end) == (cue.start, cue.end)
        assert all(before.end == after.start for before, after in pairwise(parts))
        assert all(part.start < part.end and part.text == cue.text for part in parts)


def test_a_blank_line_never_stands_inside_a_cue():
    odd = transcript(Segment("one\n\n\u2028two\x85 \x0b three", 0.0, 3.0, 0.9))
    for format in ("srt", "vtt"):
        assert "one two three\n\n" in render(odd, format)


def test_a_minute_of_speech_that_a_ctc_model_hears_without_a_pause_becomes_cues():
    clip = decode(SAMPLES / "korean.wav").samples
    heard = load("nano-ctc-ko").transcribe(np.tile(clip, 10), word_timestamps=True, vad=False)
    assert heard.segments[0].end > 20
    cues = list(cues_of(heard, CueOptions()))
    assert all(1 <= cue.end - cue.start <= 7 for cue in cues)
    assert " ".join(cue.text for cue in cues).split() == heard.text.split()


def _ms(seconds: float) -> int:
    return round(round(seconds, 3) * 1000)
