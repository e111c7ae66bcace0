"""Verification: every kind of damage is found and named, and an unchanged file is not read a second time."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from malsori.bundles import Manifest, read_manifest, seal, verify
from malsori.errors import ModelCorrupt, ModelIncompatible

SIZE = 5000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of its own; returns the file that remembers sums."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "malsori" / "verified.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sealed bundle of two files."""
    folder = tmp_path / "bundle"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.bin").write_bytes(random.Random(1).randbytes(SIZE))
    (folder / "sub" / "vocab.json").write_bytes(b'{"a": 0}')
    seal(folder, _manifest())
    return folder


@pytest.fixture
def old_folder(folder: Path) -> Path:
    """The same, old enough to be remembered."""
    _let_it_settle()
    return folder


def _let_it_settle() -> None:
    time.sleep(0.15)  # a file changed within the last 0.1 s is not remembered


def _manifest() -> Manifest:
    texts = {name: name for name in ("name", "source", "revision", "licence", "description", "quantization")}
    return Manifest(**texts, kind="whisper", languages=("ko",), sample_rate=16000, frame_stride=320, files={}, sizes={})


def _check(folder: Path, **options: Any) -> None:
    verify(folder, read_manifest(folder), **options)


@contextmanager
def _opened() -> Iterator[list[str]]:
    """Collect the names of all files that Python opens, through an audit hook (which cannot be taken off again)."""
    names: list[str] = []
    active = True

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if active and event == "open":
            names.append(os.path.basename(str(args[0])))

    sys.addaudithook(hook)
    yield names
    active = False


def test_an_intact_bundle_passes(folder: Path) -> None:
    _check(folder)


def test_one_flipped_bit_is_found_at_200_random_places(folder: Path) -> None:
    path, dice = folder / "model.bin", random.Random(2)
    content = path.read_bytes()
    for _ in range(200):
        place = dice.randrange(SIZE)
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << dice.randrange(8)]) + content[place + 1 :])
        with pytest.raises(ModelCorrupt, match=r"model\.bin: expected sha256 [0-9a-f]{64}, found sha256"):
            _check(folder)


def test_a_file_cut_or_grown_to_any_length_is_found(folder: Path) -> None:
    path = folder / "model.bin"
    content = path.read_bytes()
    for length in [*range(0, SIZE, 50), SIZE - 1, SIZE + 1]:
        path.write_bytes((content + b"\0")[:length])
        expected = rf"model\.bin: expected {SIZE} bytes, sha256 \w+, found {length} bytes"
        with pytest.raises(ModelCorrupt, match=expected):
            _check(folder)


@pytest.mark.parametrize("name", ["model.bin", "sub/vocab.json"])
def test_a_missing_file_is_named_with_what_was_expected(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelCorrupt, match=f"{name}: expected a file of .* sha256 .*no such file"):
        _check(folder)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 5000\n", "git-lfs pointer"),
        (b"\n<!doctype HTML>\n<title>Sign in</title>", "HTML page"),
        (b"<html>" + b" " * (SIZE - 6), "HTML page"),
    ],
)
def test_what_stands_in_for_a_model_is_called_by_its_name(folder: Path, content: bytes, found: str) -> None:
    (folder / "model.bin").write_bytes(content)
    with pytest.raises(ModelCorrupt, match=rf"model\.bin: .*{found}"):
        _check(folder)


def test_a_folder_in_the_place_of_a_file_is_refused(folder: Path) -> None:
    (folder / "model.bin").unlink()
    (folder / "model.bin").mkdir()
    with pytest.raises(ModelCorrupt, match="a folder or a device"):
        _check(folder)


def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(folder: Path) -> None:
    (folder / "model.bin").unlink()
    os.mkfifo(folder / "model.bin")
    with pytest.raises(ModelCorrupt, match="a folder or a device"):
        _check(folder)


def test_a_link_out_of_the_folder_is_refused_even_to_the_right_content(folder: Path, tmp_path: Path) -> None:
    (folder / "model.bin").rename(tmp_path / "elsewhere.bin")
    (folder / "model.bin").symlink_to(tmp_path / "elsewhere.bin")
    with pytest.raises(ModelCorrupt, match=r"model\.bin: expected a file inside the bundle, found a link to"):
        _check(folder)


def test_a_linked_subfolder_that_leads_out_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "sub").rename(tmp_path / "sub")
    (folder / "sub").symlink_to(tmp_path / "sub")
    with pytest.raises(ModelCorrupt, match="a link to"):
        _check(folder)


