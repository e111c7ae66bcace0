"""Manifests to rows: what people's columns mean, and what is told of rows that cannot be."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from malsori.batch.inputs import InputRow, read_inputs
from malsori.errors import AudioNotFound, OptionError
from malsori.pipeline import TranscribeOptions


@pytest.fixture(autouse=True)
def recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a.wav", "sub/b.wav", "clips/c.mp3"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"xyz")
    return tmp_path


def read(text: str | bytes, name: str = "list.csv", **more: Any) -> list[InputRow]:
    Path(name).write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read_inputs([name], **more))


def lines(*rows: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def troubles(rows: list[InputRow]) -> list[str]:
    return [str(row.trouble) for row in rows if row.trouble]


class TestTables:
    def test_columns_are_options_by_their_names(self) -> None:
        (row,) = read(
            'audio,id,language,prompt,hotwords,beam_size,task\nsub/b.wav,x/1,Korean,안녕,"불,물:3",4,translate\n'
        )
        assert (row.source, row.below, row.id, row.size) == ("sub/b.wav", "sub/b.wav", "x/1", 3)
        options = TranscribeOptions(**row.options)
        assert options.decoding.language == "ko"
        assert options.decoding.initial_prompt == "안녕"
        assert [word.text for word in options.decoding.hotwords] == ["불", "물"]
        assert (options.decoding.beam_size, options.decoding.task) == (4, "translate")

    def test_what_a_row_asks_for_is_plain_json(self) -> None:
        text = "audio;temperature;vad;clip_timestamps;hotwords;languages\na.wav;0,0.2;no;1,2;a,b:2;ko,en\n"
        (row,) = read(text)
        options = {"temperature": [0.0, 0.2], "vad": False, "clip_timestamps": "1,2", "hotwords": "a,b:2"}
        assert dict(row.options) == {**options, "languages": "ko,en"}
        assert json.loads(json.dumps(row.options)) == row.options
        assert TranscribeOptions(**row.options).speech.clip_timestamps == (1.0, 2.0)

    def test_empty_cells_ask_for_nothing(self) -> None:
        assert read("audio,language,id\na.wav,,\n")[0].options == {}

    @pytest.mark.parametrize(
        "text",
        [
            b"\xef\xbb\xbfaudio,language\r\na.wav,ko\r\n\r\n",
            b"Audio ;LANGUAGE\na.wav;ko",
            b"Audio;LANGUAGE\r\n;\r\na.wav;ko\r\n;\r\n ; \r\n;;;\r\n",  # empty rows of a spreadsheet
            b"language\taudio\nko\ta.wav\n",
            b'"language","audio"\n"ko","a.wav"\n',
            b'_note,audio,language\n"two\nlines, and ""quotes""",a.wav,ko\n',
        ],
    )
    def test_delimiters_quotes_marks_and_ends_of_lines_are_found_out(self, text: bytes) -> None:
        (row,) = read(text)
        assert (row.source, row.options) == ("a.wav", {"language": "ko"})

    def test_a_row_that_is_ragged_costs_itself_alone(self) -> None:
        rows = read('audio,language\na.wav\nsub/b.wav,ko\n"a.wav"x,ko\na.wav,ko,3\n')
        assert troubles(rows) == [
            "list.csv, line 2: expected 2 fields as in the header, found 1",
            "list.csv, line 4: expected fields with ',' between, found: ',' expected after '\"'",
            "list.csv, line 5: expected 2 fields as in the header, found 3",
        ]
        assert [row.source for row in rows if not row.trouble] == ["sub/b.wav"]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("name,language\na.wav,ko\n", "expected a header with a column audio or .* found 'name', 'language'$"),
            ("", "found an empty file"),
            ("audio,language,Language\n", "expected each column once, found 'language' twice"),
            (
                "audio,langauge\na.wav,ko\n",
                "line 2: there is no option 'langauge'; did you mean 'language'.* _langauge$",
            ),
            ("audio,align_with\na.wav,x\n", "align_with is for all of a batch"),
            ('audio,language\na.wav,"ko\n' + "a.wav,ko\n" * 9, "line 2: .* is a quote in line 2 not closed?"),
            ("audio\n" + "x" * (1 << 20) + "x", "at most 1 MiB"),
            ('audio\n"a.wav\n' + "a.wav\n" * 30_000 + '"', "a quote in line 2 not closed"),
            ('audio\n"a.wav\nb.wav\n"c.wav"\n', "a quote in line 2 not closed"),
            ('audio\n"a.wav\n' + "b.wav\n" * 1500 + '"\n', "a quote in line 2 not closed"),
            ("audio\na.wav\n".encode("utf-16"), "found UTF-16; save it as CSV UTF-8"),
            ("audio\na.wav\n말\n".encode("cp949"), "line 3: expected UTF-8"),
        ],
    )
    def test_what_is_wrong_with_all_of_it_is_an_error_before_any_work(self, text: str | bytes, told: str) -> None:
        with pytest.raises(OptionError, match=told):
            read(text)

    def test_a_lone_quote_is_a_character_where_tabs_part_the_fields(self) -> None:
        rows = read('path\tsentence\na.wav\t"and he said\n"sub/b.wav"\tx"\n', "list.tsv")
        assert [row.source for row in rows] == ["a.wav", "sub/b.wav"]

    def test_common_voice_has_its_recordings_in_clips(self) -> None:
        (row,) = read("client_id\tpath\tsentence\tup_votes\tlocale\nx\tc.mp3\tHi\t2\tko\n", "validated.tsv")
        assert (row.source, row.below, row.trouble, row.options) == ("clips/c.mp3", "c.mp3", None, {})

    def test_what_is_not_read_is_noted_once(self) -> None:
        told: list[str] = []
        read("audio,text,_x,language\na.wav,a,b,ko\nsub/b.wav,a,b,ko\n", note=told.append)
        assert len(told) == 1
        assert told[0].startswith("list.csv: not read are the columns ")
        assert set(told[0].partition("columns ")[2].split(", ")) == {"text", "_x"}


