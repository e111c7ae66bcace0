"""Subtitles read and written: everything that stands in one stays, what is spoken of it is known, the rest is told."""

from __future__ import annotations

from contextlib import suppress

import pysubs2
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from malsori.errors import OptionError
from malsori.subtitles import Subtitle, SubtitleCue, is_subtitle, kind_of, read_subtitle, render_subtitle, spoken

SRT = """\
1
00:00:00,500 --> 00:00:02,920 X1:10 X2:20 Y1:1 Y2:2
{\\an8}- <i>Well</i>, [sighs]
- MARY: no & no.

7
01:02:03,004 --> 01:02:04,000
y < z

8
01:02:05,000 --> 01:02:06,000

"""
VTT = """\
WEBVTT - a talk
Kind: captions

STYLE
::cue { color: red }

NOTE made by hand

intro
00:00.500 --> 00:02.920 align:start position:10%
<v Ann>Well,</v> <c.loud>no</c> &amp; <00:01.500>no
second line

00:01:03.004 --> 00:01:04.000
y &lt; z
"""


def test_srt_comes_back_as_it_was() -> None:
    assert render_subtitle(read_subtitle(SRT, "a.srt"), "srt") == SRT
    assert render_subtitle(read_subtitle("\ufeff" + SRT.replace("\n", "\r\n"), "a.srt"), "srt") == SRT


def test_webvtt_comes_back_with_comments_styles_names_and_settings() -> None:
    read = read_subtitle(VTT, "a.vtt")
    assert [(cue.name, cue.settings) for cue in read.cues] == [("intro", "align:start position:10%"), ("", "")]
    full = VTT.replace("00:00.500 --> 00:02.920", "00:00:00.500 --> 00:00:02.920")
    assert render_subtitle(read, "vtt") == full


def test_other_times_leave_everything_else_in_its_place() -> None:
    moved = read_subtitle(VTT, "a.vtt").retimed([(1.0, 2.0), (3.25, 4.5)])
    text = render_subtitle(moved, "vtt")
    assert "\n\nintro\n00:00:01.000 --> 00:00:02.000 align:start position:10%\n<v Ann>Well,</v>" in text
    assert text.endswith("\n\n00:00:03.250 --> 00:00:04.500\ny &lt; z\n")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["- <i>Well,</i> [sighs]", "- MARY: no &amp; no."], "Well, no & no."),
        (["{\\an8}<font color=\"#fff\">a</font>", "<b>b</b>"], "a b"),
        (["<v Ann Lee>yes <c.x>no</c> <00:01.500>so"], "yes no so"),
        (["[music", "plays]", "(applause)", "♪ la la ♪"], "la la"),
        ([">> so (they say) y < z"], "so (they say) y < z"),
        (["— Ça va ?", "［音楽］はい（笑）", "（拍手）"], "Ça va ? はい（笑）"),
        (["<ruby>東<rt>とう</rt></ruby>京"], "東京"),
        (["At 10:30 it is: 5", "U.S.: no", "a\\Nb"], "At 10:30 it is: 5 no a b"),
        ([], ""),
        (["&lt;i&gt;"], "<i>"),
    ],
)  # fmt: skip
def test_what_is_spoken_is_without_markup_notes_and_names(lines: list[str], said: str) -> None:
    assert spoken(lines) == said


def test_a_subtitle_in_the_other_format_keeps_what_both_have() -> None:
    vtt = render_subtitle(read_subtitle(SRT, "a.srt"), "vtt")
    assert vtt.startswith("WEBVTT\n\n00:00:00.500 --> 00:00:02.920\n- <i>Well</i>, [sighs]\n- MARY: no &amp; no.\n\n")
    assert "y &lt; z" in vtt
    srt = render_subtitle(read_subtitle(VTT, "a.vtt"), "srt")
    assert srt == (
        "1\n00:00:00,500 --> 00:00:02,920\nWell, no & no\nsecond line\n\n2\n00:01:03,004 --> 00:01:04,000\ny < z\n\n"
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (SRT, "srt"),
        (VTT, "vtt"),
        ("\ufeffWEBVTT\n", "vtt"),
        ("0:00:01.5 --> 0:00:02.5\na", "srt"),
        ("[Script Info]\nTitle: a", "an ASS subtitle"),
        ('<?xml version="1.0"?>\n<tt xmlns="x">', "TTML"),
        ("WEBVTTX is a word", ""),
        ("1\na --> b", ""),
        ("", ""),
    ],
)
def test_the_kind_is_told_by_the_content(text: str, kind: str) -> None:
    assert kind_of(text) == kind
    assert is_subtitle(text) == (kind in ("srt", "vtt"))


