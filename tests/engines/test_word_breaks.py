"""Where words begin in a text: what a reader sees as one word is one, in scripts with spaces and without."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from malsori.engines.word_breaks import is_said, spaced_once, spelled_words, word_begins
from malsori.joining import written


def words(text: str, language: str = "", **marks: str) -> list[str]:
    begins = word_begins(text, language, **marks)
    return [text[begin:end].strip() for begin, end in pairwise([*begins, len(text)])]


@pytest.mark.parametrize(
    "text",
    [
        "1,250 people, aren't they? 3.5 million.",
        "C'est aujourd’hui l'état-major qu'on a.",
        "state-of-the-art $5.50 50% a.m. U.S. e-mail@example.com and/or 10:30",
        "(well), \"yes\" 'no' [laughs] 1914–1918",
        "제 번호는 1,250번, 大韓民國은 3.5입니다.",
        "हिन्दी में। नमस्ते",
        "",
    ],
)
def test_what_stands_between_spaces_is_one_word(text: str) -> None:
    assert words(text) == text.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Comment ça va ? « Bien » !", ["Comment", "ça", "va ?", "« Bien » !"]),
        ("- Hello. - Hi.", ["- Hello.", "- Hi."]),
        ("I was -", ["I", "was -"]),
        (". a", [". a"]),
        ("...", ["..."]),
        ("- -", ["- -"]),
        ("5 % von", ["5", "%", "von"]),
        ("1 000 et 1\u00a0000 et 1\u202f000", ["1", "000", "et", "1\u00a0000", "et", "1\u202f000"]),
    ],
)
def test_marks_between_spaces_belong_to_a_word_and_what_is_said_is_one(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wait...what—no", ["wait...", "what—", "no"]),
        ("he said--well, then…yes", ["he", "said--", "well,", "then…", "yes"]),
        ("1...2", ["1...2"]),
    ],
)
def test_a_word_ends_with_a_dash_or_dots_that_another_follows(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("東京のAI,3.5%です。", "東 京 の AI, 3.5% で す。"),
        ("「はい」と言った。", "「は い」 と 言っ た。"),
        ("コンピューターのスティーブ・ジョブズ", "コンピューター の スティーブ・ ジョブズ"),
        ("e-mailをU.S.A.へ", "e-mail を U.S.A. へ"),
        ("10:30に１，２５０円", "10:30 に １，２５０ 円"),
        ("价格是$5.50,大约1,250元(约3.5%)。", "价 格 是 $5.50, 大 约 1,250 元 (约 3.5%)。"),
        ('他说"你好"。', '他 说 "你 好"。'),
        ("《红楼梦》、三", "《红 楼 梦》、 三"),
        ("สวัสดีเพลง", "ส วั ส ดี เพ ล ง"),
        ("မင်္ဂလာပါ", "မင်္ဂ လာ ပါ"),
        ("ខ្ញុំសុខ", "ខ្ញុំ សុ ខ"),
        ("བཀྲ་ཤིས་བདེ།", "བཀྲ་ ཤིས་ བདེ།"),
    ],
)
def test_without_spaces_what_cannot_stand_alone_stays_together(text: str, expected: str) -> None:
    assert words(text) == expected.split()


def test_korean_in_chinese_letters_has_spaces() -> None:
    assert words("大韓民國 國會", "ko") == ["大韓民國", "國會"]


def test_usual_marks_that_are_not_named_are_words_by_themselves() -> None:
    assert words("(a,!", opening="", closing="!") == ["(", "a", ",!"]
    assert words("50% .", closing="") == ["50%", "."]


def test_a_part_of_several_words_is_one_and_blank_ones_begin_none() -> None:
    found = spelled_words([" ", "我们", "的", "", " 3", ".", "5", " "])
    assert [(word.text, word.spaced, word.first, word.stop) for word in found] == [
        ("我们", True, 1, 2),
        ("的", False, 2, 4),
        ("3.5", True, 4, 8),
    ]
    assert spelled_words([" ", ""]) == []


def test_marks_are_silent_and_symbols_are_said() -> None:
    assert [text for text in (",", "«", "-", "...", "%", "$", "a", "5", "♪") if is_said(text)] == list("%$a5♪")


LETTERS = "ab1 5.,'\"-—%$()「」…、。東京のっーンท เ\u0e31\u0e32가大\u00a0\u3000\n!?#@"


@given(st.lists(st.text(LETTERS, max_size=4)), st.sampled_from(["en", "ja", "ko"]))
@example(["東", "\u00a0", "b"], "ja")
def test_words_joined_are_the_text_with_single_spaces_and_every_word_has_some(parts: list[str], language: str) -> None:
    found = spelled_words(parts, language)
    assert written(found) == spaced_once("".join(parts))
    assert all(word.text.strip() for word in found)
    assert not found or any(map(is_said, "".join(parts).split())) <= any(is_said(word.text) for word in found)


@given(st.text(LETTERS, max_size=30))
@example("\u00a0")
@example("\u00a0の")
@example("1—\u00a01")
def test_no_word_begins_inside_a_number_or_with_a_mark_that_ends_one(text: str) -> None:
    begins = word_begins(text)
    assert begins == sorted(set(begins))
    for at in begins:
        assert not text[at].isspace()
        if at:
            assert not (text[at].isdigit() and text[at - 1].isdigit())
            assert text[at] not in "、。」っー" or text[at - 1].isspace() or text[at - 1] in "—….-"
