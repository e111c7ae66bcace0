"""Speakers in each format: whose each line and cue is, that no cue has two, and that a label breaks no format."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

import pysubs2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.output import Cue, CueOptions, cues_of, render
from malsori.output.breaking import cells
from malsori.subtitles import read_subtitle
from malsori.types import Segment, Transcript, Word

PACE = 0.3  # seconds of a word


def turn(speaker: str | None, text: str, start: float) -> Segment:
    words = [
        Word(word, start + index * PACE, start + (index + 1) * PACE, 0.9) for index, word in enumerate(text.split())
    ]
    return Segment(text, start, words[-1].end, 0.9, tuple(words), speaker=speaker)


def dialogue(*turns: Segment, duration: float = 0.0) -> Transcript:
    end = max(each.end for each in turns)
    return Transcript("", "en", 1.0, duration or end, tuple(sorted(turns, key=lambda each: each.start)), "m")


CALL = dialogue(
    turn("left", "hello who is it", 0.0),
    turn("right", "it is me", 1.5),
    turn("left", "ah good", 3.0),
)


def test_a_line_of_txt_begins_with_its_speaker() -> None:
    assert render(CALL, "txt") == "left: hello who is it\nright: it is me\nleft: ah good\n"


def test_tsv_has_a_column_of_speakers_only_where_there_are_any() -> None:
    assert render(CALL, "tsv").splitlines()[:2] == ["start\tend\tspeaker\ttext", "0\t1200\tleft\thello who is it"]
    assert render(dialogue(turn(None, "hello", 0.0)), "tsv").splitlines() == ["start\tend\ttext", "0\t300\thello"]


def test_json_has_a_speaker_of_each_segment_only_where_there_is_one() -> None:
    assert [each["speaker"] for each in json.loads(render(CALL, "json"))["segments"]] == ["left", "right", "left"]
    assert "speaker" not in json.loads(render(dialogue(turn(None, "hello", 0.0)), "json"))["segments"][0]


@pytest.mark.parametrize("cues", [CueOptions(), None])
def test_a_cue_of_srt_begins_with_its_speaker(cues: CueOptions | None) -> None:
    shown = [block.split("\n", 2)[2] for block in render(CALL, "srt", cues).strip().split("\n\n")]
    assert shown == ["left: hello who is it", "right: it is me", "left: ah good"]


@pytest.mark.parametrize("cues", [CueOptions(), None])
def test_a_cue_of_vtt_has_the_voice_of_its_speaker(cues: CueOptions | None) -> None:
    shown = [block.split("\n", 1)[1] for block in render(CALL, "vtt", cues).strip().split("\n\n")[1:]]
    assert shown == ["<v left>hello who is it", "<v right>it is me", "<v left>ah good"]


def test_names_with_signs_of_a_format_break_none() -> None:
    name = "a --> b & <i>"
    call = dialogue(turn(name, "hello", 0.0), turn("b", "yes", 2.0))
    assert "<v a --&gt; b &amp; &lt;i&gt;>hello" in render(call, "vtt")
    assert "a -> b & <i>: hello" in render(call, "srt")
    for format in ("srt", "vtt"):
        assert len(read_subtitle(render(call, format), "x", format).cues) == 2  # type: ignore[arg-type]


def test_a_cue_makes_room_for_the_next_speaker_and_overlaps_who_speaks_at_once() -> None:
    alone = dialogue(turn("a", "yes", 0.0), duration=9.0)
    assert next(cues_of(alone, CueOptions())).end == 1.0
    answered = list(cues_of(dialogue(turn("a", "yes", 0.0), turn("b", "no", 0.6), duration=9.0), CueOptions()))
    assert [(each.start, each.end) for each in answered] == [(0.0, 0.6), (0.6, 1.6)]
    both = list(cues_of(dialogue(turn("a", "one two three four", 0.0), turn("b", "five six", 0.5)), CueOptions()))
    assert [(each.speaker, each.start, each.end >= 0.5 + PACE) for each in both] == [("a", 0.0, True), ("b", 0.5, True)]
    assert both[0].end == pytest.approx(1.2)


def test_lines_of_srt_leave_room_for_the_label() -> None:
    text = "a sentence with a good many words in it, so that it does not fit on one line of a subtitle at all"
    shown = render(dialogue(turn("the customer", text, 0.0)), "srt")
    lines = [line for line in shown.splitlines() if line and "-->" not in line and not line.isdigit()]
    assert max(map(cells, lines)) <= 42
    assert " ".join(lines).replace("the customer: ", "") == text


def test_of_one_speaker_without_a_name_cues_are_as_they_were() -> None:
    named = dialogue(turn("left", "hello who is it", 0.0), turn("left", "ah good", 3.0))
    bare = dialogue(turn(None, "hello who is it", 0.0), turn(None, "ah good", 3.0))
    strip = [(each.start, each.end, each.text) for each in cues_of(named, CueOptions())]
    assert strip == [(each.start, each.end, each.text) for each in cues_of(bare, CueOptions())]


turns = st.lists(
    st.builds(
        turn,
        st.sampled_from(["left", "right", "channel 3"]),
        st.text("abc .", min_size=1, max_size=60).map(lambda text: text.strip() or "a"),
        st.floats(0.0, 30.0),
    ),
    min_size=1,
    max_size=12,
)


def words_of(cues: Sequence[Cue], speaker: str | None) -> list[str]:
    return [word.text for cue in cues if cue.speaker == speaker for line in cue.lines for word in line]


@settings(deadline=None)
@given(turns, st.booleans())
def test_no_word_is_lost_or_moved_and_no_cue_has_two_speakers(spoken: list[Segment], highlighted: bool) -> None:
    call = dialogue(*spoken)
    cues = list(cues_of(call, CueOptions(highlight_words=highlighted)))
    assert [each.start for each in cues] == sorted(each.start for each in cues)
    for speaker in {each.speaker for each in call.segments}:
        own = [each for each in cues if each.speaker == speaker]
        said = [word for each in call.segments if each.speaker == speaker for word in each.text.split()]
        if not highlighted:
            assert words_of(own, speaker) == said
        assert all(before.end <= after.start + 1e-9 for before, after in pairwise(own))
    assert all(each.end > each.start for each in cues)


@settings(deadline=None, max_examples=50)
@given(turns)
def test_another_program_reads_what_was_said(spoken: list[Segment]) -> None:
    call = dialogue(*spoken)
    shown = pysubs2.SSAFile.from_string(render(call, "srt"), format_="srt")
    assert len(shown) == len(list(cues_of(call, CueOptions(), labelled=True)))
    said = " ".join(each.plaintext.replace("\n", " ").split(": ", 1)[1] for each in shown)
    assert sorted(said.split()) == sorted(word for each in call.segments for word in each.text.split())