class TestLines:
    def test_nemos_part_of_a_file_is_a_stretch_of_it(self) -> None:
        rows = read(
            lines(
                {"audio_filepath": "a.wav", "offset": 1.5, "duration": 2, "text": "x", "lang": "en"},
                {"audio_filepath": "a.wav", "offset": 0, "duration": 2},
                {"audio_filepath": "a.wav", "offset": 3, "duration": None},
                {"audio_filepath": "a.wav", "offset": 0, "duration": None, "id": 7},
                {"audio_filepath": "sub/b.wav", "duration": 2},
            ),
            "train.json",
        )
        assert [row.options for row in rows] == [
            {"clip_timestamps": [1.5, 3.5], "language": "en"},
            {"clip_timestamps": [0, 2]},
            {"clip_timestamps": [3]},
            {},
            {},
        ]
        assert rows[3].id == "7"

    def test_hugging_faces_recording_is_an_object_with_a_path(self) -> None:
        (row,) = read(lines({"audio": {"path": "a.wav", "bytes": None}, "path": "/other.wav"}), "list.jsonl")
        assert row.source == "a.wav"

    def test_half_a_character_is_a_failed_row_and_a_byte_of_a_name_is_not(self) -> None:
        Path(os.fsdecode(b"\xff.wav")).touch()
        rows = read(
            lines({"audio": "\ud800.wav"}, {"audio": "a.wav", "id": "\udbff"}, {"audio": "\udcff.wav"}), "l.jsonl"
        )
        assert troubles(rows) == [
            r"l.jsonl, line 1: expected a JSON object, found half a character, '\ud800'",
            r"l.jsonl, line 2: expected a JSON object, found half a character, '\udbff'",
        ]
        assert rows[2].source == "\udcff.wav"

    def test_each_row_says_what_is_wrong_with_it(self) -> None:
        deep = '{"audio": ' + "[" * 100_000 + "\n"
        text = (
            b"\xef\xbb\xbf" + lines({"audio": "a.wav", "beam_size": "4"}).encode() + b"\n"
            b'{"audio": "a.wav", "audio": "b.wav"}\n'
            b'["a.wav"]\n{"audio": "a.wav"\n{"audio": "a.wav", "beam_size": 1e999}\n{"audio": "a.wav", "vad": NaN}\n'
            b'{"audio": "\xff"}\n{"id": 3}\n{"audio": 4}\n'
            + deep.encode()
            + b'{"audio": "'
            + b"x" * (1 << 20)
            + b'"}\n'
            b'{"audio": "a.wav", "language": 3}\n{"audio": "a.wav", "beam_size": 0}\n{"audio": "a.wav", "id": "../"}\n'
            b'{"audio": "a\\u0000.wav"}\n{"audio": "s3://b/a.wav"}\n{"audio": "a.wav", "offset": -1}\n'
            b'{"audio": "a.wav", "beam_size": ' + b"9" * 5000 + b"}\n"
        )
        rows = read(text, "list.jsonl")
        assert len(rows) == 18
        found = [told.removeprefix("list.jsonl, ") for told in troubles(rows)]
        expected = [
            "line 3: expected a JSON object, found 'audio' twice",
            "line 4: expected a JSON object, found list",
            "line 5: expected a JSON object, found Expecting",
            "line 6: expected a JSON object, found a number that is too large: 1e999",
            "line 7: expected a JSON object, found NaN, which",
            "line 8: expected UTF-8, found something else",
            "line 9: audio: expected the path of a recording, found none",
            "line 10: audio: expected the path of a recording, found 4",
            "line 11: expected a JSON object, found what is nested too deep",
            "line 12: expected at most 1 MiB, found more",
            "line 13: language must be",
            "line 14: beam_size: expected",
            "line 15: id: expected a name of at most 1000 characters, found '../'",
            "a\\x00.wav: expected the path of a file, found a path with a null byte",
            "s3://b/a.wav: expected the path of a file, found a URL",
            "line 18: offset: expected seconds, found -1",
            "line 19: expected a JSON object, found Exceeds the limit",
        ]
        assert [told[: len(begin)] for told, begin in zip(found, expected, strict=True)] == expected
        assert rows[0].options == {"beam_size": 4}

    def test_a_column_that_nobody_knows_is_an_error_that_names_its_line(self) -> None:
        with pytest.raises(
            OptionError, match=r"list.jsonl, line 2: there is no option 'beamsize'; did you mean 'beam_"
        ):
            read(lines({"audio": "a.wav"}, {"audio": "a.wav", "beamsize": 2}), "list.jsonl")

    def test_one_json_document_is_no_manifest(self) -> None:
        with pytest.raises(OptionError, match=r"list.json, line 1: .*; a manifest has an object on each line"):
            read('[\n  {"audio": "a.wav"}\n]\n', "list.json")

    def test_two_names_of_one_option_are_a_failed_row(self) -> None:
        rows = read(lines({"audio": "a.wav", "lang": "ko", "language": "en"}), "list.jsonl")
        assert troubles(rows)[0].endswith("language and language are two names of one option; give one of them")


