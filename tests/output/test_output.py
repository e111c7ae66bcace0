"""Writers: layouts of the whisper family, agreement between formats, and files that are whole or absent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pysubs2
import pytest

from malsori.errors import OptionError, OutputError
from malsori.output import FORMATS, CueOptions, atomic_file, render, write
from malsori.output.writers import CUES
from malsori.types import Segment, Transcript, Word


def transcript(*segments: Segment) -> Transcript:
    text = " ".join(segment.text for segment in segments)
    return Transcript(text, "ko", 0.98765, 4000.0, segments, "nano-ctc-ko", ("cut short",))


LONG = transcript(
    Segment("거실 불 켜 줘", 0.0, 2.5, 0.9, (Word("거실", 0.0, 0.4, 0.99),)),
    Segment("열두 시 삼십 분", 59.9996, 61.0004, 0.8),
    Segment("the end", 3661.5, 3662.0625, 0.7),
)


def test_txt_has_one_segment_per_line():
    assert render(LONG, "txt") == "거실 불 켜 줘\n열두 시 삼십 분\nthe end\n"


def test_srt_numbers_its_cues_and_always_shows_hours():
    assert render(LONG, "srt") == (
        "1\n00:00:00,000 --> 00:00:02,500\n거실 불 켜 줘\n\n"
        "2\n00:01:00,000 --> 00:01:01,000\n열두 시 삼십 분\n\n"
        "3\n01:01:01,500 --> 01:01:02,500\nthe end\n\n"
    )


def test_vtt_shows_hours_only_when_there_are_any():
    assert render(LONG, "vtt") == (
        "WEBVTT\n\n"
        "00:00.000 --> 00:02.500\n거실 불 켜 줘\n\n"
        "01:00.000 --> 01:01.000\n열두 시 삼십 분\n\n"
        "01:01:01.500 --> 01:01:02.500\nthe end\n\n"
    )


def test_tsv_has_integer_milliseconds():
    assert render(LONG, "tsv").splitlines() == [
        "start\tend\ttext",
        "0\t2500\t거실 불 켜 줘",
        "60000\t61000\t열두 시 삼십 분",
        "3661500\t3662062\tthe end",
    ]


def test_json_is_the_dictionary_of_the_transcript_with_letters_unescaped():
    text = render(LONG, "json")
    assert json.loads(text) == LONG.to_dict()
    assert "거실" in text
    assert json.loads(text)["segments"][0]["words"][0]["word"] == "거실"


def test_srt_and_vtt_of_whole_segments_tsv_and_json_agree_when_read_back():
    awkward = transcript(*(Segment(f"word {n}", n * 0.70005, n * 0.70005 + 0.4995, 0.5) for n in range(200)))
    rows = [line.split("\t") for line in render(awkward, "tsv").splitlines()[1:]]
    from_tsv = [(int(start), int(end), text) for start, end, text in rows]
    from_json = [
        (round(segment["start"] * 1000), round(segment["end"] * 1000), segment["text"])
        for segment in json.loads(render(awkward, "json"))["segments"]
    ]
    assert _cues(awkward, "srt", None) == _cues(awkward, "vtt", None) == from_tsv == from_json
    assert [text for _, _, text in from_tsv] == render(awkward, "txt").splitlines()


def test_an_arrow_line_breaks_and_tabs_in_a_text_do_not_break_a_cue():
    tricky = transcript(Segment(" a --> b\n\n2\tc ", 1.0, 2.0, 0.5), Segment("d", 4.0, 5.0, 0.5))
    assert [text for _, _, text in _cues(tricky, "srt")] == ["a -> b 2 c", "d"]
    assert render(tricky, "tsv").splitlines()[1] == "1000\t2000\ta --> b 2 c"
    assert len(render(tricky, "txt").splitlines()) == 2


def test_markup_characters_are_escaped_in_vtt_only():
    marked = transcript(Segment("AT&T <b>", 0.0, 1.0, 0.5))
    assert "AT&amp;T &lt;b&gt;" in render(marked, "vtt")
    assert "AT&T <b>" in render(marked, "srt")


def test_a_segment_without_text_is_no_cue():
    assert _cues(transcript(Segment(" ", 0.0, 1.0, 0.5), Segment("a", 1.0, 2.0, 0.5)), "srt") == [(1000, 2000, "a")]


def test_a_silent_recording_gives_valid_empty_files():
    empty = transcript()
    assert [render(empty, format) for format in ("txt", "srt", "vtt", "tsv")] == [
        "",
        "",
        "WEBVTT\n\n",
        "start\tend\ttext\n",
    ]


def test_an_unknown_format_is_refused_with_the_ones_there_are():
    with pytest.raises(OptionError, match="docx.*" + ", ".join(FORMATS)):
        render(LONG, "docx")


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_holds_the_rendered_text_as_utf8_and_replaces_the_old_one(tmp_path: Path, format: str):
    path = tmp_path / f"a.{format}"
    path.write_text("old")
    write(LONG, path, format)
    assert path.read_bytes() == render(LONG, format).encode()
    assert os.listdir(tmp_path) == [path.name]


def test_a_new_file_has_the_permissions_that_the_umask_leaves(tmp_path: Path):
    write(LONG, tmp_path / "a.txt", "txt")
    (tmp_path / "b.txt").write_text("")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def test_an_interrupt_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        _interrupted_write(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_no_file_takes_the_place_of_a_pipe_or_a_device(tmp_path: Path):
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match=r"pipe\.txt: cannot be written, it is no regular file"):
        write(LONG, pipe, "txt")
    assert pipe.is_fifo()


def test_a_missing_folder_is_an_output_error_that_names_the_file(tmp_path: Path):
    with pytest.raises(OutputError, match=r"nowhere/a\.txt: cannot be written, No such file"):
        write(LONG, tmp_path / "nowhere" / "a.txt", "txt")


FULL_DISK = """
import resource, signal, sys
from malsori.errors import OutputError
from malsori.output import write
from malsori.types import Segment, Transcript
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
long = Transcript("", "ko", 1.0, 1.0, tuple(Segment("word " * 50, 0.0, 1.0, 1.0) for _ in range(100)), "m")
try:
    write(long, sys.argv[1], "srt")
except OutputError as error:
    print(error)
"""


def test_a_disk_that_fills_up_is_an_output_error_and_leaves_nothing_half_written(tmp_path: Path):
    path = tmp_path / "a.srt"
    path.write_text("old")
    run = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True)
    assert "a.srt: cannot be written, File too large" in run.stdout
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.srt"]


def test_a_name_of_255_bytes_can_be_written(tmp_path: Path):
    path = tmp_path / ("a" * 251 + ".txt")
    write(LONG, path, "txt")
    assert path.exists()


def _interrupted_write(path: Path) -> None:
    with atomic_file(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt


def _cues(transcript: Transcript, format: str, options: CueOptions | None = CUES) -> list[tuple[int, int, str]]:
    subtitles = pysubs2.SSAFile.from_string(render(transcript, format, options), format_=format)
    return [(cue.start, cue.end, cue.plaintext) for cue in subtitles]
