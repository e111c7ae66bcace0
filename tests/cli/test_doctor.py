"""`malsori doctor`: the facts it must hold, and that fault and mend go together."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from malsori.cli import doctor
from malsori.cli.main import main

PACKAGES = {"malsori", "numpy", "onnxruntime", "ctranslate2", "faster-whisper", "soxr", "av", "rich"}


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One model by name, whatever else this checkout has."""
    (tmp_path / "shelf" / "tiny").mkdir(parents=True)
    (tmp_path / "shelf" / "tiny" / "manifest.json").write_text("{}")
    monkeypatch.setenv("MALSORI_MODELS", str(tmp_path / "shelf"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "shelf"


def test_every_fact_that_is_not_well_comes_with_what_to_type() -> None:
    for fact in doctor.report():
        assert fact.ok or fact.fix, fact
        assert "\n" not in fact.value + fact.fix


def test_the_report_tells_packages_devices_threads_models_and_cache() -> None:
    facts = {fact.name: fact for fact in doctor.report()}
    assert facts.keys() >= PACKAGES
    assert {f"{family} on {device}" for family in ("wav2vec2", "whisper") for device in ("cpu", "cuda", "auto")} <= set(
        facts
    )
    assert "tiny ($MALSORI_MODELS)" in facts["models"].value
    assert facts["threads"].value[0].isdigit()
    assert "malsori" in facts["cache"].value


def test_what_records_is_told_and_a_machine_without_a_microphone_is_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    monkeypatch.setenv("PATH", "")
    (fact,) = [fact for fact in doctor.report() if fact.name == "microphone"]
    assert fact.ok
    assert "pip install 'malsori[mic]'" in fact.value
    main(["doctor"])
    assert f"-  microphone  {fact.value}\n" in re.sub(" {2,}", "  ", capsys.readouterr().out)


def test_both_families_truly_run_on_the_cpu() -> None:
    facts = {fact.name: fact for fact in doctor.report()}
    assert facts["wav2vec2 on cpu"].value == "CPUExecutionProvider runs"
    assert "int8" in facts["whisper on cpu"].value


def test_the_exit_code_says_whether_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--json"])
    facts = json.loads(capsys.readouterr().out)
    assert code == (0 if all(fact["ok"] for fact in facts) else 1)


def test_the_table_marks_every_line_and_ends_with_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor"])
    out = capsys.readouterr().out
    lines, _, fixes = out.partition("\nto mend:\n")
    assert all(line.startswith(("✓  ", "✗  ", "-  ")) for line in lines.splitlines())
    assert bool(fixes) == ("✗" in lines)
    assert "\x1b" not in out


def test_a_package_outside_its_range_is_told_with_the_line_that_mends_it() -> None:
    (fact,) = doctor.package("numpy<1.0")
    assert not fact.ok
    assert "does not go with the rest" in fact.value
    assert fact.fix == "pip install 'numpy<1.0'"


def test_a_package_that_is_missing_is_told_with_the_line_that_installs_it() -> None:
    (fact,) = doctor.package("no-such-package>=2")
    assert (fact.value, fact.fix) == ("not installed", "pip install 'no-such-package>=2'")


def test_packages_of_extras_are_not_asked_for() -> None:
    assert not list(doctor.package("no-such-package; extra == 'cuda'"))
