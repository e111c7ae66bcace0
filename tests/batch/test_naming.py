"""Stems of new rows: mirrored, apart from each other, from earlier ones and from inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from malsori.batch.inputs import InputRow
from malsori.batch.naming import path_of_id, stems
from malsori.batch.results import ResultFolder
from malsori.output.stems import folded


def row(source: str, below: str = "", id: str = "") -> InputRow:
    return InputRow(source, below or source.rpartition("/")[2], id=id)


def test_results_mirror_the_tree() -> None:
    assert stems([row("talks/a/x.wav", "a/x.wav"), row("talks/b/x.wav", "b/x.wav")]) == ["a/x", "b/x"]


def test_two_files_of_one_stem_both_keep_their_names() -> None:
    assert stems([row("talk.mp3"), row("talk.wav"), row("a/b.wav")]) == ["talk.mp3", "talk.wav", "b"]


def test_a_stem_of_an_earlier_run_is_not_given_again() -> None:
    earlier = {"talk", "x/y", "x/y.wav"}
    rows = [row("/t/talk.WAV"), row("/t/x/y.wav", "x/y.wav")]
    assert stems(rows, lambda stem: folded(stem) in earlier) == ["talk.WAV", "t/x/y"]
    earlier |= {"t/x/y", "t/x/y.wav"}
    assert stems(rows[1:], lambda stem: folded(stem) in earlier) == ["t/x/y.wav-2"]


def test_parts_of_one_file_are_numbered() -> None:
    assert stems([row("talk.wav")] * 3) == ["talk", "talk-2", "talk-3"]


def test_an_id_is_the_name_of_its_result() -> None:
    rows = [row("1.wav", id="speaker/talk.one"), row("2.wav", id="../x"), row("3.wav", id="x"), row("x.wav")]
    assert stems(rows) == ["speaker/talk.one", "x", "x-2", "x.wav"]


@pytest.mark.parametrize(
    ("id", "path"),
    [
        ("a/b", "a/b"),
        ("/etc/../a", "etc/a"),
        ("..", ""),
        ("./ /", ""),
        (".a/b\n", "_a/b"),
        ("a\\..\\b", "a_.._b"),
        ("a\x00b", "a_b"),
    ],
)
def test_an_id_never_leads_out_of_the_output_folder(id: str, path: str) -> None:
    assert path_of_id(id) == path


def test_no_result_replaces_an_input(tmp_path: Path) -> None:
    (tmp_path / "talk.json").touch()
    (tmp_path / "link.wav").symlink_to("talk.json")
    rows = [row(str(tmp_path / "talk.json"))]
    linked = [row(str(tmp_path / "link.wav")), row("/x/talk.wav")]
    assert stems(linked, place=ResultFolder(tmp_path).path, formats=["json"]) == ["link", "talk.wav"]
    assert stems(rows[:1], place=ResultFolder(tmp_path).path, formats=["txt", "json"]) == ["talk.json"]
    assert stems(rows[:1], place=ResultFolder(Path("/elsewhere")).path, formats=["txt", "json"]) == ["talk"]
