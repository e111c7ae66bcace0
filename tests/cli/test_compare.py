"""`malsori compare`: texts, table, JSON, page, exit codes, and what is told before any work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from malsori.cli.compare_output import emit_comparison, marked, summary
from malsori.cli.main import main
from malsori.compare.differences import differences
from tests.compare.made import comparison, outcome
from tests.shipped import ROOT

SAMPLES = ROOT / "samples"
KOREAN = str(SAMPLES / "korean.wav")
SAID = "침실 온도를 이십육 도로 맞춰 주세요"


def compared(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    assert main(["compare", *arguments, "--json", "-q"]) == code
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_models_are_told_side_by_side_with_their_figures(capsys: pytest.CaptureFixture[str]):
    assert main(["compare", KOREAN, "--models", "nano-ctc-ko", "nano-whisper", "-q"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[:4] == [
        "korean.wav (4.4 s)",
        f"  said          {SAID}",
        f"  nano-ctc-ko   {SAID}",
        f"  nano-whisper  {SAID}",
    ]
    assert lines[5].split()[:5] == ["model", "CER", "CER", "with", "spaces"]
    assert [line.split()[:3] for line in lines[6:8]] == [["nano-ctc-ko", "0.0", "%"], ["nano-whisper", "0.0", "%"]]
    assert any(line.startswith("For demonstration only: nano-ctc-ko and nano-whisper") for line in lines)
    assert err == ""


def test_for_programs_it_is_one_object(capsys: pytest.CaptureFixture[str]):
    told = compared(capsys, KOREAN, "--models", "nano-ctc-ko", "nano-whisper@float32", "--runs", "2")
    assert (told["metric"], told["scored"], told["runs"]) == ("CER", True, 2)
    ctc, whisper = told["models"]
    assert (ctc["model"], ctc["compute_type"], ctc["errors"]["cer_without_spaces"]) == ("nano-ctc-ko", "int8", 0.0)
    assert (whisper["model"], whisper["compute_type"], whisper["name"]) == (
        "nano-whisper@float32",
        "float32",
        "nano-whisper",
    )
    for name in ("real_time_factor", "speed", "latency_s", "load_s", "peak_memory", "size"):
        assert ctc[name] > 0
    heard = told["recordings"][0]["heard"]
    assert heard["nano-ctc-ko"]["text"] == SAID
    assert len(heard["nano-ctc-ko"]["seconds"]) == 2


def test_what_was_said_is_taken_from_where_it_is_named_and_from_nowhere_if_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "said.tsv").write_text(f"korean.wav\t{SAID} 네\nother.wav\tx\n", "utf-8")
    told = compared(capsys, KOREAN, "-m", "nano-ctc-ko", "--transcripts", str(tmp_path / "said.tsv"))
    assert told["recordings"][0]["said"] == f"{SAID} 네"
    assert told["models"][0]["errors"]["wrong_words"] == 1
    told = compared(capsys, KOREAN, "-m", "nano-ctc-ko,nano-whisper", "--no-transcripts")
    assert (told["scored"], told["baseline"], told["recordings"][0]["said"]) == (False, "nano-ctc-ko", None)
    assert told["models"][1]["differences"]["wer"] == 0.0


def test_texts_that_name_no_recording_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "said.tsv").write_text("korean.wav\ta\nother.wav\tx\n", "utf-8")
    assert main(["compare", KOREAN, "-m", "nano-ctc-ko", "--transcripts", str(tmp_path / "said.tsv")]) == 0
    assert "1 texts name no recording here: other.wav" in capsys.readouterr().err


def test_without_models_all_that_are_here_are_taken_and_named(capsys: pytest.CaptureFixture[str]):
    assert main(["compare", KOREAN, "--language", "ko"]) == 0
    out, err = capsys.readouterr()
    assert "malsori: comparing all models that are here: nano-ctc-ko, nano-whisper" in err
    assert "language=ko" not in out
    assert out.count(SAID) == 3


def test_a_model_that_lacks_an_option_is_named_by_its_flag_and_the_others_go_on(capsys: pytest.CaptureFixture[str]):
    assert main(["compare", KOREAN, "-m", "nano-ctc-ko,nano-whisper", "--audio-context", "10", "-q"]) == 1
    out = capsys.readouterr().out
    assert "No figures: nano-ctc-ko has no --audio-context; that is an option of Whisper models" in out
    rows = [line.split()[:2] for line in out.splitlines() if line.startswith("nano-ctc-ko")]
    assert rows == [["nano-ctc-ko", "-"]]
    assert f"  nano-whisper  {SAID}" in out


def test_a_recording_that_is_not_there_costs_only_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    missing = str(tmp_path / "none.wav")
    assert main(["compare", missing, KOREAN, "-m", "nano-ctc-ko", "-q"]) == 1
    out, err = capsys.readouterr()
    assert "none.wav" in err
    assert SAID in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((KOREAN, "--audio"), "--html PAGE"),
        (("-",), "standard input can be read once"),
        ((KOREAN, "--models", "base@flaot32"), "expected MODEL@TYPE"),
        ((KOREAN, "--runs", "0"), "--runs"),
        ((KOREAN, "--beam-size", "0"), "--beam-size"),
        ((KOREAN, "--threads", "100000"), "--threads"),
        ((KOREAN, "--transcripts", "none.tsv"), "none.tsv: expected a folder of NAME.txt"),
        ((KOREAN, "--transcripts", "a", "--no-transcripts"), "not allowed with"),
        (("--models", "nano-ctc-ko", KOREAN), "FILE comes before --models"),
    ],
)
def test_wrong_usage_leaves_with_2(arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]):
    assert main(["compare", *arguments, "-q"]) == 2
    out, err = capsys.readouterr()
    assert told in err
    assert (out, err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((KOREAN, "--models", "nano-ctc-ko", "absent"), "no model named 'absent'"),
        ((KOREAN, "-m", "nano-ctc-ko", "--html", "none/page.html"), "none is no folder"),
    ],
)
def test_what_cannot_work_is_told_before_any_model_is_loaded(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["compare", *arguments, "-q"]) == 1
    out, err = capsys.readouterr()
    assert told in err
    assert out == ""


def test_a_page_is_written_with_the_recordings_if_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    page = tmp_path / "page.html"
    assert main(["compare", KOREAN, "-m", "nano-ctc-ko,nano-whisper", "--html", str(page), "--audio"]) == 0
    assert f"{page} is written" in capsys.readouterr().err
    text = page.read_text("utf-8")
    assert SAID in text
    assert text.count("data:audio/wav;base64,") == 1
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_differences_stand_in_brackets():
    parts = marked(differences("please set the light", "let the light on"))
    assert "".join(text for text, _ in parts) == "[please set -> let] the light [+on]"
    assert "".join(text for text, _ in marked(differences("set it now", "set it"))) == "set it [-now]"


def test_what_a_terminal_cannot_show_is_escaped(capsys: pytest.CaptureFixture[str]):
    emit_comparison(comparison(["a"], outcome("one", "a \x1b[2J b")))
    assert "\x1b" not in capsys.readouterr().out


def test_a_model_that_failed_has_its_reason_in_json():
    told = summary(comparison(["a"], outcome("one", "a"), outcome("two", trouble="it died")))
    assert told["models"][1]["error"] == "it died"
    assert told["recordings"][0]["heard"]["two"] == {"error": "it died"}


def _children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_the_command_ends_the_process_of_its_model(number: int):
    command = [
        sys.executable,
        "-m",
        "malsori",
        "compare",
        *([str(SAMPLES / "numbers.wav")] * 300),
        "-m",
        "nano-whisper",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "runtime")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    try:
        deadline = time.monotonic() + 20
        while not (children := _children(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(number)
        process.communicate(timeout=10)
        while Path(f"/proc/{children[0]}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not Path(f"/proc/{children[0]}").exists()
        assert process.returncode == (128 + number if number != signal.SIGKILL else -number)
    finally:
        process.kill()
        process.wait()


def test_transcripts_of_which_none_is_of_a_recording_are_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "said.tsv").write_text("file\ttext\nen/other.wav\tsaid\n")
    assert main(["compare", KOREAN, "-m", "nano-ctc-ko", "--transcripts", str(tmp_path / "said.tsv")]) == 2
    told = capsys.readouterr().err
    assert "1 texts name no recording here: en/other.wav; expected names such as korean.wav" in told


def test_the_name_of_a_model_among_the_recordings_says_which_flag_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["compare", KOREAN, "nano-ctc-ko", "nano-whisper"]) == 2
    assert "nano-ctc-ko: expected a recording, found the name of a model; type --models" in capsys.readouterr().err
