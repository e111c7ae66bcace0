"""`malsori models recommend`: what is asked for reaches the choice, and what comes out is told with its reasons."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from malsori.cli import models_recommend, tables
from malsori.cli.main import main
from malsori.cli.models_recommend import size
from malsori.engines.machine import cpus, devices, memory
from tests.plain import ctc_folder, whisper_folder


def recommended(capsys: pytest.CaptureFixture[str], *flags: str, code: int = 0) -> dict[str, Any]:
    assert main(["models", "recommend", "--json", *flags]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_table_tells_the_choice_its_figures_and_how_to_get_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "recommend", "--memory", "600M", "--device", "cpu", "--language", "ko"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("600 MB on cpu, ")
    lines = out.splitlines()
    rows = [line for line in lines if line.startswith(("✓", "✗"))]
    assert rows[0].split()[1:5] == ["whisper-small", "242", "M", "250"]
    assert rows[1].split()[1:7] == ["xlsr-ko", "316", "M", "361", "MB", "526"]
    below = {line.split()[1]: remark for line, remark in pairwise(lines) if line in rows}
    assert below["whisper-small"] == "     malsori models pull small; not trained for Cantonese"
    assert below["whisper-large-v3"].startswith("     needs ")
    assert max(map(len, lines)) <= 100
    assert "here" in lines[2]
    assert not any(row.endswith("here") for row in rows)
    assert out.endswith("to get the first: malsori models pull small\n")


def test_each_model_is_looked_for_once_and_every_column_has_its_unit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("malsori.bundles.present.find_published", asked.append)
    assert main(["models", "recommend", "--memory", "700M", "--device", "cpu"]) == 0
    assert len(asked) == len(set(asked)) > 10
    head, row = capsys.readouterr().out.splitlines()[2:5:2]
    assert "speed/large-v3" in head
    assert row.strip() == "malsori models pull small; not trained for Cantonese"


def test_the_cross_of_an_english_model_and_the_columns_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "recommend", "--memory", "2G", "--device", "cpu"]) == 0
    out = capsys.readouterr().out
    assert "\n     knows en only; with --language en it serves where it fits\n" in out
    legend = " ".join(out.partition("\nWhat is marked ")[2].split())
    assert legend.startswith("✗ does not serve as it was asked, for the reason below it. ")
    assert "speed/large-v3: how many times as fast as that one, as published." in legend


def test_a_model_of_the_other_family_is_made_by_its_own_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "recommend", "--memory", "550M", "--device", "cpu", "--language", "ko"]) == 0
    assert "get the first: python export/wav2vec2.py xlsr-ko ./xlsr-ko --quantize int8\n" in capsys.readouterr().out


def test_for_programs_it_is_json_with_every_model(capsys: pytest.CaptureFixture[str]) -> None:
    found = recommended(capsys, "--memory", "700M", "--device", "cpu", "--realtime")
    assert (found["device"], found["memory_mb"], found["realtime"], found["language"]) == ("cpu", 700, True, None)
    best = found["models"][0]
    assert (best["name"], best["serves"], best["against"]) == ("whisper-small", True, "")
    assert (best["parameters"], best["bundle_mb"], best["memory_mb"]) == (242_000_000, 250, 591)
    assert best.keys() >= {"quantization", "relative_speed", "cores", "lacks", "remark", "memory_is_upper_bound"}
    assert [model["serves"] for model in found["models"]] == sorted(
        (m["serves"] for m in found["models"]), reverse=True
    )


def test_without_an_amount_what_is_free_here_counts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: 123_000_000)
    assert recommended(capsys, "--device", "cpu", code=1)["memory_mb"] == 123
    monkeypatch.setattr(memory, "free_memory", lambda: None)
    assert recommended(capsys, "--device", "cpu")["memory_mb"] is None


def test_a_gpu_here_is_asked_for_its_own_memory_and_one_that_does_not_tell_has_the_machines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "choose_device", lambda device: "cuda")
    monkeypatch.setattr(memory, "free_memory", lambda: 7_000_000_000)
    monkeypatch.setattr(memory, "free_gpu_memory", lambda: 3_000_000_000)
    found = recommended(capsys)
    assert (found["device"], found["memory_mb"]) == ("cuda", 3000)
    assert (found["models"][0]["name"], found["models"][0]["quantization"]) == ("whisper-large-v3-turbo", "float16")
    monkeypatch.setattr(memory, "free_gpu_memory", lambda: None)
    assert recommended(capsys)["memory_mb"] == 7000


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
        ("2GiB", 2 << 30),
        ("1T", 10**12),
        ("2000", 2 * 10**9),  # MB, as the table tells them
    ],
)
def test_an_amount_of_memory_is_read_with_its_unit(text: str, expected: int) -> None:
    assert size(text) == expected


@pytest.mark.parametrize(
    "text", ["", "0", "-1G", "nan", "inf", "5B", "2P", "2147483648", "G", "1e9", "2,5G", "٣G", "9" * 400]
)
def test_what_is_no_amount_is_wrong_usage(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "recommend", f"--memory={text}"]) == 2
    assert "expected a size such as 2G" in capsys.readouterr().err


def test_a_language_may_be_in_capitals_or_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert recommended(capsys, "--memory", "600M", "--device", "cpu", "--language", "KO")["language"] == "ko"
    assert recommended(capsys, "--memory", "600M", "--device", "cpu", "--language", "Korean")["language"] == "ko"


def test_a_stray_argument_points_to_this_commands_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "recommend", "2G"]) == 2
    told = "malsori: unrecognized arguments: 2G; see malsori models recommend --help\n"
    assert capsys.readouterr().err == told


def test_in_a_narrow_terminal_names_stay_whole_and_remarks_go_below(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "columns", lambda: 80)
    monkeypatch.setattr(models_recommend, "columns", lambda: 80)
    assert main(["models", "recommend", "--memory", "2G", "--device", "cpu", "--language", "ko"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines if not line.startswith("to get the first"))
    assert "parameters" not in lines[2]
    assert "bundle" not in lines[2]
    place = next(index for index, line in enumerate(lines) if line.startswith("✗  whisper-large-v3 "))
    assert lines[place + 1] == "     needs 2348 MB, there are 2000"
    assert "     malsori models pull small; not trained for Cantonese" in lines


def test_an_upper_bound_of_memory_is_marked_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "recommend", "--memory", "8G", "--device", "cuda"]) == 0
    out = capsys.readouterr().out
    assert "<= 5000 MB" in out
    assert "\n<= upper bound: what PyTorch takes" in out
    assert main(["models", "recommend", "--memory", "8G", "--device", "cpu"]) == 0
    assert "<=" not in capsys.readouterr().out


def test_what_is_slower_than_speech_here_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpus, "cpu_threads", lambda: 1)
    assert main(["models", "recommend", "--memory", "8G", "--device", "cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    below = {line.split()[1]: remark for line, remark in pairwise(lines) if line.startswith(("✓", "✗"))}
    assert "slower than speech here" in below["whisper-large-v3"]
    assert "slower than speech here" not in below["whisper-tiny"]


def test_an_unknown_language_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "recommend", "--language", "xx"]) == 2
    assert "is not known to any model" in capsys.readouterr().err


def test_what_is_slower_than_speech_comes_first_only_if_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpus, "cpu_threads", lambda: 2)
    flags = ("--memory", "8G", "--device", "cpu", "--language", "en")
    assert recommended(capsys, *flags)["models"][0]["name"] == "whisper-large-v3-turbo"
    assert recommended(capsys, *flags, "--any-speed")["models"][0]["name"] == "whisper-large-v3"
    assert main(["models", "recommend", "--any-speed", "--realtime"]) == 2


def test_what_is_here_is_marked_and_told_with_the_line_that_uses_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MALSORI_MODELS", str(tmp_path))
    ctc_folder(tmp_path / "xlsr-ko")
    whisper_folder(tmp_path / "base")  # of another size
    assert main(["models", "recommend", "--memory", "550M", "--device", "cpu", "--language", "ko"]) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(index for index, line in enumerate(lines) if line.startswith("✓  xlsr-ko "))
    assert lines[row].endswith(" ko         here")
    assert lines[row + 1].startswith("     malsori transcribe FILE --model xlsr-ko; ")
    assert sum(line.endswith(" here") for line in lines) == 1 + 1  # the heading
    assert lines[-1] == "the first is here: malsori transcribe FILE --model xlsr-ko"
    there = recommended(capsys, "--memory", "550M", "--device", "cpu", "--language", "ko")["models"]
    assert [model["name"] for model in there if model["here"]] == ["xlsr-ko"]
