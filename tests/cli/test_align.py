"""The command `malsori align`, and `--align-with` of `malsori transcribe`, through the shipped models."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pysubs2
import pytest

from malsori.cli.main import main
from malsori.cli.sources import LONGEST
from tests.shipped import ROOT

SAMPLES = ROOT / "samples"
NUMBERS, TEXT = str(SAMPLES / "numbers.wav"), str(SAMPLES / "numbers.txt")
WORDS = (SAMPLES / "numbers.txt").read_text(encoding="utf-8").split()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what a command prints that goes well and has nothing to complain about."""
    assert main([*arguments, "--quiet"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def complaint(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """Return the one line that a command which fails with `code` writes."""
    assert main([*arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return line


def test_each_word_is_a_row_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    header, *rows = [line.split("\t") for line in run(capsys, "align", NUMBERS, TEXT).splitlines()]
    assert header == ["start", "end", "text"]
    assert [text for _, _, text in rows] == WORDS
    times = [int(time) for start, end, _ in rows for time in (start, end)]
    assert times == sorted(times)


@pytest.mark.parametrize("format", ["srt", "vtt"])
def test_each_line_is_a_cue_when_asked(format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / f"numbers.{format}"
    assert run(capsys, "align", NUMBERS, TEXT, "--cues", "line", "-f", format, "-o", str(target)) == ""
    cues = pysubs2.load(str(target))
    assert [cue.plaintext for cue in cues] == (SAMPLES / "numbers.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("format", ["srt", "vtt"])
def test_a_text_without_further_flags_is_cut_into_its_lines_and_sentences(
    format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (SAMPLES / "numbers.txt").read_text(encoding="utf-8").splitlines()
    run(capsys, "align", NUMBERS, TEXT, "-o", str(tmp_path / f"lines.{format}"))
    assert [cue.plaintext for cue in pysubs2.load(str(tmp_path / f"lines.{format}"))] == lines
    sentences = [f"{line}." for line in lines]
    run(capsys, "align", NUMBERS, "--text", " ".join(sentences), "-o", str(tmp_path / f"sentences.{format}"))
    cues = pysubs2.load(str(tmp_path / f"sentences.{format}"))
    assert [" ".join(cue.plaintext.split()) for cue in cues] == sentences
    words = pysubs2.SSAFile.from_string(run(capsys, "align", NUMBERS, TEXT, "-f", format, "--cues", "word"), format)
    assert [cue.plaintext for cue in words] == WORDS


def test_json_has_the_characters_of_each_word(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "align", NUMBERS, "--text", "제 번호는, 5!", "-f", "json"))
    assert [word["word"] for word in found["words"]] == ["제", "번호는,", "5!"]
    assert [character["character"] for character in found["words"][1]["characters"]] == list("번호는,")


def test_the_text_may_come_in_on_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\ufeff제 번호는".encode())))
    assert run(capsys, "align", NUMBERS, "-", "-f", "txt").splitlines() == ["제", "번호는"]


def test_the_sound_may_come_in_on_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path(NUMBERS).read_bytes())))
    assert run(capsys, "align", "-", TEXT, "-f", "txt").split() == WORDS


def test_both_cannot(capsys: pytest.CaptureFixture[str]) -> None:
    assert "can be read once" in complaint(capsys, 2, "align", "-", "-")


def test_a_text_that_is_not_utf8_is_told_with_its_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_bytes("제 ".encode() + "번호".encode("cp949"))
    line = complaint(capsys, 2, "align", NUMBERS, str(tmp_path / "a.txt"))
    assert line.endswith("a.txt: expected UTF-8, found the byte 0xb9 at 4; save it as UTF-8")


def test_a_text_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "none.txt: expected a text file that can be read, found no such file" in complaint(
        capsys, 2, "align", NUMBERS, "none.txt"
    )


def test_a_file_that_is_too_long_for_a_text_is_not_read_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "endless.txt").open("wb") as file:
        file.truncate(LONGEST + 1)
    line = complaint(capsys, 2, "align", NUMBERS, str(tmp_path / "endless.txt"))
    assert line.endswith("endless.txt: expected a text file that can be read, found more than 64 MiB")


def test_an_empty_text_file_is_told_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.txt").write_text("\n", encoding="utf-8")
    line = complaint(capsys, 2, "align", NUMBERS, str(tmp_path / "empty.txt"))
    assert line.endswith("empty.txt: expected at least one word to align, found none")


def test_a_sound_in_the_place_of_the_text_is_told_with_the_order(capsys: pytest.CaptureFixture[str]) -> None:
    line = complaint(capsys, 2, "align", TEXT, NUMBERS)
    assert line.endswith("numbers.wav: expected a text, found a sound file; the order is malsori align FILE TRANSCRIPT")


def test_the_ending_of_the_output_is_its_format_unless_one_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, flags, begin in (("a.SRT", [], "1\n"), ("a.srt", ["-f", "vtt"], "WEBVTT"), ("a.x", [], "start\t")):
        run(capsys, "align", NUMBERS, "--text", "제 번호는", "-o", str(tmp_path / name), *flags)
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(begin)


@pytest.mark.parametrize(
    ("path", "reason"), [("no/such/x.tsv", "is no folder"), (".", "it is a folder"), ("x" * 300, "File name too long")]
)
def test_an_output_that_cannot_be_is_refused_before_the_work(
    path: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reason in complaint(capsys, 1, "align", "none.wav", TEXT, "-o", path, "--model", "none")


def test_what_is_there_of_a_truncated_file_is_aligned_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.wav"
    cut.write_bytes(Path(NUMBERS).read_bytes()[:100_000])
    assert "--allow-truncated" in complaint(capsys, 1, "align", str(cut), "--text", "제 번호는", "--quiet")
    assert main(["align", str(cut), "--text", "제 번호는", "--allow-truncated"]) == 0
    assert "cut.wav: warning, cut short" in capsys.readouterr().err


def test_a_text_that_was_not_spoken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["align", NUMBERS, "--text", "it will rain", "-f", "txt"]) == 0
    assert "numbers.wav: warning, 3 of 3 words were not found in the sound; do the" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], [TEXT, "--text", "제"]])
