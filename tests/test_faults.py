"""Small inputs that went wrong once, each with its right answer in words; their kinds have tests of their own."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pysubs2
import pytest

import malsori
from malsori.cli.main import main
from malsori.errors import CorruptAudio
from malsori.joining import written
from malsori.output import render
from tests.shipped import ROOT, model
from tests.sounds import fault

SAMPLES = ROOT / "samples"
JFK = "and so my fellow americans ask not what your country can do for you ask what you can do for your country".split()


@pytest.fixture(scope="module")
def base(stock_base: Path) -> malsori.Transcriber:
    return malsori.load(stock_base)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


@pytest.mark.stock
@pytest.mark.parametrize(
    "name",
    ["chained.opus", "concatenated.mp3", "gap.mkv", "gap.mp4", "late.mp4", "midframe.mp3", "sound.avi"],
)
def test_the_whole_speech_is_heard(base: malsori.Transcriber, name: str) -> None:
    assert words(base.transcribe(fault(name), language="en").text) == JFK


@pytest.mark.stock
def test_sound_that_begins_behind_the_picture_has_the_picture_s_times(base: malsori.Transcriber) -> None:
    late = base.transcribe(fault("late.mp4"), language="en")
    at_once = base.transcribe(fault("late.mp4"), language="en", start_at_zero=True)
    assert 4.1 < late.segments[0].start < 4.6
    assert late.segments[0].start - at_once.segments[0].start == pytest.approx(4.02, abs=0.1)


@pytest.mark.stock
def test_words_behind_a_gap_keep_the_times_of_the_container(base: malsori.Transcriber) -> None:
    for name in ("gap.mkv", "gap.mp4"):
        found = base.transcribe(fault(name), language="en", word_timestamps=True)
        spoken = [word for segment in found.segments for word in segment.words]
        assert spoken[-1].end > 15
        assert any(behind.start - before.end > 4.5 for before, behind in pairwise(spoken))


@pytest.mark.stock
def test_damage_costs_a_word_at_most_where_that_is_allowed_and_is_told(base: malsori.Transcriber) -> None:
    with pytest.raises(CorruptAudio, match=r"damage at 4\.35 s"):
        base.transcribe(fault("damaged.m4a"), language="en")
    found = base.transcribe(fault("damaged.m4a"), language="en", allow_truncated=True)
    heard = words(found.text)
    assert sum(word not in heard for word in JFK) <= 1
    assert len(heard) == len(JFK)
    assert any("0.19 s at 4.35 s" in line for line in found.warnings)


@pytest.mark.stock
@pytest.mark.parametrize(("name", "least"), [("dialogue_in_centre_51.mp4", 20), ("quiet50.flac", 21)])
def test_speech_in_the_centre_and_quiet_speech_are_heard(base: malsori.Transcriber, name: str, least: int) -> None:
    heard = words(base.transcribe(fault(name), language="en").text)
    assert len(heard) >= least
    assert sum(word in heard for word in JFK) >= least


@pytest.mark.stock
@pytest.mark.parametrize(("name", "end"), [("vbr_no_xing.mp3", 4.0), ("wrong_total.flac", 4.0)])
def test_what_a_wrong_count_had_cut_off_is_heard(base: malsori.Transcriber, name: str, end: float) -> None:
    assert base.transcribe(fault(name), language="en").segments[-1].end == pytest.approx(end, abs=0.3)


@pytest.mark.stock
def test_numbers_are_words_and_words_give_their_text_back(base: malsori.Transcriber) -> None:
    found = base.transcribe(fault("en_num.flac"), language="en", word_timestamps=True)
    texts = [word.text for segment in found.segments for word in segment.words]
    assert "3.5" in texts
    assert not [text for text in texts if text[0] in ",.%"]
    assert [written(segment.words) for segment in found.segments] == [segment.text for segment in found.segments]


@pytest.mark.stock
def test_every_word_lasts_a_step(stock_tiny_en: Path) -> None:
    found = malsori.load(stock_tiny_en).transcribe(fault("preface8.flac"), word_timestamps=True)
    assert min(word.end - word.start for segment in found.segments for word in segment.words) >= 0.02 - 1e-9


def test_speech_without_a_pause_becomes_cues_that_people_can_read() -> None:
    found = model("nano-ctc-ko").transcribe(fault("one_cue_108s.opus"))
    assert max(segment.end - segment.start for segment in found.segments) > 80
    cues = pysubs2.SSAFile.from_string(render(found, "srt"), "srt")
    assert len(cues) > 25
    assert max(cue.duration for cue in cues) <= 7_000
    assert max(cue.text.count(r"\N") for cue in cues) <= 1


def test_a_subtitle_is_retimed_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["align", str(SAMPLES / "numbers.wav"), str(fault("numbers.srt")), "--quiet"]) == 0
    cues = pysubs2.SSAFile.from_string(capsys.readouterr().out, "srt")
    assert [cue.text for cue in cues] == (SAMPLES / "numbers.txt").read_text("utf-8").split("\n")[:5]
    assert all(0 <= cue.start < cue.end <= 18_900 for cue in cues)


def test_digits_that_a_model_has_no_letters_for_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["align", str(SAMPLES / "numbers.wav"), str(fault("num_digits.txt"))]) == 0
    assert "the model lacks letters for 5 of 15 words (5473입니다, " in capsys.readouterr().err
