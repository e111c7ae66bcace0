"""Subtitles retimed by what is heard, through the shipped model."""

from __future__ import annotations

import pytest

import malsori
from malsori.errors import OptionError
from malsori.subtitles import Subtitle, read_subtitle
from tests.shipped import ROOT, model

NUMBERS = ROOT / "samples" / "numbers.wav"
LINES = (ROOT / "samples" / "numbers.txt").read_text(encoding="utf-8").splitlines()


def subtitle(lines: list[str], shift: float = 0.0) -> str:
    """Return an .srt whose cues stand at every fourth second, and `shift` seconds later."""
    clock = [
        f"00:00:{int(4 * at + shift):02d},000 --> 00:00:{int(4 * at + shift + 3):02d},000" for at in range(len(lines))
    ]
    return "".join(f"{at}\n{times}\n{line}\n\n" for at, (times, line) in enumerate(zip(clock, lines, strict=True), 1))


def spans(found: malsori.Alignment) -> list[tuple[float, float]]:
    return [(each.start, each.end) for each in found.transcript().segments]


def test_each_cue_lasts_from_its_first_word_to_its_last_and_no_clock_is_a_word() -> None:
    told = malsori.align(NUMBERS, "\n".join(LINES), model())
    found = malsori.retime(NUMBERS, subtitle(LINES, 7), model())
    assert [(cue.start, cue.end) for cue in found.subtitle.cues] == spans(told)
    assert [word.text for word in found.alignment.words] == " ".join(LINES).split()
    assert found.warnings == ()


def test_markup_notes_and_line_breaks_stay_and_are_not_listened_for() -> None:
    marked = [
        "{\\an8}<i>제 번호는</i>\n오 사 칠 삼입니다",
        "[음악]",
        "- 답은 이백오십팔입니다",
        "<b>방 번호는</b> [웃음] 삼 육 칠 팔 일입니다",
        "버스 번호는 일 오 삼 구 오입니다\n♪ 삼십오 분 뒤에 깨워 주세요 ♪",
    ]
    plain = malsori.align(NUMBERS, "\n".join(LINES), model())
    found = malsori.retime(NUMBERS, subtitle(marked), model())
    cues = found.subtitle.cues
    lines = spans(plain)
    assert ["\n".join(cue.lines) for cue in cues] == marked
    assert [cue.start for cue in (cues[0], *cues[2:])] == [start for start, _ in lines[:4]]
    assert cues[4].end == lines[4][1]
    assert cues[0].end < cues[1].start < cues[1].end < cues[2].start  # a note stays between its neighbours
    assert found.warnings == ()


def test_a_cue_that_is_not_heard_moves_with_those_around_it_and_is_told() -> None:
    wrong = [*LINES[:2], "it will rain", *LINES[3:]]
    found = malsori.retime(NUMBERS, subtitle(wrong, 30), model())
    cue = found.subtitle.cues[2]
    spoken = spans(malsori.align(NUMBERS, "\n".join(LINES), model()))[2]
    assert (cue.start, cue.end) == pytest.approx(spoken, abs=0.6)
    assert found.warnings[-1] == "1 of 5 cues were not found in the sound, and move with those around them: 3"


def test_where_no_cue_is_heard_all_keep_their_times() -> None:
    found = malsori.retime(NUMBERS, subtitle(["it will rain", "and snow"], 2), model())
    assert [(cue.start, cue.end) for cue in found.subtitle.cues] == [(2.0, 5.0), (6.0, 9.0)]
    assert found.warnings[-1] == "2 of 2 cues were not found in the sound, and keep their times: 1, 2"


def test_cues_that_are_not_in_order_are_found_by_their_times() -> None:
    first, second, *rest = read_subtitle(subtitle(LINES), "a").cues
    found = malsori.retime(NUMBERS, Subtitle("srt", (second, first, *rest)), model())
    plain = spans(malsori.align(NUMBERS, "\n".join(LINES), model()))
    assert [cue.start for cue in found.subtitle.cues[:3]] == [plain[1][0], plain[0][0], plain[2][0]]


def test_a_subtitle_of_notes_alone_has_nothing_to_find() -> None:
    with pytest.raises(OptionError, match="at least one cue that is spoken, found markup and notes alone"):
        malsori.retime(NUMBERS, subtitle(["[music]", "<i></i>"]), model())


def test_a_text_that_is_a_subtitle_is_refused_by_align() -> None:
    with pytest.raises(OptionError, match=r"found a subtitle; malsori\.retime takes one"):
        malsori.align(NUMBERS, subtitle(LINES), model())


def test_words_without_letters_are_told_in_one_line() -> None:
    (warning,) = malsori.align(NUMBERS, "제 번호는 5473입니다\n답은 258입니다", model()).warnings
    assert warning.startswith("the model lacks letters for 2 of 5 words (5473입니다, 258입니다), which take the sound")
