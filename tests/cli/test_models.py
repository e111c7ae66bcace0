"""`malsori models`: listing, showing and verifying, for people and for programs, with whole and broken bundles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from malsori.bundles import Manifest, seal
from malsori.cli.main import main


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shelf with one bundle, `tiny`."""
    monkeypatch.setenv("MALSORI_MODELS", str(tmp_path / "shelf"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "shelf" / "tiny"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"w" * 2_000_000)
    manifest = Manifest(
        name="tiny",
        kind="whisper",
        source="made here",
        revision="1",
        licence="MIT",
        languages=("ko", "en"),
        description="시험",
        quantization="int8",
        sample_rate=16000,
        frame_stride=320,
        files={},
        sizes={"d_model": 8},
        measured={"wer": {"date": "2026-11-22", "value": 0.1}},
    )
    seal(folder, manifest)
    return tmp_path / "shelf"


def test_list_has_one_line_per_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("tiny "))
    assert line.split() == ["tiny", "whisper", "ko,en", "int8", "2.0", "MB", "$MALSORI_MODELS"]


def test_list_for_programs_is_json(capsys: pytest.CaptureFixture[str], shelf: Path) -> None:
    assert main(["models", "list", "--json"]) == 0
    (entry,) = (entry for entry in json.loads(capsys.readouterr().out) if entry["name"] == "tiny")
    assert entry["languages"] == ["ko", "en"]
    assert entry["folder"] == str(shelf / "tiny")
    assert entry["size"] == 2_000_000


def test_a_broken_manifest_costs_only_its_own_line(capsys: pytest.CaptureFixture[str], shelf: Path) -> None:
    (shelf / "broken").mkdir()
    (shelf / "broken" / "manifest.json").write_text("{")
    assert main(["models", "list"]) == 1
    captured = capsys.readouterr()
    assert "tiny" in captured.out
    assert "broken" in captured.err


def test_show_tells_what_a_model_says_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "tiny"]) == 0
    out = capsys.readouterr().out
    for part in ("whisper", "made here", "MIT", "ko, en", "시험", "model.bin", "2.0 MB", "2026-11-22"):
        assert part in out


def test_show_for_programs_is_the_manifest_and_where_it_is(capsys: pytest.CaptureFixture[str], shelf: Path) -> None:
    assert main(["models", "show", "tiny", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    written = json.loads((shelf / "tiny" / "manifest.json").read_text())
    assert shown == {**written, "folder": str(shelf / "tiny"), "origin": "$MALSORI_MODELS", "inferred": False}


def test_an_unknown_name_is_answered_with_what_to_type_and_below_with_where_was_looked(
    capsys: pytest.CaptureFixture[str], shelf: Path
) -> None:
    assert main(["models", "show", "nothing"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    first, names, places, *_ = captured.err.splitlines()
    assert first.startswith("malsori: no model named 'nothing'; ")
    assert names.startswith("malsori: models here: ")
    assert "tiny" in names
    assert places.startswith("malsori: looked in ")
    assert str(shelf) in captured.err


def test_measured_is_no_heading_where_nothing_was(capsys: pytest.CaptureFixture[str], shelf: Path) -> None:
    assert main(["models", "show", "tiny"]) == 0
    assert "\nmeasured\n  wer: " in capsys.readouterr().out
    path = shelf / "tiny" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "measured": {}}))
    assert main(["models", "show", "tiny"]) == 0
    assert "\nmeasured\n" not in capsys.readouterr().out


def test_verify_passes_intact_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify", "nano-ctc-ko"]) == 0
    assert capsys.readouterr().out == "nano-ctc-ko: intact; loads\n"


def test_verify_names_what_is_intact_and_does_not_load(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify", "tiny"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "tiny: its bytes are intact, but it does not load: " in captured.err
    assert "lists no file 'config.json'" in captured.err


def test_verify_names_the_altered_file_and_goes_on(capsys: pytest.CaptureFixture[str], shelf: Path) -> None:
    (shelf / "tiny" / "model.bin").write_bytes(b"x" + b"w" * 1_999_999)
    assert main(["models", "verify", "nothing", "tiny"]) == 1
    err = capsys.readouterr().err
    assert "nothing" in err
    assert "model.bin: expected sha256" in err


def test_verify_without_names_takes_all(capsys: pytest.CaptureFixture[str]) -> None:
    main(["models", "verify", "--json"])
    told = {result["name"]: (result["ok"], result["intact"]) for result in json.loads(capsys.readouterr().out)}
    assert told == {"nano-ctc-ko": (True, True), "nano-whisper": (True, True), "tiny": (False, True)}


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["show"], ["list", "extra"]])
def test_wrong_usage_leaves_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", *arguments]) == 2
    assert capsys.readouterr().err.startswith("malsori: ")
