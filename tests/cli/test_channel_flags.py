"""`--channels` and `--speakers` from the command line down to the file, and the report of a split recording."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from malsori.cli.main import main
from malsori.types import SAMPLE_RATE
from tests.loudness import recording


@pytest.fixture
def call(clips: Path) -> Path:
    """A call in which `w10` is said on the left, then `w20` on the right."""
    first, second = recording((10, 1.0)), recording((20, 1.0))
    silence = np.zeros(len(first), np.float32)
    sound = np.stack([np.concatenate([first, silence]), np.concatenate([silence, second])], axis=1)
    path = clips / "call.wav"
    soundfile.write(path, sound, SAMPLE_RATE)
    return path


@pytest.mark.usefixtures("loudness", "call")
@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ([], "w5 w10"),
        (["--channels", "mix"], "w5 w10"),
        (["--channels", "2"], "w20"),
        (["--channels", "split"], "left: w10 right: w20"),
        (["--channels=split", "--speakers", "agent,the customer"], "agent: w10 the customer: w20"),
    ],
)
def test_the_flags_choose_what_is_heard_of_the_channels(
    flags: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["transcribe", "call.wav", *flags]) == 0
    assert " ".join(capsys.readouterr().out.split()) == text


@pytest.mark.usefixtures("loudness", "call")
def test_a_file_without_the_channel_costs_only_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transcribe", "one.wav", "call.wav", "--channels", "2", "--quiet"]) == 1
    told = capsys.readouterr()
    assert told.out == "call.wav: w20\n"
    assert told.err == "malsori: one.wav: expected the channel 2, found 1 channel\n"
    assert main(["transcribe", "one.wav", "call.wav", "--channels", "split", "--speakers", "a,b", "--quiet"]) == 1
    told = capsys.readouterr()
    assert told.out == "call.wav: a: w10\ncall.wav: b: w20\n"
    assert told.err.startswith("malsori: one.wav: expected 2 channels, one for each of the speakers a, b, found 1")


@pytest.mark.usefixtures("loudness", "call")
def test_the_report_says_whose_channel_was_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transcribe", "call.wav", "--channels", "split", "--report", "-f", "json"]) == 0
    told = capsys.readouterr()
    coverage = json.loads(told.out)["coverage"]
    left = [line.split("  ")[-1] for line in told.err.splitlines() if "left out" in line]
    assert [line.partition(":")[0] for line in left] == ["left", "right"]
    assert coverage["decoded_s"] == pytest.approx(
        coverage["read_s"] + sum(each["seconds"] for each in coverage["left_out"])
    )


@pytest.mark.usefixtures("loudness", "call")
@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--channels", "both"], "argument --channels: expected mix, split, or the number of a channel from 1 on"),
        (["--channels", "split", "--speakers", "a,a"], "argument --speakers: expected different names"),
        (["--speakers", "a,b"], "speakers: expected channels='split'"),
    ],
)
def test_a_wrong_flag_is_told_before_a_model_is_loaded(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["transcribe", "call.wav", *flags]) == 2
    assert message in capsys.readouterr().err
