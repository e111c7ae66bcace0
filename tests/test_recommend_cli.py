"""`malsori models recommend`: what is asked for reaches the choice, and what comes out is told with its reasons."""

from __future__ import annotations

import json
from typing import Any

import pytest

from malsori.cli.main import main
from malsori.cli.models_recommend import size
from malsori.engines import devices, room


def recommended(capsys: pytest.CaptureFixture[str], *flags: str, code: int = 0) -> dict[str, Any]:
    assert main(["models", "recommend", "--json", *flags]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_table_tells_the_choice_its_figures_and_how_to_make_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "recommend", "--memory", "600M", "--device", "cpu", "--language", "ko"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("600 MB on cpu, ")
    rows = [line for line in out.splitlines() if line.startswith(("✓", "✗"))]
    assert rows[0].split()[1:5] == ["whisper-small", "242", "M", "250"]
    assert rows[1].split()[1:7] == ["xlsr-ko", "316", "M", "361", "MB", "526"]
    assert "needs" in next(row for row in rows if "whisper-large-v3 " in row)
    assert "not trained for" in out
    assert out.endswith("to make it: python export/whisper.py whisper-small whisper-small --quantize int8\n")


def test_a_model_of_the_other_family_is_made_by_its_own_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "recommend", "--memory", "550M", "--device", "cpu", "--language", "ko"]) == 0
    assert "python export/wav2vec2.py xlsr-ko xlsr-ko --quantize int8\n" in capsys.readouterr().out


def test_for_programs_it_is_json_with_every_model(capsys: pytest.CaptureFixture[str]) -> None:
    found = recommended(capsys, "--memory", "1Gi", "--device", "cpu", "--realtime")
    assert (found["device"], found["memory"], found["realtime"], found["language"]) == ("cpu", 1 << 30, True, None)
    best = found["models"][0]
    assert best["serves"]
    assert best.keys() >= {"parameters", "bundle_mb", "memory_mb", "relative_speed", "cores", "lacks", "against"}
    assert [model["serves"] for model in found["models"]] == sorted(
        (m["serves"] for m in found["models"]), reverse=True
    )


def test_without_an_amount_what_is_free_here_counts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "free_memory", lambda: 123_000_000)
    assert recommended(capsys, "--device", "cpu", code=1)["memory"] == 123_000_000
    monkeypatch.setattr(room, "free_memory", lambda: None)
    assert recommended(capsys, "--device", "cpu")["memory"] is None


def test_a_gpu_here_is_asked_for_its_own_memory_and_one_that_does_not_tell_has_the_machines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "choose_device", lambda device: "cuda")
    monkeypatch.setattr(room, "free_memory", lambda: 7_000_000_000)
    monkeypatch.setattr(room, "free_gpu_memory", lambda: 3_000_000_000)
    found = recommended(capsys)
    assert (found["device"], found["memory"]) == ("cuda", 3_000_000_000)
    assert (found["models"][0]["name"], found["models"][0]["quantization"]) == ("whisper-large-v3-turbo", "float16")
    monkeypatch.setattr(room, "free_gpu_memory", lambda: None)
    assert recommended(capsys)["memory"] == 7_000_000_000


def test_another_machines_gpu_can_be_planned_for_without_one(capsys: pytest.CaptureFixture[str]) -> None:
    found = recommended(capsys, "--device", "cuda", "--memory", "8G", "--language", "en")
    assert (found["device"], found["models"][0]["name"]) == ("cuda", "whisper-large-v3")


def test_a_gpu_that_is_not_here_is_refused_without_an_amount(capsys: pytest.CaptureFixture[str]) -> None:
    if devices.cuda("ctranslate2").usable:
        pytest.skip("this machine has CUDA")
    assert main(["models", "recommend", "--device", "cuda"]) == 1
    assert "CUDA cannot be used" in capsys.readouterr().err


def test_when_nothing_fits_that_is_said_and_the_reasons_are_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "recommend", "--memory", "10M", "--device", "cpu", "--language", "ko"]) == 1
    shown = capsys.readouterr()
    assert "✓" not in shown.out
    assert shown.out.count("needs ") == 7
    assert shown.err.startswith("malsori: none of the models serves")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2G", 2 * 10**9),
        ("512m", 512 * 10**6),
        ("1.5Gi", 3 << 29),
        ("4 GiB", 4 << 30),
        ("800MB", 8 * 10**8),
        ("99", 99),
    ],
)
def test_an_amount_of_memory_is_read_with_its_unit(text: str, expected: int) -> None:
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "0", "-1G", "nan", "inf", "2T", "G", "1e9", "2,5G", "٣G", "9" * 400])
def test_what_is_no_amount_is_wrong_usage(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "recommend", f"--memory={text}"]) == 2
    assert "expected a size such as 2G" in capsys.readouterr().err


def test_an_unknown_language_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "recommend", "--language", "korean"]) == 2
    assert "is not known to any model" in capsys.readouterr().err
