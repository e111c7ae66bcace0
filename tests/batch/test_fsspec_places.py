"""Recordings and results at URLs: stores in memory and on this disk, as any store of fsspec."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from malsori.batch.fsspec_places import UrlResults, files_at, open_url, remote_rows
from malsori.batch.input_row import InputRow
from malsori.batch.naming import stems
from malsori.errors import AudioNotFound, MissingDependency, OutputError

fsspec = pytest.importorskip("fsspec")
_NUMBERS = itertools.count()


@pytest.fixture(params=["memory", "file"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "file":
        yield f"file://{tmp_path}"
        return
    url = f"memory://places-{next(_NUMBERS)}"
    yield url
    fsspec.filesystem("memory").store.clear()


def _put(url: str, content: bytes = b"sound") -> None:
    with fsspec.open(url, "wb", auto_mkdir=True) as file:
        file.write(content)


def test_a_file_is_opened_and_called_by_its_url(folder: str) -> None:
    _put(f"{folder}/a.wav")
    with open_url(f"{folder}/a.wav") as file:
        assert file.name == f"{folder}/a.wav"
        assert file.seekable()
        assert file.read() == b"sound"


def test_a_file_that_is_not_there_is_named(folder: str) -> None:
    with pytest.raises(AudioNotFound, match=r"b\.wav: expected a readable file, found none"):
        open_url(f"{folder}/b.wav")


def test_a_folder_is_no_file(folder: str) -> None:
    _put(f"{folder}/talks/a.wav")
    with pytest.raises(AudioNotFound, match="expected a file, found a folder"):
        open_url(f"{folder}/talks")


def test_a_folder_is_listed_with_its_folders_and_without_what_is_hidden(folder: str) -> None:
    for name in ("b/c.wav", "a.wav", ".hidden/d.wav", "b/.e.wav"):
        _put(f"{folder}/{name}")
    found = list(files_at(folder))
    assert [(file.below, file.size) for file in found] == [("a.wav", 5), ("b/c.wav", 5)]
    assert found[1].source.endswith("/b/c.wav")
    with open_url(found[1].source) as file:
        assert file.read() == b"sound"


def test_a_glob_is_listed_below_its_fixed_part(folder: str) -> None:
    for name in ("x/2024/a.wav", "x/2025/a.wav", "x/2025/a.txt", "y/b.wav"):
        _put(f"{folder}/{name}")
    assert [file.below for file in files_at(f"{folder}/x/*/*.wav")] == ["2024/a.wav", "2025/a.wav"]


def test_a_file_is_listed_by_itself(folder: str) -> None:
    _put(f"{folder}/x/a.wav")
    assert [file.below for file in files_at(f"{folder}/x/a.wav")] == ["a.wav"]


def test_nothing_to_list_is_an_error(folder: str) -> None:
    with pytest.raises(AudioNotFound, match="found nothing"):
        list(files_at(f"{folder}/none"))


def test_an_unknown_kind_of_store_is_named() -> None:
    with pytest.raises(AudioNotFound, match="nosuch"):
        open_url("nosuch://a/b.wav")


def test_a_store_whose_package_is_missing_says_what_to_install() -> None:
    if pytest.importorskip("importlib.util").find_spec("ocifs"):
        pytest.skip("ocifs is installed")
    with pytest.raises(MissingDependency, match="pip install ocifs"):
        open_url("oci://a/b.wav")


def test_no_result_replaces_an_input_at_a_url(folder: str) -> None:
    place = UrlResults(f"{folder}/out/").path
    rows = [InputRow(f"{folder}/out/x.json", "x.json")]
    assert stems(rows, place=place, formats=["json"]) == ["x.json"]
    assert stems(rows, place=place, formats=["txt"]) == ["x"]


def test_results_replace_older_ones_and_can_be_copied(folder: str) -> None:
    results = UrlResults(f"{folder}/out/")
    assert not results.there("x/a", ["txt"])
    results.write("x/a", {"txt": b"old", "json": b"{}"})
    results.write("x/a", {"txt": b"new"})
    results.copy("x/a", "y/b", ["txt", "json"])
    assert results.there("y/b", ["txt", "json"])
    assert [file.below for file in files_at(f"{folder}/out")] == ["x/a.json", "x/a.txt", "y/b.json", "y/b.txt"]
    with open_url(f"{folder}/out/y/b.txt") as file:
        assert file.read() == b"new"


def test_what_an_interrupted_run_has_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".malsori-0011aabbccdd.tmp").touch()
    (tmp_path / "a.txt").touch()
    UrlResults(f"file://{tmp_path}").sweep()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_sweeping_a_folder_that_is_not_there_yet_is_nothing(folder: str) -> None:
    results = UrlResults(f"{folder}/later")
    results.sweep()
    assert not results.any_there("a", ["txt"])
    results.write("a", {"txt": b"new"})
    assert results.there("a", ["txt"])


def test_a_place_that_cannot_be_written_is_an_output_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    (tmp_path / "a.txt" / "full").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        UrlResults(f"file://{tmp_path}").write("a.txt/full/x", {"txt": b"x"})
    assert [path.name for path in tmp_path.rglob("*")] == ["a.txt", "full"]


def test_a_recording_that_was_replaced_by_one_of_its_size_has_another_time(folder: str) -> None:
    _put(f"{folder}/a.wav", b"sound")
    (before,) = remote_rows(folder)
    assert [*remote_rows(folder)] == [before]
    time.sleep(0.05)  # a disk's clock may be that coarse
    _put(f"{folder}/a.wav", b"other")
    (after,) = remote_rows(folder)
    assert before.size == after.size
    assert 0 < before.changed < after.changed
