"""What was said, from a folder, a table or JSON Lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from malsori.compare import SaidTexts
from malsori.errors import OptionError


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_a_folder_has_a_text_by_each_name(tmp_path: Path):
    written(tmp_path / "talks" / "a.txt", "deep")
    written(tmp_path / "b.txt", "two")
    said = SaidTexts.read(tmp_path)
    assert said.of("talks/a.mp3") == "deep"
    assert said.unused == {"b"}
    assert said.of("b.wav") == "two"
    assert said.of("c.wav") is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("said.tsv", "a.wav\tone  two\nb\tthree\n"),
        ("said.tsv", "id\tpath\tsentence\nx\ta.wav\tone two\ny\tb\tthree\n"),
        ("said.tsv", "﻿FILE\tTEXT\r\na.wav\tone two\r\nb\tthree\r\n"),
        ("said.jsonl", '{"file": "a.wav", "text": "one two"}\n\n{"name": "b", "transcript": "three"}\n'),
    ],
)
def test_a_table_names_recordings_with_or_without_their_endings(tmp_path: Path, name: str, content: str):
    said = SaidTexts.read(written(tmp_path / name, content))
    assert (said.of("a.wav"), said.of("deep/b.flac")) == ("one two", "three")
    assert said.unused == set()


def test_the_exact_name_goes_before_the_short_one(tmp_path: Path):
    said = SaidTexts.read(written(tmp_path / "said.tsv", "a\tshort\nx/a.wav\tlong\n"))
    assert said.of("x/a.wav") == "long"
    assert said.of("y/a.wav") == "short"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("said.tsv", "", "found no text"),
        ("said.tsv", "a.wav one two\n", "expected a name, a tab and a text in row 1"),
        ("said.tsv", "a\tone\ttwo\n", "row 1"),
        ("said.tsv", "a\tone\na\ttwo\n", "expected one text for 'a', found 'one' and 'two'"),
        ("said.jsonl", "{", "line 1: expected an object with a name"),
        ("said.jsonl", '{"file": "a"}', "expected an object"),
        ("said.jsonl", '{"file": 3, "text": "b"}', "expected an object"),
        ("said.jsonl", "[" * 100_000, "found no JSON"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, content: str, told: str):
    with pytest.raises(OptionError, match=told):
        SaidTexts.read(written(tmp_path / name, content))


def test_a_table_that_is_no_text_or_not_there_is_told(tmp_path: Path):
    (tmp_path / "a.tsv").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(OptionError, match="found something else"):
        SaidTexts.read(tmp_path / "a.tsv")
    with pytest.raises(OptionError, match="No such file"):
        SaidTexts.read(tmp_path / "none.tsv")
