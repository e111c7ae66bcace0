"""Reading manifests: what a right one gives back, and that every wrong one is refused by name of file and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from malsori.bundles import FORMAT, FileEntry, Manifest, describe_files, read_manifest, seal
from malsori.errors import ModelCorrupt, ModelIncompatible

MINIMAL: dict[str, Any] = {
    "name": "tiny",
    "kind": "wav2vec2-ctc",
    "source": "made here",
    "revision": "1",
    "licence": "MIT",
    "languages": ["ko"],
    "description": "한국어",
    "quantization": "int8",
    "sample_rate": 16000,
    "frame_stride": 320,
    "files": {"model.onnx": {"size": 3, "sha256": "a" * 64}},
    "sizes": {"hidden_size": 8},
}


def _write(folder: Path, content: str | bytes) -> Path:
    (folder / "manifest.json").write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def _with(folder: Path, **changes: Any) -> Path:
    return _write(folder, json.dumps({**MINIMAL, **changes}))


def test_a_manifest_reads_back_what_was_written(tmp_path: Path) -> None:
    written = Manifest(
        **{**MINIMAL, "languages": ("ko", "en"), "files": {"a/b.bin": FileEntry(3, "0" * 64)}},
        normalize=True,
        conv_kernels=(10, 3),
        conv_strides=(5, 2),
        audio_context={"floor_s": 10.0, "margin_s": 2.0},
        measured={"parity": {"date": "2026-11-22", "cosine": 0.9993}},
    )
    assert read_manifest(_write(tmp_path, written.to_json())) == written


def test_fields_with_a_default_may_be_left_out(tmp_path: Path) -> None:
    manifest = read_manifest(_with(tmp_path))
    assert (manifest.normalize, manifest.tasks, manifest.format) == (False, ("transcribe",), FORMAT)


def test_without_an_audio_context_only_full_windows_are_heard(tmp_path: Path) -> None:
    assert read_manifest(_with(tmp_path)).audio_context == {}


@pytest.mark.parametrize(("floor", "margin"), [(1, 0), (30, 29), (4.5, 0.5)])
def test_the_bounds_of_an_audio_context_are_within_it(tmp_path: Path, floor: float, margin: float) -> None:
    context = read_manifest(_with(tmp_path, audio_context={"floor_s": floor, "margin_s": margin})).audio_context
    assert context == {"floor_s": floor, "margin_s": margin}
    assert all(isinstance(value, float) for value in context.values())


def test_a_field_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    assert read_manifest(_with(tmp_path, colour="green")).name == "tiny"


def test_a_name_outside_ascii_survives(tmp_path: Path) -> None:
    assert read_manifest(_with(tmp_path)).description == "한국어"


@pytest.mark.parametrize("field", sorted(MINIMAL))
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    _write(tmp_path, json.dumps({name: value for name, value in MINIMAL.items() if name != field}))
    with pytest.raises(ModelIncompatible, match=f"manifest.json: the field '{field}' is missing"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 1),
        ("kind", ["whisper"]),
        ("languages", "ko"),
        ("languages", [1]),
        ("sample_rate", "16000"),
        ("sample_rate", True),
        ("frame_stride", 320.0),
        ("frame_stride", True),
        ("files", []),
        ("files", {"a": 3}),
        ("files", {"a": {"size": 3}}),
        ("files", {"a": {"size": -1, "sha256": "a" * 64}}),
        ("files", {"a": {"size": 3, "sha256": "A" * 64}}),
        ("files", {"a": {"size": 3, "sha256": "a" * 63}}),
        ("sizes", None),
        ("sizes", {"hidden_size": "8"}),
        ("sizes", {"hidden_size": 8.0}),
        ("sizes", {"num_hidden_layers": None}),
        ("sizes", {"num_hidden_layers": -1}),
        ("normalize", 1),
        ("conv_kernels", [1.5]),
        ("audio_context", 10),
        ("audio_context", {"floor_s": "10", "margin_s": 2}),
        ("audio_context", {"floor_s": True, "margin_s": 2}),
        ("audio_context", {"floor_s": 10**400, "margin_s": 2}),
        ("audio_context", {"floor_s": 10}),
        ("audio_context", {"floor_s": 10, "margin_s": 2, "ceiling_s": 20}),
        ("audio_context", {"floor_s": 0.9, "margin_s": 2}),
        ("audio_context", {"floor_s": 30.1, "margin_s": 2}),
        ("audio_context", {"floor_s": 10, "margin_s": -0.1}),
        ("audio_context", {"floor_s": 10, "margin_s": 29.1}),
        ("audio_context", {"floor_s": float("nan"), "margin_s": 2}),
        ("format", "1"),
        ("format", 0),
    ],
)
def test_a_field_of_the_wrong_type_is_named(tmp_path: Path, field: str, value: Any) -> None:
    with pytest.raises(ModelIncompatible, match=rf"manifest.json: {field}\b.*expected"):
        read_manifest(_with(tmp_path, **{field: value}))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "hubert"},
        {"sample_rate": 8000},
        {"frame_stride": 0},
        {"conv_kernels": [3], "conv_strides": []},
        {"conv_kernels": [3], "conv_strides": [0]},
    ],
)
def test_a_value_that_this_runtime_cannot_serve_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ModelIncompatible, match=next(iter(changes))):
        read_manifest(_with(tmp_path, **changes))


def test_a_newer_format_is_told_before_anything_else_that_looks_wrong_in_it(tmp_path: Path) -> None:
    _write(tmp_path, json.dumps({"format": FORMAT + 1, "files": "elsewhere"}))
    with pytest.raises(ModelIncompatible, match=f"its format is {FORMAT + 1}.*use a newer malsori"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["../secret", "a/../../b", "/etc/passwd", "a//b", "./a", "", ".", "C:/model", "a\\b", "a\0b", "manifest.json"],
)
def test_a_file_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelCorrupt, match="names of files inside the bundle"):
        read_manifest(_with(tmp_path, files={name: {"size": 1, "sha256": "a" * 64}}))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "something else"),
        (b"{", "something else"),
        (b"[1]", "a list"),
        (b"null", "None"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"name": "\xff"}', "other bytes at 10"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "git-lfs pointer"),
        (b"<!DOCTYPE html><html>Not found</html>", "HTML page"),
        (b" " * (5 << 20), "more"),
    ],
)
def test_what_is_no_manifest_is_called_by_its_name(tmp_path: Path, content: bytes, found: str) -> None:
    with pytest.raises(ModelCorrupt, match=f"manifest.json: expected .*{found}"):
        read_manifest(_write(tmp_path, content))


def test_a_manifest_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = json.dumps(MINIMAL)
    for length in range(len(whole)):
        _write(tmp_path, whole[:length])
        with pytest.raises(ModelCorrupt):
            read_manifest(tmp_path)


def test_a_folder_without_a_manifest_is_corrupt(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match=r"manifest\.json: .*no such file"):
        read_manifest(tmp_path)


def test_sealing_lists_every_file_but_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "vocab.json").write_bytes(b"{}")
    (tmp_path / "model.onnx").write_bytes(b"abc")
    sealed = seal(tmp_path, Manifest(**{**MINIMAL, "languages": ("ko",), "files": {}}))
    assert sealed.files == {
        "model.onnx": FileEntry(3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        "sub/vocab.json": FileEntry(2, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
    }
    assert read_manifest(tmp_path) == sealed


def test_sealing_again_replaces_the_old_manifest_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"abc")
    manifest = Manifest(**{**MINIMAL, "languages": ("ko",), "files": {}})
    assert seal(tmp_path, seal(tmp_path, manifest)) == seal(tmp_path, manifest)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "model.onnx"]


def test_a_link_is_not_sealed(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").symlink_to(__file__)
    with pytest.raises(ModelCorrupt, match="a link"):
        describe_files(tmp_path)