class TestPaths:
    def test_they_are_relative_to_the_manifest(self, recordings: Path) -> None:
        (recordings / "sub" / "list.csv").write_text(f"audio\nb.wav\n../a.wav\n{recordings}/a.wav\n")
        rows = list(read_inputs(["sub/list.csv"]))
        assert [(row.source, row.below) for row in rows] == [("sub/b.wav", "b.wav"), ("sub/../a.wav", "a.wav")]

    def test_a_name_is_found_whichever_way_its_letters_are_composed(self) -> None:
        Path("말.wav".encode().decode()).touch()
        decomposed = "\u1106\u1161\u11af.wav"
        assert read(f"audio\n{decomposed}\n")[0].source == "말.wav"

    def test_the_rows_of_one_file_that_fail_are_all_kept(self) -> None:
        assert len(troubles(read("audio,beam_size\na.wav,x\na.wav,y\na.wav,4\n"))) == 2

    def test_a_file_that_is_not_there_is_a_failed_row(self) -> None:
        rows = read("audio,language\nno.wav,ko\na.wav,ko\n")
        assert isinstance(rows[0].trouble, AudioNotFound)
        assert rows[1].trouble is None

    def test_a_manifest_that_is_no_regular_file_is_never_waited_for(self) -> None:
        os.mkfifo("list.jsonl")
        with pytest.raises(AudioNotFound, match=r"list.jsonl: expected a regular file, found a FIFO"):
            list(read_inputs(["list.jsonl"]))