def test_there_is_one_text(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "either TRANSCRIPT or --text" in complaint(capsys, 2, "align", NUMBERS, *arguments)


def test_an_empty_text_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "at least one word" in complaint(capsys, 2, "align", NUMBERS, "--text", " ")


def test_a_text_too_long_for_its_sound_is_told_with_both_lengths(capsys: pytest.CaptureFixture[str]) -> None:
    line = complaint(capsys, 1, "align", str(SAMPLES / "korean.wav"), "--text", "가나다라 " * 100)
    assert "korean.wav: expected 800 frames (16.00 s) or more, for the 800 tokens of the text, found 221" in line


def test_a_model_that_cannot_align_says_which_can(capsys: pytest.CaptureFixture[str]) -> None:
    line = complaint(capsys, 2, "align", NUMBERS, TEXT, "--model", "nano-whisper")
    assert line.endswith("can, such as nano-ctc-ko")


SUBTITLE = """\
1
00:00:10,000 --> 00:00:11,000
<i>제 번호는</i>
오 사 칠 삼입니다

2
00:00:12,000 --> 00:00:13,000
- 답은 이백오십팔입니다 [웃음]

"""


def test_a_subtitle_is_retimed_as_one_whatever_its_name_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = tmp_path / "given"
    given.write_text(SUBTITLE, encoding="utf-8")
    found = run(capsys, "align", NUMBERS, str(given))
    cues = pysubs2.SSAFile.from_string(found, "srt")
    assert cues[0].start < 1000 < cues[0].end < cues[1].start < cues[1].end
    clock = "00:00:10,000 --> 00:00:11,000"
    assert [line for line in found.splitlines() if "-->" not in line] == [
        line for line in SUBTITLE.splitlines() if "-->" not in line
    ]
    assert clock not in found
    run(capsys, "align", NUMBERS, str(given), "-o", str(tmp_path / "a.vtt"))
    assert (tmp_path / "a.vtt").read_text(encoding="utf-8").startswith("WEBVTT\n\n00:00:00.")
    rows = run(capsys, "align", NUMBERS, str(given), "-f", "tsv").splitlines()
    assert [row.split("\t")[2] for row in rows[1:]] == ["제 번호는 오 사 칠 삼입니다", "답은 이백오십팔입니다"]
    assert run(capsys, "align", NUMBERS, str(given), "--cues", "word", "-f", "txt").split()[:2] == ["제", "번호는"]


def test_a_broken_subtitle_is_refused_by_name_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.srt").write_text(SUBTITLE.replace("12,000 -->", "12,000 ->"), encoding="utf-8")
    line = complaint(capsys, 2, "align", NUMBERS, str(tmp_path / "a.srt"), "--model", "none")
    assert "a.srt: line 7: expected the times of a cue, such as 00:00:01,000 --> 00:00:02,500, found '00:00" in line
    (tmp_path / "b.srt").write_text("제 번호는", encoding="utf-8")
    assert "b.srt: line 1: expected the times" in complaint(capsys, 2, "align", NUMBERS, str(tmp_path / "b.srt"))


def test_a_subtitle_where_sound_is_wanted_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.srt").write_text(SUBTITLE, encoding="utf-8")
    for command in (["transcribe", str(tmp_path / "a.srt")], ["align", str(tmp_path / "a.srt"), TEXT]):
        line = complaint(capsys, 1, *command, "--model", "nano-ctc-ko", "--quiet")
        assert line.endswith("found a subtitle (malsori align SOUND SUBTITLE retimes one)")


class TestAlignWith:
    KOREAN = (str(SAMPLES / "korean.wav"), "--model", "nano-whisper", "-f", "json")

    def test_the_text_stays_and_the_words_get_the_times_of_the_other_model(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        coarse = json.loads(run(capsys, "transcribe", *self.KOREAN, "--word-timestamps"))
        fine = json.loads(run(capsys, "transcribe", *self.KOREAN, "--align-with", "nano-ctc-ko"))
        aligned = json.loads(run(capsys, "align", self.KOREAN[0], "--text", coarse["text"], "-f", "json"))
        assert fine["text"] == coarse["text"]
        assert [(w["word"], w["probability"]) for w in words_of(fine)] == [
            (w["word"], w["probability"]) for w in words_of(coarse)
        ]
        assert [w["start"] for w in words_of(fine)] != [w["start"] for w in words_of(coarse)]
        for mine, theirs in list(zip(words_of(fine), aligned["words"], strict=True))[:4]:
            assert mine["start"] == pytest.approx(theirs["start"], abs=0.03)

    def test_words_are_in_order_and_inside_their_segment(self, capsys: pytest.CaptureFixture[str]) -> None:
        arguments = (NUMBERS, "--model", "nano-whisper", "-f", "json", "--align-with", "nano-ctc-ko")
        found = json.loads(run(capsys, "transcribe", *arguments))
        edges = [time for word in words_of(found) for time in (word["start"], word["end"])]
        assert edges == sorted(edges)
        for segment in found["segments"]:
            assert segment["start"] <= segment["words"][0]["start"]
            assert segment["words"][-1]["end"] <= segment["end"]
            assert " ".join(word["word"] for word in segment["words"]) == segment["text"]
            assert all(word["end"] - word["start"] > 0.019 for word in segment["words"])

    def test_words_of_another_language_keep_their_times_with_a_warning(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ("transcribe", str(SAMPLES / "english.wav"), "--model", "nano-whisper", "-f", "json")
        coarse = json.loads(run(capsys, *arguments, "--word-timestamps"))
        assert main([*arguments, "--align-with", "nano-ctc-ko"]) == 0
        captured = capsys.readouterr()
        assert words_of(json.loads(captured.out)) == words_of(coarse)
        assert "english.wav: warning, the words of 1 segment(s) were not found in the sound" in captured.err

    def test_a_model_that_cannot_align_is_refused_before_the_work(self, capsys: pytest.CaptureFixture[str]) -> None:
        arguments = ("transcribe", NUMBERS, "--align-with", "nano-whisper", "-f", "json")
        assert "cannot align" in complaint(capsys, 2, *arguments)

    def test_a_translation_has_no_words_to_find(self, capsys: pytest.CaptureFixture[str]) -> None:
        arguments = ("transcribe", *self.KOREAN, "--align-with", "nano-ctc-ko", "--task", "translate")
        assert "--align-with finds the words that were spoken" in complaint(capsys, 2, *arguments)


def words_of(transcript: dict) -> list[dict]:
    return [word for segment in transcript["segments"] for word in segment["words"]]
