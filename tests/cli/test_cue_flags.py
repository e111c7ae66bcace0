"""The flags of subtitles: refused before work, taken by `transcribe` and `align`, told where they do nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pysubs2
import pytest

from malsori.cli.main import main
from malsori.output.breaking import cells
from tests.shipped import ROOT

SAMPLES = ROOT / "samples"
NUMBERS, TEXT = str(SAMPLES / "numbers.wav"), str(SAMPLES / "numbers.txt")


def transcribed(capsys: pytest.CaptureFixture[str], *flags: str, format: str = "srt") -> pysubs2.SSAFile:
    """Return the cues of the long sample."""
    assert main(["transcribe", NUMBERS, "--model", "nano-ctc-ko", "-q", "-f", format, *flags]) == 0
    return pysubs2.SSAFile.from_string(capsys.readouterr().out, format_=format)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--max-line-width", "0"], "--max-line-width: expected a whole number from 1 to 1000, found 0"),
        (["--max-line-count", "0"], "--max-line-count: expected a whole number from 1 to 10, found 0"),
        (["--max-words-per-line", "-3"], "--words-per-line: expected a whole number from 1 to 1000, found -3"),
        (["--max-cue-s", "0.5"], "--max-cue-s: expected 1 to 3600 seconds, found 0.5"),
    ],
)
@pytest.mark.parametrize("command", [["transcribe", "nowhere.wav"], ["align", "nowhere.wav", "--text", "a"]])
def test_a_value_out_of_range_is_refused_before_a_model_is_loaded(
    command: list[str], flags: list[str], told: str, capsys: pytest.CaptureFixture[str]
):
    assert main([*command, "--model", "none-such", "-f", "srt", *flags]) == 2
    assert capsys.readouterr().err == f"malsori: {told}\n"


def test_lines_are_as_narrow_as_asked(capsys: pytest.CaptureFixture[str]):
    cues = transcribed(capsys, "--max_line_width", "16", "--max_line_count", "1")
    assert max(cells(cue.plaintext) for cue in cues) <= 16
    assert all("\n" not in cue.plaintext for cue in cues)


@pytest.mark.parametrize("flag", ["--words-per-line", "--max-words-per-line", "--max_words_per_line"])
def test_words_per_line_has_two_spellings(flag: str, capsys: pytest.CaptureFixture[str]):
    assert all(len(cue.plaintext.split()) <= 2 for cue in transcribed(capsys, flag, "2"))


def test_cues_last_no_longer_than_asked(capsys: pytest.CaptureFixture[str]):
    assert all(cue.duration <= 1500 for cue in transcribed(capsys, "--max-cue-s", "1.5"))


@pytest.mark.parametrize("format", ["srt", "vtt"])
def test_each_word_is_highlighted_once(format: str, capsys: pytest.CaptureFixture[str]):
    assert main(["transcribe", NUMBERS, "--model", "nano-ctc-ko", "-q", "-f", format, "--highlight_words", "True"]) == 0
    words = Path(TEXT).read_text(encoding="utf-8").split()
    found = [line.split("<u>")[1].split("</u>")[0] for line in capsys.readouterr().out.splitlines() if "<u>" in line]
    assert found == words


def test_all_formats_have_cues_from_words_and_json_has_words_only_when_asked(tmp_path: Path):
    for folder, flags in (("plain", []), ("words", ["--word-timestamps"])):
        into = str(tmp_path / folder)
        assert main(["transcribe", NUMBERS, "--model", "nano-ctc-ko", "-q", "-f", "all", "-o", into, *flags]) == 0
    plain, words = (json.loads((tmp_path / name / "numbers.json").read_text("utf-8")) for name in ("plain", "words"))
    assert all("words" not in segment for segment in plain["segments"])
    assert all(segment["words"] for segment in words["segments"])
    cues = [(tmp_path / name / "numbers.srt").read_text("utf-8") for name in ("plain", "words")]
    assert cues[0] == cues[1]


def test_flags_that_the_format_has_no_place_for_are_told(capsys: pytest.CaptureFixture[str]):
    flags = ["--max-line-width", "20", "--highlight-words"]
    line = (
        "malsori: warning, tsv cannot show the results of --max-line-width, --highlight-words; srt and vtt can: -f srt"
    )
    assert main(["transcribe", NUMBERS, "--model", "nano-ctc-ko", "-f", "tsv", *flags]) == 0
    assert line in capsys.readouterr().err.splitlines()
    assert main(["align", NUMBERS, TEXT, *flags]) == 0
    assert line in capsys.readouterr().err.splitlines()


def test_align_cuts_cues_anew_only_where_a_flag_asks_for_it(capsys: pytest.CaptureFixture[str]):
    assert main(["align", NUMBERS, TEXT, "-q", "-f", "srt", "--cues", "line"]) == 0
    lines = pysubs2.SSAFile.from_string(capsys.readouterr().out)
    assert [cue.plaintext for cue in lines] == Path(TEXT).read_text(encoding="utf-8").splitlines()
    assert main(["align", NUMBERS, TEXT, "-q", "-f", "srt", "--max-line-width", "16"]) == 0
    narrow = pysubs2.SSAFile.from_string(capsys.readouterr().out)
    assert max(cells(line) for cue in narrow for line in cue.plaintext.split("\n")) <= 16
    assert " ".join(cue.plaintext for cue in narrow).split() == Path(TEXT).read_text(encoding="utf-8").split()
