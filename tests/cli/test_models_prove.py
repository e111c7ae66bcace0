"""`malsori models prove`: the table, the JSON, the exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from malsori.bundles import read_manifest
from malsori.cli.main import main
from malsori.cli.models_prove import MAX_LOSS, device_for
from malsori.pipeline.trials import ProofLimits
from tests.pipeline.trials.test_proof import KOREAN, NANO, damaged, untimed

PROVE = ["models", "prove", str(NANO), "--quiet", "--audio", str(KOREAN)]


@pytest.fixture(autouse=True)
def _untimed(monkeypatch: pytest.MonkeyPatch) -> None:
    untimed(monkeypatch)


def test_a_table_says_what_was_heard_and_how_fast(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PROVE, "--against", str(NANO)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert "CER against                 0.00% (0 of 20)  nano-ctc-ko in int8" in out
    assert any(line.startswith("frames decided the same     100.00% ") for line in out)
    assert [line.split()[:2] for line in out[-3:]] == [["0.5", "s"], ["2", "s"], ["10", "s"]]
    assert out[-1].split()[2:] == ["1.000", "10.0", "10.0", "1.00x", "median", "of", "5", "rounds"]


def test_for_programs_it_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PROVE, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["model"], told["recordings"], told["cer"]) == ("nano-ctc-ko", 1, {"transcripts": 0.0})
    assert told["complaints"] == []


def test_a_bundle_that_loses_ends_with_1_and_says_what_it_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["models", "prove", str(damaged(tmp_path / "damaged")), "--against", str(NANO), *PROVE[3:]]
    assert main(command) == 1
    captured = capsys.readouterr()
    assert "CER against transcripts" in captured.out
    assert captured.err.startswith("malsori: damaged: CER against nano-ctc-ko is ")
    assert main([*command, "--max-loss", "500"]) == 0


def test_a_bundle_that_is_slower_ends_with_1_unless_it_may_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    untimed(monkeypatch, ratio=0.7)
    assert main([*PROVE, "--against", str(NANO)]) == 1
    assert "0.70 times as fast as nano-ctc-ko in int8 at 10 s (--allow-slower)" in capsys.readouterr().err
    assert main([*PROVE, "--against", str(NANO), "--allow-slower"]) == 0


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--max-loss", "1"], "--against"),
        (["--allow-slower"], "--against"),
        (["--against", str(NANO), "--max-loss", "some"], "expected a number of 0 or more, found 'some'"),
    ],
)
def test_wrong_usage_leaves_with_2(flags: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PROVE, *flags]) == 2
    assert told in capsys.readouterr().err


def test_a_recording_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "prove", str(NANO), "-q", "--audio", str(tmp_path / "none.wav")]) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert "none.wav" in captured.err


def test_bundles_that_are_timed_against_each_other_run_on_one_device() -> None:
    int8 = read_manifest(NANO)
    float16 = replace(int8, quantization="float16")
    assert int8.quantization == "int8"
    assert [device_for("auto", *pair) for pair in ((int8, float16), (float16, int8), (int8,))] == ["cpu"] * 3
    assert [device_for("auto", float16, float16), device_for("cuda", float16, int8)] == ["auto", "cuda"]
    assert device_for("auto", replace(int8, kind="whisper")) == "auto"  # CTranslate2 has int8 on CUDA too


def test_the_limit_that_help_names_is_the_one_in_force() -> None:
    assert ProofLimits().max_loss == MAX_LOSS