def test_a_circle_of_links_is_refused(folder: Path) -> None:
    (folder / "model.bin").unlink()
    (folder / "model.bin").symlink_to("model.bin")
    with pytest.raises(ModelCorrupt, match=r"model\.bin"):
        _check(folder)


def test_a_link_within_the_folder_and_a_linked_bundle_are_fine(folder: Path, tmp_path: Path) -> None:
    (folder / "model.bin").rename(folder / "v1.bin")
    (folder / "model.bin").symlink_to("v1.bin")
    (tmp_path / "alias").symlink_to(folder)
    _check(tmp_path / "alias")


def test_a_file_that_is_not_listed_is_no_error_and_is_not_opened(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"a pickle, for all we know")
    with _opened() as names:
        _check(folder)
    assert "pytorch_model.bin" not in names


def test_a_manifest_that_lists_no_files_is_refused(folder: Path) -> None:
    with pytest.raises(ModelIncompatible, match="lists no files"):
        verify(folder, _manifest())


def test_the_second_time_no_file_of_the_bundle_is_opened(old_folder: Path) -> None:
    manifest = read_manifest(old_folder)
    with _opened() as first:
        verify(old_folder, manifest)
    with _opened() as second:
        verify(old_folder, manifest)
    assert {"model.bin", "vocab.json"} <= set(first)
    assert {"model.bin", "vocab.json"}.isdisjoint(second)


def test_force_hashes_what_is_remembered(old_folder: Path) -> None:
    _check(old_folder)
    with _opened() as names:
        _check(old_folder, force=True)
    assert "model.bin" in names


def test_altered_content_is_found_although_size_and_modification_time_are_as_before(old_folder: Path) -> None:
    _check(old_folder)
    path = old_folder / "model.bin"
    status, content = path.stat(), bytearray(path.read_bytes())
    content[7] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(ModelCorrupt, match=r"model\.bin: expected sha256"):
        _check(old_folder)


def test_a_file_written_this_very_moment_is_not_remembered(old_folder: Path, cache: Path) -> None:
    (old_folder / "model.bin").write_bytes((old_folder / "model.bin").read_bytes())
    _check(old_folder)
    assert [Path(name).name for name in json.loads(cache.read_text())["files"]] == ["vocab.json"]


def test_a_manifest_with_another_sum_is_not_satisfied_by_what_is_remembered(old_folder: Path) -> None:
    _check(old_folder)
    text = (old_folder / "manifest.json").read_text()
    old = read_manifest(old_folder).files["model.bin"].sha256
    (old_folder / "manifest.json").write_text(text.replace(old, "0" * 64))
    with pytest.raises(ModelCorrupt, match="expected sha256 0000"):
        _check(old_folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"version": 1}',
        b'{"version": 1, "files": 3}',
        b'{"version": 1, "files": {"a": 3}}',
        b'{"version": 99, "files": {}}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_memory_is_as_good_as_none(old_folder: Path, cache: Path, content: bytes) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_bytes(content)
    _check(old_folder)
    assert len(json.loads(cache.read_text())["files"]) == 2


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_memory_that_others_may_write_vouches_for_nothing(old_folder: Path, cache: Path, mode: int) -> None:
    _check(old_folder)
    cache.chmod(mode)
    with _opened() as names:
        _check(old_folder)
    assert "model.bin" in names


def test_a_cache_that_cannot_be_written_is_fine(folder: Path, cache: Path) -> None:
    cache.parent.parent.mkdir()
    cache.parent.write_text("a file where the folder would be")
    _check(folder)


def test_a_user_without_a_home_is_fine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pathlib.Path.home", _no_home)
    _check(folder)


def _no_home() -> Path:
    raise RuntimeError("Could not determine home directory.")


def test_what_is_gone_is_forgotten(old_folder: Path, cache: Path) -> None:
    _check(old_folder)
    content = json.loads(cache.read_text())
    content["files"]["/gone/model.bin"] = [1, 2, 3, 4, "a" * 64]
    cache.write_text(json.dumps(content))
    os.utime(old_folder / "model.bin", ns=(0, 0))
    _let_it_settle()
    _check(old_folder)
    assert "/gone/model.bin" not in cache.read_text()
    assert len(json.loads(cache.read_text())["files"]) == 2


def test_the_memory_is_for_this_user_alone(old_folder: Path, cache: Path) -> None:
    _check(old_folder)
    assert cache.stat().st_mode & 0o777 == 0o600
