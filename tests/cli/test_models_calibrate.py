"""`malsori models calibrate`: what it tells, what it writes into a bundle, what it draws, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from malsori.bundles import read_manifest
from malsori.bundles.seal import amend
from malsori.cli import tables
from malsori.cli.main import main
from malsori.cli.models_calibrate import MAX_LOSS, MAX_RETRIES
from malsori.engines import load
from malsori.errors import OutputError
from malsori.pipeline.trials import CalibrationLimits, hearing
from tests.pipeline.trials.test_calibration import Misled, recordings
from tests.shipped import ROOT

SAMPLES = ROOT / "samples"


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small Whisper bundle."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(shutil.copytree(ROOT / "models" / "nano-whisper", tmp_path / "bundle"))


def misled(monkeypatch: pytest.MonkeyPatch, engine: Misled) -> None:
    """Let every bundle be run by this engine, against its own clock."""
    monkeypatch.setattr(load, "load_engine", lambda folder, manifest, **settings: engine)
    monkeypatch.setattr(hearing, "clock", lambda: engine.now)


def calibrate(bundle: Path, *flags: object) -> int:
    return main(["models", "calibrate", str(bundle), "--quiet", *map(str, flags)])


def test_a_model_of_short_windows_gets_one_written_and_is_intact(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(bundle, "--audio", SAMPLES, "--threads", 1, "--force") == 0
    told = capsys.readouterr().out
    manifest = read_manifest(bundle)
    assert manifest.audio_context["floor_s"] <= 10
    assert f"written      {bundle / 'manifest.json'}" in told
    assert " chosen\n" in told
    figures = manifest.measured["audio_context"]
    assert (figures["clips"], figures["recordings"], figures["transcripts"]) == (7, 3, 3)
    assert figures["windows"][figures["chosen"]]["loss"] <= 0.005
    assert figures["host"]["threads"] == 1
    assert main(["models", "verify", str(bundle)]) == 0


def test_what_was_written_is_shown(bundle: Path, monkeypatch, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    misled(monkeypatch, Misled())
    assert calibrate(bundle, "--audio", *recordings(tmp_path, 2, 2.1, 2.2), "--force", "--all") == 0
    capsys.readouterr()
    assert main(["models", "show", str(bundle)]) == 0
    told = capsys.readouterr().out
    assert 'audio_context   {"floor_s": 3.0, "margin_s": 0.5}' in told
    assert "chosen: floor 3 s, margin 0.5 s" in told
    assert told.count("clips_at_floor") == 1  # the row of the one that was chosen
    assert main(["models", "show", str(bundle), "--json"]) == 0
    windows = json.loads(capsys.readouterr().out)["measured"]["audio_context"]["windows"]
    assert len(windows) > 5
    assert f"windows: {len(windows)} heard, --json has them all" in told


def test_a_model_that_short_windows_mislead_keeps_the_full_one_and_says_so(bundle, monkeypatch, tmp_path) -> None:
    amend(bundle, audio_context={"floor_s": 10.0, "margin_s": 2.0})
    misled(monkeypatch, Misled(needs=25))
    assert calibrate(bundle, "--audio", *recordings(tmp_path, 2, 3, 4), "--force") == 0
    manifest = read_manifest(bundle)
    assert manifest.audio_context == {}
    figures = manifest.measured["audio_context"]
    assert figures["chosen"] == "full, 30 s"
    assert all(row["not_safe"] for name, row in figures["windows"].items() if name != "full, 30 s")


def test_a_dry_run_writes_nothing(bundle, monkeypatch, tmp_path, capsys) -> None:
    before = (bundle / "manifest.json").read_bytes()
    misled(monkeypatch, Misled())
    assert calibrate(bundle, "--audio", *recordings(tmp_path, 2, 2.1, 2.2), "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["audio_context"], told["written"]) == ({"floor_s": 3.0, "margin_s": 0.5}, False)
    assert told["kept"] == read_manifest(bundle).audio_context
    assert told["warnings"][0].startswith("3 clips with 6 s")
    assert (bundle / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("own", "kept"),
    [({"floor_s": 5.0, "margin_s": 2.0}, "unchanged (5 s + 2 s)"), ({}, "unchanged (full window)")],
)
def test_what_was_not_written_does_not_look_as_if_it_had_been(bundle, monkeypatch, tmp_path, capsys, own, kept) -> None:
    amend(bundle, audio_context=own)
    misled(monkeypatch, Misled())
    assert calibrate(bundle, "--audio", *recordings(tmp_path, 2, 2.1, 2.2), "--dry-run") == 0
    told = capsys.readouterr().out
    assert f"setting      {kept}" in told
    assert re.search(r"settings +1 of \d+ heard +\d+ could not be taken", told)
    assert "would be floor 3 s, margin 0.5 s, " in told
    assert [line for line in told.splitlines() if line.endswith("would be chosen")]
    assert not [line for line in told.splitlines() if line.endswith(" s  chosen") or line.endswith("x  chosen")]


def test_what_is_written_is_no_longer_what_was_kept(bundle, monkeypatch, tmp_path, capsys) -> None:
    misled(monkeypatch, Misled())
    assert calibrate(bundle, "--audio", *recordings(tmp_path, 2, 2.1, 2.2), "--force", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["written"], told["kept"]) == (True, None)


def test_little_speech_is_written_by_force_alone(bundle, monkeypatch, tmp_path, capsys) -> None:
    before = (bundle / "manifest.json").read_bytes()
    misled(monkeypatch, Misled())
    paths = recordings(tmp_path, 2, 2.1, 2.2)
    assert calibrate(bundle, "--audio", *paths, "--json") == 1
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    refusal = "give 20 clips and 60 s or more; nothing was written, --force writes it all the same"
    assert shown.err.count("say little") == 1
    assert shown.err.endswith(f"{refusal}\n")
    assert told["warnings"][-1].endswith(refusal)
    assert not told["written"]
    assert (bundle / "manifest.json").read_bytes() == before
    assert calibrate(bundle, "--audio", *paths, "--force") == 0
    assert read_manifest(bundle).audio_context == {"floor_s": 3.0, "margin_s": 0.5}


def test_enough_speech_needs_no_force(bundle, monkeypatch, tmp_path) -> None:
    misled(monkeypatch, Misled())
    assert calibrate(bundle, "--audio", *recordings(tmp_path, *[2.5, 5.5] * 10)) == 0
    assert read_manifest(bundle).audio_context["floor_s"] == 3.0


def test_a_file_in_a_folder_that_cannot_be_read_is_left_out_with_a_line(bundle, monkeypatch, tmp_path, capsys) -> None:
    misled(monkeypatch, Misled())
    folder = tmp_path / "folder"
    folder.mkdir()
    bad = recordings(folder, 2, 2.1, 2.2, 2.3)[0]
    bad.write_bytes(b"no sound")
    assert main(["models", "calibrate", str(bundle), "--audio", str(folder), "--dry-run"]) == 0
    shown = capsys.readouterr()
    assert "3 clips in 3 recordings" in shown.out
    line = next(line for line in shown.err.splitlines() if str(bad) in line)
    assert line.startswith(f"malsori: {bad}: expected ")
    assert line.endswith("; left out")
    assert calibrate(bundle, "--audio", folder, bad, "--dry-run") == 1  # asked for by name
    assert f"{bad}: expected " in capsys.readouterr().err
    for path in folder.iterdir():
        path.write_bytes(b"no sound")
    assert calibrate(bundle, "--audio", folder, "--dry-run") == 2
    assert "can be read, found none of 4" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["calibrate", "prove"])
def test_a_bundle_after_the_recordings_is_told_to_come_before_them(action, capsys) -> None:
    assert main(["models", action, "--audio", "samples", "my-bundle"]) == 2
    assert "required: BUNDLE; BUNDLE comes before --audio" in capsys.readouterr().err
    assert main(["models", action]) == 2
    assert ("comes before" in capsys.readouterr().err) == (action == "prove")


def test_in_a_narrow_terminal_the_table_has_fewer_columns(bundle, monkeypatch, tmp_path, capsys) -> None:
    misled(monkeypatch, Misled())
    flags = ("--audio", *recordings(tmp_path, 2, 2.1, 2.2, said="clip {}"), "--dry-run")
    assert calibrate(bundle, *flags) == 0
    assert {"WER", "p95", "p50", "encoded"} <= set(capsys.readouterr().out.split())
    monkeypatch.setattr(tables, "columns", lambda: 80)
    assert calibrate(bundle, *flags) == 0
    shown = capsys.readouterr().out
    figures = shown.partition("\n\n")[2].splitlines()
    assert all(len(line) <= 80 for line in figures)
    assert "encoded" in figures[0]
    assert "WER" not in figures[0]


def test_clips_too_long_to_tell_leave_the_bundle_alone_and_end_with_1(bundle, monkeypatch, tmp_path, capsys) -> None:
    before = (bundle / "manifest.json").read_bytes()
    misled(monkeypatch, Misled())
    assert calibrate(bundle, "--audio", *recordings(tmp_path, 25, 26, 27, 2)) == 1
    assert "nothing was written; give recordings of sentences" in capsys.readouterr().err
    assert (bundle / "manifest.json").read_bytes() == before


def test_little_speech_is_a_warning_that_quiet_takes_away(bundle, monkeypatch, tmp_path, capsys) -> None:
    misled(monkeypatch, Misled())
    paths = list(map(str, recordings(tmp_path, 2, 2.1, 2.2)))
    assert main(["models", "calibrate", str(bundle), "--audio", *paths, "--force"]) == 0
    assert "nano-whisper: 3 clips with 6 s of speech say little" in capsys.readouterr().err
    assert calibrate(bundle, "--audio", *paths, "--force") == 0
    assert capsys.readouterr().err == ""


def test_limits_are_the_users(bundle, monkeypatch, tmp_path) -> None:
    misled(monkeypatch, Misled(needs=25, guarded=True))
    paths = recordings(tmp_path, 2, 2.1, 2.2)
    assert calibrate(bundle, "--audio", *paths, "--max-retries", 100, "--force") == 0
    limits = read_manifest(bundle).measured["audio_context"]
    assert (limits["max_loss"], limits["max_retries"]) == (0.5, 100.0)
    assert "not_safe" not in limits["windows"]["floor 10 s, margin 3 s"]


def test_a_ctc_bundle_has_no_window_to_calibrate(capsys) -> None:
    assert calibrate(ROOT / "models" / "nano-ctc-ko", "--audio", SAMPLES) == 2
    assert "nano-ctc-ko is a wav2vec2-ctc bundle, which hears a clip at its own length" in capsys.readouterr().err


def test_a_bundle_that_cannot_be_written_is_refused_before_any_work(bundle, monkeypatch, tmp_path, capsys) -> None:
    engine = Misled()
    misled(monkeypatch, engine)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    paths = recordings(tmp_path, 2, 2.1, 2.2)
    assert calibrate(bundle, "--audio", *paths) == 1
    assert f"cp -r {bundle} ./bundle-copy and use ./bundle-copy, or only look with --dry-run" in capsys.readouterr().err
    assert not engine.heard
    assert calibrate(bundle, "--audio", *paths, "--dry-run") == 0


def test_a_write_that_fails_leaves_the_old_manifest(bundle, monkeypatch) -> None:
    before = (bundle / "manifest.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match=r"manifest\.json: cannot be written, No space left on device; cp -r"):
        amend(bundle, description="another")
    assert (bundle / "manifest.json").read_bytes() == before
    assert not list(bundle.glob(".*"))


def test_what_a_newer_version_wrote_into_a_manifest_stays(bundle) -> None:
    path = bundle / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "novelty": [1]}), "utf-8")
    path.chmod(0o640)
    amend(bundle, audio_context={"floor_s": 4.0, "margin_s": 1.0})
    assert json.loads(path.read_text("utf-8"))["novelty"] == [1]
    assert read_manifest(bundle).audio_context == {"floor_s": 4.0, "margin_s": 1.0}
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(("ending", "start"), [(".png", b"\x89PNG"), (".SVG", b"<?xml")])
@pytest.mark.parametrize("seconds", [(2, 2.1, 2.2, 6), (29.9,)])
def test_a_picture_is_drawn_in_the_format_of_its_name(bundle, monkeypatch, tmp_path, ending, start, seconds) -> None:
    pytest.importorskip("matplotlib")
    misled(monkeypatch, Misled(needs=5))
    plot = tmp_path / f"windows{ending}"
    calibrate(bundle, "--audio", *recordings(tmp_path, *seconds), "--plot", plot)
    assert plot.read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("plot", "told"), [("a.jpg", "ends in .png or .svg"), ("none/a.png", "is no folder"), ("bundle", "it is a folder")]
)
def test_a_picture_that_cannot_be_drawn_is_refused_before_any_work(bundle, tmp_path, plot, told, capsys) -> None:
    before = (bundle / "manifest.json").read_bytes()
    assert calibrate(bundle, "--audio", SAMPLES, "--plot", tmp_path / plot) != 0
    assert told in capsys.readouterr().err
    assert (bundle / "manifest.json").read_bytes() == before


def test_without_matplotlib_the_pip_line_is_told_before_any_work(bundle, monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert calibrate(bundle, "--audio", SAMPLES, "--plot", tmp_path / "a.png") == 1
    assert "--plot needs the package matplotlib; pip install 'malsori[plot]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ([], "the following arguments are required: --audio"),
        (["--audio", str(SAMPLES), "--beam-size", "0"], "expected a whole number of 1 or more, found '0'"),
        (["--audio", str(SAMPLES), "--max-loss", "-1"], "expected a number of 0 or more"),
        (["--audio", str(SAMPLES), "--max-retries", "nan"], "expected a number of 0 or more"),
        (["--audio", str(SAMPLES), "--language", "xx"], "nano-whisper does not know the language 'xx'"),
    ],
)
def test_wrong_usage_leaves_with_2(bundle: Path, flags: list[str], told: str, capsys) -> None:
    assert calibrate(bundle, *flags) == 2
    assert told in capsys.readouterr().err


def test_the_limits_that_help_names_are_those_in_force() -> None:
    assert CalibrationLimits() == CalibrationLimits(MAX_LOSS, MAX_RETRIES)
