"""The command `malsori`: what goes to stdout and stderr, which files appear, and with which code it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from malsori import pipeline
from malsori.cli.console import printable
from malsori.cli.destinations import Destinations
from malsori.cli.main import main
from malsori.cli.parser import Parser, normalise
from malsori.cli.sources import input_files
from malsori.cli.transcribe_flags import add_decoding_flags, add_vad_flags, add_whisper_flags, options_from
from malsori.engines.whisper.options import WhisperOptions
from malsori.formats import FORMATS
from malsori.pipeline import TranscribeOptions
from tests.loudness import recording, wav

ROWS = ("decoded", "spoken", "read", "left")  # of a report


@pytest.mark.usefixtures("loudness", "clips")
class TestTranscribe:
    def test_the_text_goes_to_stdout_and_nothing_else_does(self, capsys: pytest.CaptureFixture[str]):
        assert main(["transcribe", "one.wav"]) == 0
        assert capsys.readouterr() == ("w10\n", "")

    def test_each_line_carries_the_name_when_there_are_several_files(self, capsys: pytest.CaptureFixture[str]):
        assert main(["transcribe", "two.wav", "one.wav"]) == 0
        assert capsys.readouterr().out == "two.wav: w20\ntwo.wav: w30\none.wav: w10\n"

    def test_several_files_as_json_are_one_object_per_line_with_the_name(self, capsys: pytest.CaptureFixture[str]):
        assert main(["transcribe", "one.wav", "two.wav", "-f", "json"]) == 0
        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [(item["file"], item["text"]) for item in found] == [("one.wav", "w10"), ("two.wav", "w20 w30")]

    @pytest.mark.parametrize("format", ["srt", "vtt", "tsv", "json"])
    def test_the_chosen_format_of_one_file_goes_to_stdout(self, format: str, capsys: pytest.CaptureFixture[str]):
        assert main(["transcribe", "one.wav", "--output-format", format]) == 0
        assert "w10" in capsys.readouterr().out

    def test_plain_text_may_be_called_text_as_well(self, clips: Path):
        assert main(["transcribe", "one.wav", "-f", "text", "-o", "out"]) == 0
        assert os.listdir(clips / "out") == ["one.txt"]

    def test_formats_that_cannot_hold_several_files_need_a_folder(self, capsys: pytest.CaptureFixture[str]):
        assert main(["transcribe", "one.wav", "two.wav", "-f", "srt"]) == 2
        assert main(["transcribe", "one.wav", "-f", "all"]) == 2
        assert capsys.readouterr().err.count("add --output-dir DIR") == 2

    def test_a_folder_gets_all_formats_and_stdout_stays_empty(self, clips: Path, capsys: pytest.CaptureFixture[str]):
        assert main(["transcribe", "one.wav", "two.wav", "-o", "deep/out", "-f", "all"]) == 0
        names = sorted(f"{name}.{format}" for name in ("one", "two") for format in FORMATS)
        assert sorted(os.listdir(clips / "deep/out")) == names
        assert (clips / "deep/out/two.txt").read_text() == "w20\nw30\n"
        assert capsys.readouterr().out == ""

    def test_a_report_tells_what_became_of_each_second_and_of_all_files(self, capsys: pytest.CaptureFixture[str]):
        assert main(["transcribe", "one.wav", "two.wav", "--report", "--quiet"]) == 0
        out, err = capsys.readouterr()
        lines = [line.removeprefix("malsori: ").split() for line in err.splitlines()]
        assert out == "one.wav: w10\ntwo.wav: w20\ntwo.wav: w30\n"
        assert [line[0] for line in lines] == ["one.wav", *ROWS, "two.wav", *ROWS, "all", *ROWS]
        one, two, both = (float(lines[row][1]) for row in (1, 6, 11))
        assert (one, two, both) == (2.5, 4.0, 6.5)
        assert lines[4][4:10] == ["no", "speech,", "by", "the", "gate,", "in"]

    def test_without_speech_nothing_is_read_and_no_report_comes_unasked(
        self, clips: Path, capsys: pytest.CaptureFixture[str]
    ):
        (clips / "none.wav").write_bytes(wav(recording(pause=3.0)))
        assert main(["transcribe", "none.wav"]) == 0
        assert capsys.readouterr().err == ""
        assert main(["transcribe", "none.wav", "--report", "--clip-timestamps", "1,2"]) == 0
        err = capsys.readouterr().err
        assert "spoken" not in err
        assert "left out      2.00 s  outside of --clip-timestamps, in 2 parts, the first at 0.00 s" in err

    def test_of_all_files_without_speech_none_is_spoken(self, clips: Path, capsys: pytest.CaptureFixture[str]):
        for name in ("none.wav", "nothing.wav"):
            (clips / name).write_bytes(wav(recording(pause=3.0)))
        assert main(["transcribe", "none.wav", "nothing.wav", "--report"]) == 0
        sums = capsys.readouterr().err.split("all 2 files\n")[1]
        assert sums.splitlines()[1].split() == ["malsori:", "spoken", "0.00", "s"]

    def test_two_inputs_of_one_stem_keep_both_results(self, clips: Path):
        (clips / "b").mkdir()
        (clips / "b" / "one.wav").write_bytes(wav(recording((40, 0.5))))
        for files in (["one.wav", "b/one.wav"], ["b/one.wav", "one.wav"]):
            assert main(["transcribe", *files, "-o", "out"]) == 0
            assert (clips / f"out/{clips.name}/one.txt").read_text() == "w10\n"
            assert (clips / "out/b/one.txt").read_text() == "w40\n"
        assert sorted(os.listdir(clips / "out")) == ["b", clips.name]

    def test_a_name_that_is_also_anothers_is_not_the_first_ones_when_that_is_away(self, clips: Path):
        (clips / "one.mp3").write_bytes(wav(recording((40, 0.5))))
        assert main(["transcribe", "one.wav", "one.mp3", "-o", "out"]) == 0
        assert main(["transcribe", "one.mp3", "-o", "out"]) == 0
        written = {path.name: path.read_text() for path in (clips / "out").iterdir()}
        assert written == {"one.wav.txt": "w10\n", "one.mp3.txt": "w40\n", "one.txt": "w40\n"}

    def test_a_file_that_is_given_twice_is_written_once(self, clips: Path):
        assert main(["transcribe", "one.wav", f"{clips}/one.wav", "./one.wav", "-o", "out"]) == 0
        assert os.listdir(clips / "out") == ["one.txt"]

    def test_an_output_of_an_earlier_run_is_replaced(self, clips: Path):
        (clips / "one.txt").write_text("old")
        assert main(["transcribe", "one.wav", "-o", "."]) == 0
        assert (clips / "one.txt").read_text() == "w10\n"

    def test_a_recording_is_never_replaced_by_its_own_transcript(self, clips: Path):
        sound = (clips / "one.wav").read_bytes()
        (clips / "talk.txt").write_bytes(sound)
        assert main(["transcribe", "talk.txt", "-o", "."]) == 0
        assert (clips / "talk.txt").read_bytes() == sound
        assert (clips / "talk.txt.txt").read_text() == "w10\n"

    def test_a_folder_stands_for_its_sound_files(self, clips: Path, capsys: pytest.CaptureFixture[str]):
        (clips / "notes.txt").write_text("no sound")
        (clips / ".hidden.wav").write_bytes((clips / "one.wav").read_bytes())
        (clips / "deep").mkdir()
        (clips / "deep/one.WAV").write_bytes((clips / "one.wav").read_bytes())
        assert main(["transcribe", "."]) == 0
        assert capsys.readouterr().out == "./one.wav: w10\n./two.wav: w20\n./two.wav: w30\n"
        assert main(["transcribe", ".", "--recursive"]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "./deep/one.WAV: w10"
        assert main(["transcribe", "deep"]) == 0
        assert capsys.readouterr().out == "deep/one.WAV: w10\n"

    def test_what_was_found_in_folders_is_written_below_folders_of_the_same_names(self, clips: Path):
        for name, loudness in (("a/x", 10), ("a/b/x", 20), ("c/y", 30)):
            (clips / "talks" / name).parent.mkdir(parents=True, exist_ok=True)
            (clips / f"talks/{name}.wav").write_bytes(wav(recording((loudness, 0.5))))
        assert main(["transcribe", "-r", "talks", "-o", "out"]) == 0
        written = {str(path.relative_to(clips / "out")): path.read_text() for path in (clips / "out").rglob("*.txt")}
        assert written == {"a/x.txt": "w10\n", "a/b/x.txt": "w20\n", "c/y.txt": "w30\n"}

    def test_a_folder_without_sound_says_so(self, clips: Path, capsys: pytest.CaptureFixture[str]):
        (clips / "outer/inner").mkdir(parents=True)
        assert main(["transcribe", "outer", "--model", "none"]) == 1
        told = "malsori: outer: expected a folder with sound files, found none in it"
        assert capsys.readouterr().err == f"{told}\n"
        (clips / "outer/inner/one.wav").write_bytes((clips / "one.wav").read_bytes())
        assert main(["transcribe", "outer", "two.wav", "-o", "out"]) == 1
        err = f"{told}; -r takes those of its folders too\nmalsori: 1 of 2 files failed\n"
        assert capsys.readouterr().err == err
        assert os.listdir(clips / "out") == ["two.txt"]

    @pytest.mark.parametrize("name", ["talk.srt", "talk.TXT", "talk.json"])
    def test_an_output_with_the_ending_of_a_format_is_a_file(self, clips: Path, name: str):
        assert main(["transcribe", "one.wav", "-o", name]) == 0
        assert "w10" in (clips / name).read_text()
        assert sorted(os.listdir(clips)) == sorted(["one.wav", "two.wav", name])

    def test_a_folder_may_have_such_an_ending_too(self, clips: Path):
        (clips / "old.srt").mkdir()
        assert main(["transcribe", "one.wav", "-o", "old.srt"]) == 0
        assert main(["transcribe", "one.wav", "-o", "new.srt/"]) == 0
        assert main(["transcribe", "one.wav", "-o", "new.ass/"]) == 0
        assert main(["transcribe", "one.wav", "-o", "new.ass"]) == 0
        assert [os.listdir(clips / name) for name in ("old.srt", "new.srt", "new.ass")] == [["one.txt"]] * 3

    @pytest.mark.parametrize(
        ("arguments", "code", "told"),
        [
            ("one.wav -o talk.srt -f txt", 2, "-o talk.srt says srt and -f says txt; leave -f out"),
            ("one.wav -o talk.srt -f all", 2, "-o talk.srt says srt and -f says all"),
            (
                "one.wav two.wav -o talk.srt",
                2,
                "one file cannot hold the transcripts of 2; a file for each: -o talk -f srt",
            ),
            ("one.wav -o none/talk.srt", 1, "none/talk.srt: cannot be written, none is no folder"),
            ("talk.txt -o talk.txt", 2, "talk.txt: is the file to be heard"),
            ("one.wav --skip-existing", 2, "--skip-existing is for files that were written; add --output-dir DIR"),
            ("one.wav -o one.wav", 2, f"-o one.wav: expected a name that ends in .{', .'.join(FORMATS)}"),
            ("one.wav -o film.ass", 2, "or a folder; for one so called: -o film.ass/"),
            ("one.wav -o two", 1, "two: cannot be made a folder, File exists"),
            ("one.wav -o one.wav/out", 1, "one.wav/out: cannot be made a folder, Not a directory"),
            ("one.wav -o /proc/out", 1, "/proc/out: cannot be made a folder"),
            ("one.wav -o /proc", 1, "/proc: cannot be written"),
            ("one.wav -o /proc/talk.srt", 1, "/proc/talk.srt: cannot be written"),
            ("one.wav -o pipe.srt", 1, "pipe.srt: cannot be written, it is no regular file; leave -o out"),
            ("one.wav two.wav -f srt", 2, "several files as srt cannot share standard output"),
            (". -f srt", 2, "several files as srt cannot share standard output"),
        ],
    )
    def test_where_results_cannot_go_is_told_before_a_model_is_loaded(
        self, clips: Path, arguments: str, code: int, told: str, capsys: pytest.CaptureFixture[str]
    ):
        (clips / "talk.txt").write_bytes((clips / "one.wav").read_bytes())
        (clips / "two").touch()
        os.mkfifo(clips / "pipe.srt")
        assert main(["transcribe", *arguments.split(), "--model", "none"]) == code
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert told in err

    def test_what_is_there_already_is_skipped_when_that_is_asked_for(
        self, clips: Path, capsys: pytest.CaptureFixture[str]
    ):
        (clips / "out").mkdir()
        (clips / "out/one.txt").write_text("kept")
        command = ["transcribe", "one.wav", "two.wav", "-o", "out", "--skip-existing"]
        assert main(command) == 0
        assert capsys.readouterr().err == "malsori: 1 of 2 files are there already and left out\n"
        assert (clips / "out/one.txt").read_text() == "kept"
        assert (clips / "out/two.txt").read_text() == "w20\nw30\n"
        assert main([*command, "--model", "none"]) == 0  # nothing is loaded for nothing
        assert main([*command, "-f", "all"]) == 0
        assert (clips / "out/one.srt").is_file()

    @pytest.mark.parametrize(("format", "again"), [("txt", 0), ("srt", 0), ("vtt", 1), ("tsv", 1), ("json", 1)])
    def test_an_empty_file_is_no_result_where_even_silence_makes_more(self, clips: Path, format: str, again: bool):
        (clips / "out").mkdir()
        (clips / f"out/one.{format}").touch()
        assert main(["transcribe", "one.wav", "-o", "out", "-f", format, "--skip-existing"]) == 0
        assert bool((clips / f"out/one.{format}").stat().st_size) == again

    @pytest.mark.skipif(os.geteuid() == 0, reason="to root all folders are open")
    def test_a_folder_that_cannot_be_looked_into_is_told(self, clips: Path, capsys: pytest.CaptureFixture[str]):
        (clips / "closed").mkdir(0)
        assert main(["transcribe", ".", "-r", "-o", "out"]) == 1
        told = "malsori: ./closed: expected a folder that can be read, found permission denied\n"
        assert capsys.readouterr().err == told
        assert sorted(os.listdir(clips / "out")) == ["one.txt", "two.txt"]

    def test_what_is_not_there_is_told_before_a_model_is_loaded(self, clips: Path, capsys: pytest.CaptureFixture[str]):
        assert main(["transcribe", "one.wav", "none.wav", "--model", "none"]) == 1
        lines = capsys.readouterr().err.splitlines()
        assert lines[0] == "malsori: none.wav: expected a readable file, found no such file"
        assert lines[1].startswith("malsori: no model named")
        assert main(["transcribe", "none.wav", "--model", "none"]) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1

    def test_a_bad_file_costs_one_line_and_exit_1_and_the_others_are_written(
        self, clips: Path, capsys: pytest.CaptureFixture[str]
    ):
        (clips / "page.wav").write_text("<html>not found</html>")
        (clips / "empty.wav").write_bytes(b"")
        files = ["page.wav", "one.wav", "none.wav", "empty.wav", "two.wav"]
        assert main(["transcribe", *files, "-o", "out"]) == 1
        *lines, last = capsys.readouterr().err.splitlines()
        assert last == "malsori: 3 of 5 files failed"
        assert [line.split(":")[:2] for line in lines] == [["malsori", f" {n}.wav"] for n in ("none", "page", "empty")]
        assert all("expected" in line and "found" in line for line in lines)
        assert sorted(os.listdir(clips / "out")) == ["one.txt", "two.txt"]

    def test_a_file_that_cannot_be_written_costs_only_itself(self, clips: Path, capsys: pytest.CaptureFixture[str]):
        (clips / "out/one.txt/in the way").mkdir(parents=True)
        assert main(["transcribe", "one.wav", "two.wav", "-o", "out"]) == 1
        assert "malsori: one.wav: out/one.txt: cannot be written" in capsys.readouterr().err
        assert sorted(os.listdir(clips / "out")) == ["one.txt", "two.txt"]

    def test_flags_as_the_whisper_family_spells_them_are_understood(self, capsys: pytest.CaptureFixture[str]):
        flags = "--output_format json --word_timestamps True --vad_filter --beam_size 2 --temperature 0 --language KO"
        assert main(["transcribe", *flags.split(), "--vad_threshold=0.4", "one.wav", "--initial_prompt", "a_b"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["segments"][0]["words"][0]["word"] == "w10"
        assert found["language"] == "ko"

    def test_a_bare_boolean_flag_does_not_swallow_the_file_behind_it(self, capsys: pytest.CaptureFixture[str]):
        assert main(["transcribe", "--word-timestamps", "one.wav"]) == 0
        assert capsys.readouterr().out == "w10\n"

    def test_what_the_format_cannot_show_is_told_once(self, capsys: pytest.CaptureFixture[str]):
        told = "malsori: warning, {} cannot show the results of --word-timestamps; json can: -f json\n"
        for format, line in (("txt", told.format("txt")), ("tsv", told.format("tsv")), ("srt", ""), ("json", "")):
            assert main(["transcribe", "one.wav", "--word-timestamps", "-f", format]) == 0
            assert capsys.readouterr().err == line
        assert main(["transcribe", "one.wav", "two.wav", "--word-timestamps", "--quiet"]) == 0
        assert capsys.readouterr().err == ""

    def test_without_the_gate_the_whole_file_is_one_segment(self, capsys: pytest.CaptureFixture[str]):
        assert main(["transcribe", "two.wav", "--vad", "False"]) == 0
        assert capsys.readouterr().out == "w30\n"

    def test_a_mended_file_is_written_with_a_warning_that_quiet_silences(
        self, clips: Path, capsys: pytest.CaptureFixture[str]
    ):
        (clips / "cut.wav").write_bytes((clips / "one.wav").read_bytes()[:-8000])
        assert main(["transcribe", "cut.wav"]) == 1
        assert "--allow-truncated" in capsys.readouterr().err
        assert main(["transcribe", "cut.wav", "--allow-truncated"]) == 0
        assert "malsori: cut.wav: warning, cut short" in (told := capsys.readouterr()).err
        assert told.out == "w10\n"
        assert main(["transcribe", "cut.wav", "--allow-truncated", "--quiet"]) == 0
        assert capsys.readouterr().err == ""

    def test_hot_words_left_out_are_told_once_for_all_files_and_silenced_by_quiet(
        self, capsys: pytest.CaptureFixture[str]
    ):
        assert main(["transcribe", "one.wav", "two.wav", "one.wav", "--hotwords", "x:3"]) == 0
        assert capsys.readouterr().err == "malsori: warning, the hot word 'x' is left out\n"
        assert main(["transcribe", "one.wav", "-f", "json", "--hotwords", "x", "--quiet"]) == 0
        out, err = capsys.readouterr()
        assert (json.loads(out)["warnings"], err) == (["the hot word 'x' is left out"], "")

    def test_hot_words_come_from_a_file_and_a_flag_and_the_flag_wins(self, clips: Path):
        (clips / "words.txt").write_text("\ufeff침실:3\r\n\n서울 역\n거실 : 4.5\n", encoding="utf-8")
        options = options_of("--hotwords-file", "words.txt", "--hotwords", "침실:12, 부엌")
        assert {word.text: word.weight for word in options.decoding.hotwords} == {
            "침실": 12.0,
            "서울 역": 8.0,
            "거실": 4.5,
            "부엌": 8.0,
        }

    def test_the_flags_of_decoding_become_its_options(self, clips: Path):
        (clips / "a.arpa").touch()
        flags = "--beam-width 32 --lm a.arpa --lm-alpha 0.7 --lm-beta -1 --alternatives 3"
        options = options_of(*flags.split()).decoding
        assert (options.beam_size, str(options.ctc.language_model), options.ctc.alternatives) == (32, "a.arpa", 3)
        assert (options.ctc.lm_alpha, options.ctc.lm_beta) == (0.7, -1.0)

    @pytest.mark.parametrize(
        ("arguments", "code", "told"),
        [
            (["--hotwords", "a:b"], 2, "expected WORD or WORD:WEIGHT, found 'a:b'"),
            (["--hotwords", "a:nan"], 2, "expected a weight above 0"),
            (["--hotwords-file", "none.txt"], 2, "none.txt: expected hot words as UTF-8 text, found No such file"),
            (["--hotwords-file", "one.wav"], 2, "one.wav: expected hot words as UTF-8 text, found something else"),
            (["--alternatives", "0"], 2, "1 or more"),
            (["--language", "xx"], 2, "no model here knows the language 'xx'"),
            (
                ["--task", "translate", "--model", "nano-ctc-ko"],
                2,
                "a multilingual Whisper can: malsori models pull base",
            ),
            (["--task", "sing"], 2, "invalid choice"),
            (["--output-format", "docx"], 2, "invalid choice"),
            (["--beam-size", "0"], 2, "1 or more"),
            (["--temperature", "warm"], 2, "numbers such as 0"),
            (["--temperature", "nan"], 2, "temperature must be 0 or more"),
            (["--output-dir", ""], 2, "expected the name of a file or a folder, found an empty text"),
            (["--vad-threshold", "7"], 2, "threshold: expected"),
            (["--vad=perhaps"], 2, "expected True or False"),
            (["--wrod-timestamps"], 2, "did you mean --word-timestamps?"),
        ],
    )
    def test_wrong_usage_is_told_in_one_line(
        self, arguments: Sequence[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
    ):
        assert main(["transcribe", "one.wav", *arguments]) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert told in err
        assert err.startswith("malsori: ")
        assert err.count("\n") == 1

    def test_a_model_that_is_not_here_is_told_and_where_was_looked_on_a_line_of_its_own(
        self, capsys: pytest.CaptureFixture[str]
    ):
        assert main(["transcribe", "one.wav", "--model", "huge"]) == 1
        told = "malsori: no model named 'huge'\nmalsori: models here: nano-ctc-ko\nmalsori: looked in models\n"
        assert capsys.readouterr() == ("", told)

    def test_standard_input_is_refused_twice_and_closed(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ):
        assert main(["transcribe", "-", "-"]) == 2
        assert capsys.readouterr().err == "malsori: - is standard input, which can be read once\n"
        monkeypatch.setattr("sys.stdin", None)
        assert main(["transcribe", "-"]) == 2
        assert capsys.readouterr().err.startswith("malsori: standard input is closed; redirect a file to it")

    def test_a_traceback_comes_only_with_debug(self, capsys: pytest.CaptureFixture[str]):
        assert main(["transcribe", "none.wav", "--debug"]) == 1
        assert "Traceback" in capsys.readouterr().err
        assert main(["transcribe", "none.wav"]) == 1
        assert "Traceback" not in capsys.readouterr().err

    def test_an_unexpected_exception_is_one_line_too(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ):
        monkeypatch.delattr(pipeline, "load")
        assert main(["transcribe", "one.wav"]) == 1
        err = capsys.readouterr().err
        assert err.startswith("malsori: internal error, ImportError: ")
        assert err.count("\n") == 1


@pytest.mark.usefixtures("loudness", "clips")
class TestOtherCommands:
    def test_detect_language_prints_the_code_and_its_probability(self, capsys: pytest.CaptureFixture[str]):
        assert main(["detect-language", "--model", "nano-ctc-ko", "one.wav"]) == 0
        assert capsys.readouterr().out == "en 0.7500\n"

    def test_detect_language_goes_on_behind_a_bad_file(self, capsys: pytest.CaptureFixture[str]):
        arguments = ["detect-language", "--model", "nano-ctc-ko", "none.wav", "one.wav"]
        assert main(arguments) == 1
        assert capsys.readouterr().out == "one.wav: en 0.7500\n"
        assert main([*arguments, "-f", "json"]) == 1
        assert json.loads(capsys.readouterr().out) == {"file": "one.wav", "languages": {"en": 0.75, "ko": 0.25}}

    def test_embed_writes_one_array_as_npy(self):
        assert main(["embed", "one.wav", "-o", "one.npy"]) == 0
        assert np.load("one.npy").shape == (125, 4)

    def test_embed_writes_several_arrays_as_npz_and_leaves_out_bad_files(self, clips: Path):
        (clips / "file.wav").write_bytes((clips / "one.wav").read_bytes())
        assert main(["embed", "file.wav", "none.wav", "two.wav", "-o", "all.npz"]) == 1
        with np.load("all.npz") as arrays:
            assert {name: arrays[name].shape for name in arrays} == {"file": (125, 4), "two": (200, 4)}

    def test_embed_writes_one_layer_or_all_by_frame_or_pooled(self, capsys: pytest.CaptureFixture[str]):
        assert main(["embed", "one.wav", "--layer", "-2", "-o", "one.npy"]) == 0
        assert np.unique(np.load("one.npy")).tolist() == [1.0]
        assert main(["embed", "one.wav", "two.wav", "--layers", "all", "--pool", "-o", "all.npz"]) == 0
        with np.load("all.npz") as arrays:
            assert {name: arrays[name].shape for name in arrays} == {"one": (3, 4), "two": (3, 4)}
        assert main(["embed", "one.wav", "--layers", "all", "--layer", "1", "-o", "one.npy"]) == 2
        assert "not allowed with argument" in capsys.readouterr().err

    def test_embed_refuses_a_name_that_cannot_hold_several(self, capsys: pytest.CaptureFixture[str]):
        assert main(["embed", "one.wav", "two.wav", "-o", "all.npy"]) == 2
        assert "all.npy: expected a name that ends in .npz" in capsys.readouterr().err

    def test_embed_tells_a_missing_folder_before_the_work(self, capsys: pytest.CaptureFixture[str]):
        assert main(["embed", "none.wav", "-o", "nowhere/all.npy"]) == 1
        assert capsys.readouterr().err == "malsori: nowhere/all.npy: cannot be written, nowhere is no folder\n"


class TestMain:
    def test_an_unknown_command_gets_a_suggestion(self, capsys: pytest.CaptureFixture[str]):
        assert main(["transcirbe", "a.wav"]) == 2
        assert "did you mean transcribe?" in capsys.readouterr().err

    def test_a_file_without_a_command_gets_the_command(self, clips: Path, capsys: pytest.CaptureFixture[str]):
        assert main(["one.wav"]) == 2
        assert "did you mean malsori transcribe one.wav?" in capsys.readouterr().err

    def test_no_command_shows_the_help_on_stderr(self, capsys: pytest.CaptureFixture[str]):
        assert main([]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "malsori transcribe samples/korean.wav" in err

    def test_the_version_is_that_of_the_package(self, capsys: pytest.CaptureFixture[str]):
        assert main(["--version"]) == 0
        assert capsys.readouterr().out == "malsori 0.1.0\n"

    @pytest.mark.parametrize("command", ["transcribe", "detect-language", "embed", "models", "doctor"])
    def test_every_command_has_help(self, command: str, capsys: pytest.CaptureFixture[str]):
        assert main([command, "--help"]) == 0
        assert f"usage: malsori {command}" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("command", "usage"),
        [
            ("transcribe", "transcribe [OPTION ...] FILE [FILE ...]"),
            ("align", "align [OPTION ...] FILE [TRANSCRIPT]"),
            ("embed", "embed [OPTION ...] FILE [FILE ...] --output PATH"),
        ],
    )
    def test_help_says_in_one_line_how_a_command_of_many_flags_is_typed(
        self, command: str, usage: str, capsys: pytest.CaptureFixture[str]
    ):
        assert main([command, "--help"]) == 0
        assert capsys.readouterr().out.splitlines()[:2] == [f"usage: malsori {usage}", ""]

    @pytest.mark.parametrize("command", ["transcribe", "live"])
    def test_help_says_what_ctc_models_alone_heed_and_a_default_of_0(
        self, command: str, capsys: pytest.CaptureFixture[str]
    ):
        assert main([command, "--help"]) == 0
        told = " ".join(capsys.readouterr().out.split())
        for words in ("ARPA or binary (CTC)", "in json (1; CTC)", "follows on a hesitation (0)"):
            assert words in told

    def test_every_public_name_is_there(self):
        import malsori

        assert [name for name in malsori.__all__ if getattr(malsori, name, None) is None] == []
        assert set(malsori.__all__) <= set(dir(malsori))
        with pytest.raises(AttributeError, match="no attribute 'lode'"):
            malsori.lode  # noqa: B018


def options_of(*flags: str) -> TranscribeOptions:
    """Return the options that some flags of `transcribe` make."""
    parser = Parser()
    add_decoding_flags(parser)
    add_vad_flags(parser)
    add_whisper_flags(parser)
    return options_from(parser.parse_args(flags))


def test_whispers_flags_become_its_options():
    given = ["--audio-context", "5", "--logprob-threshold", "none", "--suppress-tokens=-1,7", "--patience", "2"]
    given += ["--condition-on-previous-text", "--window-guards", "false", "--no-speech-threshold", "0.4"]
    assert options_of(*given).decoding.whisper == WhisperOptions(
        audio_context=5.0,
        log_prob_threshold=None,
        suppress_tokens=(-1, 7),
        patience=2.0,
        condition_on_previous_text=True,
        window_guards=False,
        no_speech_threshold=0.4,
    )


def test_every_option_of_whisper_has_a_flag():
    assert options_of().decoding.whisper == WhisperOptions()


def test_a_text_of_none_is_a_text():
    assert options_of("--prefix", "none").decoding.whisper.prefix == "none"


def test_stretches_are_seconds_with_commas():
    assert options_of("--clip-timestamps", "0,2.5,10").speech.clip_timestamps == (0.0, 2.5, 10.0)


@pytest.mark.parametrize("flag", ["--audio-context=short", "--suppress-tokens=a", "--clip-timestamps=1:2"])
def test_a_flag_that_is_no_number_says_what_it_takes(flag: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        options_of(flag)
    assert f"{flag.partition('=')[0]}: expected" in capsys.readouterr().err


def test_flags_are_rewritten_up_to_the_double_dash_only():
    arguments = ["--output_dir=a_b", "--vad", "x_y.wav", "--vad", "false", "--", "--a_b", "--vad"]
    rewritten = ["--output-dir=a_b", "--vad=true", "x_y.wav", "--vad=false", "--", "--a_b", "--vad"]
    assert normalise(arguments, {"--vad"}) == rewritten


def test_output_names_differ_even_where_case_and_composition_do_not_count(tmp_path: Path):
    stems = {
        "a/x.wav": "a/x",
        "b/X.wav": "b/X",
        "x-2.wav": "x-2",
        "y.wav": "y-2",  # upper case sorts first
        "Y.wav": "Y",
        "caf\u00e9.wav": "caf\u00e9-2",
        "cafe\u0301.wav": "cafe\u0301",
        "a/z.wav": "a/z",
        "b/z.wav": "b/z",
        "b/z.mp3": "z.mp3",
        "-": "stdin",
        "stdin.wav": "stdin.wav",
    }
    for files in (list(stems), list(stems)[::-1]):
        assert Destinations(tmp_path, input_files(files), ["txt"]).stems == [stems[file] for file in files]


@settings(max_examples=200, deadline=None)
@hypothesis.given(st.lists(st.from_regex(r"\A([abA]/){0,2}[xX]{1,2}(-2)?(\.(wav|mp3))?\Z"), min_size=1, unique=True))
def test_no_two_inputs_have_one_name_and_their_order_is_no_matter(files: list[str]):
    stems = Destinations(Path("out"), input_files(files), ["txt"]).stems
    assert len({stem.casefold() for stem in stems}) == len(files)
    backwards = Destinations(Path("out"), input_files(files[::-1]), ["txt"]).stems
    assert backwards == stems[::-1]


def test_a_stem_is_cut_between_characters_to_leave_room_for_endings():
    (stem,) = Destinations(Path("out"), input_files(["a" + "말" * 84 + ".wav"]), ["txt"]).stems
    assert stem == "a" + "말" * 81
    assert len(os.fsencode(f"{stem}-99999.json")) <= 255


def test_what_a_terminal_would_obey_is_printed_as_an_escape():
    assert printable("a\x1b[2J\n\u202eb 말\udcff") == r"a\x1b[2J\n\u202eb 말\xff"