def test_what_is_only_unusual_is_taken() -> None:
    odd = "0:00:01.5-->0:00:02.25\na\n\n\n\n00:00:03,000 --> 00:00:04,000\nb\n \nc\n\n10:00,000 --> 10:01,000\n1984"
    read = read_subtitle(odd, "a.srt")
    assert [(cue.start, cue.end, cue.lines) for cue in read.cues] == [
        (1.5, 2.25, ("a",)),
        (3.0, 4.0, ("b", "", "c")),
        (600.0, 601.0, ("1984",)),
    ]


@pytest.mark.parametrize(
    ("text", "format", "said"),
    [
        ("1\n00:00:01,000 -> 00:00:02,000\na\n", "srt", "line 2: expected the times of a cue"),
        (SRT + "9\n00:00:01,000 --> \na", "srt", "line 14: expected the times of a cue"),
        (SRT + "9\nlost", "srt", "line 14: expected the times of a cue"),
        (SRT + "9", "srt", "line 14: expected the times of a cue"),
        (SRT + "9\n00:00:61,000 --> 00:01:02,000\na", "srt", "line 14: expected the times"),
        ("1\n00:00:02,000 --> 00:00:01,000\na\n", "srt", "line 2: expected an end at or behind the start"),
        ("0:01,0 --> 0:02,0\na\n0:03,0 --> 0:04,0\nb", "srt", "line 3: expected an empty line before the next cue"),
        ("hello", "srt", "line 1: expected the times of a cue"),
        ("hello", "vtt", "line 1: expected WEBVTT in the first line of a .vtt file, found 'hello'"),
        ("WEBVTT\n00:01.000 --> 00:02.000\na", "vtt", "line 2: expected an empty line between WEBVTT and"),
        ("WEBVTT\n\nname\ntext", "vtt", "line 4: expected the times of a cue, such as 00:01.000 --> 00:02.500"),
        ("WEBVTT\n\nNOTE nothing", "vtt", "expected at least one cue"),
        ("[Script Info]\n", "srt", "expected SubRip (.srt) or WebVTT (.vtt), found an ASS subtitle; a program such as"),
        ("hello", None, "expected SubRip (.srt) or WebVTT (.vtt), found neither"),
    ],
)  # fmt: skip
def test_a_broken_subtitle_is_refused_with_its_line_and_what_was_expected(text: str, format: str, said: str) -> None:
    with pytest.raises(OptionError) as refused:
        read_subtitle(text, "films/a.srt", format)  # type: ignore[arg-type]
    assert str(refused.value).startswith(f"films/a.srt: {said}")
    assert "\n" not in str(refused.value)


LINES = st.lists(st.text("ab <>&-1é가:,", min_size=1, max_size=8).filter(lambda line: line.strip() == line), max_size=2)
CUES = st.lists(st.tuples(st.integers(0, 10_000_000), st.integers(0, 90_000), LINES), min_size=1, max_size=5)


@given(CUES, st.sampled_from(["srt", "vtt"]))
def test_what_is_written_is_read_again_here_and_elsewhere(drawn: list[tuple[int, int, list[str]]], format: str) -> None:
    cues = [SubtitleCue(at / 1000, (at + size) / 1000, tuple(lines)) for at, size, lines in drawn if "-->" not in lines]
    assume(cues)
    made = Subtitle(format, tuple(cues), "WEBVTT" if format == "vtt" else "")  # type: ignore[arg-type]
    text = render_subtitle(made, format)  # type: ignore[arg-type]
    again = read_subtitle(text, "a", format)  # type: ignore[arg-type]
    assert [(cue.start, cue.end, cue.lines) for cue in again.cues] == [(cue.start, cue.end, cue.lines) for cue in cues]
    theirs = pysubs2.SSAFile.from_string(text, format)
    assert [(cue.start, cue.end) for cue in sorted(theirs, key=lambda cue: (cue.start, cue.end))] == sorted(
        (round(cue.start * 1000), round(cue.end * 1000)) for cue in cues
    )


@given(st.text("1\n:,.->0 a[]<WEBVTNOTE\t", max_size=60), st.sampled_from(["srt", "vtt"]))
def test_any_text_is_read_or_refused(text: str, format: str) -> None:
    with suppress(OptionError):
        assert read_subtitle(text, "a", format).cues  # type: ignore[arg-type]
