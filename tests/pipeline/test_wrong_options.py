"""Options before work: a wrong one costs a line that names it and exit 2, and neither a model nor a recording."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import malsori
from malsori.cli.main import main
from malsori.errors import OptionError
from malsori.pipeline import TranscribeOptions
from tests.shipped import ROOT

NANO = ROOT / "models"
SOUND = ROOT / "samples" / "korean.wav"
HUGE = "9" * 25
FILE = {  # what each command needs beside the flag in question; neither the file nor the model is there
    "transcribe": ("none.wav",),
    "live": ("--simulate", "none.wav"),
    "align": ("none.wav", "--text", "a"),
    "detect-language": ("none.wav",),
    "embed": ("none.wav", "-o", "none.npy"),
}
NO_NUMBER = ("", "x", "nan", "1e309x")
NUMBERS = {  # flags of transcribe and live that take a number, and numbers that each does not take
    "--beam-size": ("0", "-1", "2.5", "257", HUGE, "inf"),
    "--temperature": ("-1", "nan", "inf", "1e309", "0,-1", "0,,1"),
    "--alternatives": ("0", "-1", "2.5", "257", HUGE),
    "--lm-alpha": ("-1", "nan", "inf", "1e309"),
    "--lm-beta": ("nan", "inf", "-1e309"),
    "--threads": ("-1", "2.5", "100000", HUGE),
    "--vad-threshold": ("0", "-1", "2", "nan", "inf"),
    "--vad-min-speech-duration-ms": ("-1", "2.5"),
    "--vad-min-silence-duration-ms": ("-1", "2.5"),
    "--vad-speech-pad-ms": ("-1", "2.5"),
    "--vad-hesitation-ms": ("-1", "2.5"),
    "--vad-max-speech-duration-s": ("0", "-1", "0.1", "nan"),
    "--audio-context": ("0", "-1", "31", "nan", "inf"),
    "--language-detection-segments": ("0", "-1", "2.5", "1001"),
    "--language-detection-threshold": ("-1", "2", "nan", "inf"),
    "--best-of": ("0", "-1", "2.5", "101"),
    "--patience": ("0", "-1", "nan", "inf"),
    "--length-penalty": ("-1", "nan", "inf"),
    "--repetition-penalty": ("0", "-1", "nan", "inf"),
    "--no-repeat-ngram-size": ("-1", "2.5", "225"),
    "--max-new-tokens": ("0", "-1", "225", "2.5"),
    "--suppress-tokens": ("-2", "2.5", "a"),
    "--max-initial-timestamp": ("-1", "31", "nan", "inf"),
    "--compression-ratio-threshold": ("-1", "nan"),
    "--log-prob-threshold": ("1", "nan", "inf"),
    "--no-speech-threshold": ("-1", "2", "nan", "inf"),
    "--prompt-reset-on-temperature": ("-1", "nan"),
    "--hallucination-silence-threshold": ("-1", "nan"),
}
OTHERS = [
    ("--task", "transcirbe"),
    ("--language", ""),
    ("--language", "  "),
    ("--hotwords", "a:0"),
    ("--hotwords", "a:101"),
    ("--hotwords", "a:x"),
    ("--hotwords", "a:nan"),
    ("--hotwords-file", "none.txt"),
    ("--hotwords-file", "/dev/zero"),
    ("--hotwords-file", "--"),
    ("--lm", "none.arpa"),
    ("--lm", "."),
    ("--device", "gpu"),
    ("--compute-type", "int3"),
    ("--memory", "high"),
    ("--word-timestamps", "maybe"),
    ("--word-timestamps", "--"),
    ("--threads", "--"),
    ("--suppress-blank", "maybe"),
    ("--model", ""),
    ("--model", "--"),
]
TRACKS = [("--track", wrong) for wrong in ("0", "-1", "", " ", "--")]
OF_ONE_COMMAND = {
    "transcribe": [
        *(
            ("--clip-timestamps", wrong)
            for wrong in ("3,1", "-1,2", "1,1", "nan", "inf", "1e309", "x", "0,2,1,3", "1e10")
        ),
        *(("--batch-size", wrong) for wrong in ("0", "-1", "2.5", "x")),
        ("--align-with", ""),
        *TRACKS,
        ("--output-format", "doc"),
        ("--vad", "maybe"),
    ],
    "live": [
        *(("--rate", wrong) for wrong in ("0", "-1", "x", "2.5")),
        *(("--speed", wrong) for wrong in ("0", "-1", "1e-320", "0.009", "nan", "inf", "x")),
        *(("--duration", wrong) for wrong in ("0", "-1", "nan", "inf", "x")),
        *(("--step", wrong) for wrong in ("0", "-1", "nan", "inf", "x")),
        *(("--context", wrong) for wrong in ("-1", "26", "nan", "inf", "x")),
        ("--endpointing", "soon"),
        ("--detector", "ear"),
        ("--method", "magic"),
        ("--commit", "always"),
        ("--partials", ""),
        ("--output", "a.doc"),
    ],
    "align": [
        *TRACKS,
        ("--text", ""),
        ("--text", " "),
        ("--cues", "page"),
        ("--threads", "-1"),
        ("--output-format", "doc"),
    ],
    "detect-language": [
        *TRACKS,
        *(("--segments", wrong) for wrong in ("0", "-1", "x", "2.5")),
        ("--language-detection-segments", "1001"),
        ("--threads", "-1"),
    ],
    "embed": [("--layer", "x"), ("--layer", "2.5"), ("--layers", "some"), ("--threads", "-1"), ("--device", "gpu")],
}
TABLE = [
    *(
        (command, flag, wrong)
        for command in ("transcribe", "live")
        for flag, all_wrong in NUMBERS.items()
        for wrong in all_wrong
    ),
    *(
        ("transcribe", flag, wrong)
        for flag in NUMBERS
        for wrong in NO_NUMBER
        if (flag, wrong) != ("--suppress-tokens", "")
    ),
    *((command, flag, wrong) for command in ("transcribe", "live") for flag, wrong in OTHERS),
    *((command, flag, wrong) for command, pairs in OF_ONE_COMMAND.items() for flag, wrong in pairs),
]
MODELS = [
    (("calibrate", "absent", "--audio", "a", "--max-loss", "-1"), "--max-loss"),
    (("calibrate", "absent", "--audio", "a", "--max-retries", "nan"), "--max-retries"),
    (("calibrate", "absent", "--audio", "a", "--beam-size", "0"), "--beam-size"),
    (("calibrate", "absent", "--audio", "a", "--threads", "-1"), "--threads"),
    (("calibrate", "absent"), "--audio"),
    (("prove", "absent", "--max-loss", "inf"), "--max-loss"),
    (("prove", "absent", "--device", "gpu"), "--device"),
    (("recommend", "--memory", "x"), "--memory"),
    (("recommend", "--memory", "-1"), "--memory"),
    (("recommend", "--memory", "nanG"), "--memory"),
    (("recommend", "--memory", "0"), "--memory"),
    (("recommend", "--device", "gpu"), "--device"),
    (("pull", "base", "--quantize", "int3"), "--quantize"),
    (("adopt", "absent", "--quantize", "int3"), "--quantize"),
    (("adopt", "absent", "--output-dir", ""), "--output-dir"),
]


@pytest.fixture(scope="module")
def whisper() -> malsori.Transcriber:
    return malsori.load(NANO / "nano-whisper", device="cpu", threads=1)


def wrong(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that is to be refused for what was typed; return the one line that it says."""
    assert main(arguments) == 2, capsys.readouterr().err
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert out == ""
    return line


@pytest.mark.parametrize(("command", "flag", "value"), TABLE)
def test_a_wrong_value_is_told_by_its_flag_before_a_model_is_looked_for(
    command: str,
    flag: str,
    value: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    line = wrong([command, *FILE[command], "--model", "absent", f"{flag}={value}"], capsys)
    assert flag in line
    assert "found" in line or "invalid" in line or "expected" in line or "must be" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("arguments", "flag"), MODELS)
def test_a_wrong_value_of_the_models_commands_is_told_by_its_flag(
    arguments: tuple[str, ...], flag: str, capsys: pytest.CaptureFixture[str]
):
    assert flag in wrong(["models", *arguments], capsys)


@pytest.mark.parametrize(
    ("model", "flags", "words"),
    [
        ("nano-ctc-ko", "--task translate", "cannot translate"),
        ("nano-ctc-ko", "--language xx", "does not know the language 'xx'"),
        ("nano-ctc-ko", "--initial-prompt a", "has no --initial-prompt"),
        ("nano-ctc-ko", "--patience 2", "has no --patience"),
        ("nano-ctc-ko", "--alternatives 3 --beam-size 2", "--alternatives: a --beam-size of 2 gives at most as many"),
        ("nano-ctc-ko", "--hotwords a --beam-size 1", "--hotwords needs a --beam-size of 2 or more"),
        ("nano-ctc-ko", "--lm-alpha 2", "--lm-alpha weighs a language model, and --lm names none"),
        ("nano-ctc-ko", "--align-with nano-whisper", "cannot align"),
        ("nano-whisper", "--alternatives 2", "has no --alternatives"),
        ("nano-whisper", "--beam-size 101", "--beam-size: expected 1 to 100, found 101"),
        ("nano-whisper", "--language de", "does not know the language 'de'"),
        ("nano-whisper", "--task translate --align-with nano-ctc-ko", "--align-with finds the words that were spoken"),
    ],
)
def test_what_a_models_manifest_rules_out_is_told_before_it_is_loaded(
    model: str, flags: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copy(NANO / model / "manifest.json", tmp_path)  # without weights: loading it would fail otherwise
    assert words in wrong(["transcribe", str(SOUND), "--model", str(tmp_path), *flags.split()], capsys)


VALUES: list[dict[str, Any]] = [
    *(
        {name: value}
        for name in ("beam_size", "batch_size", "alternatives")
        for value in (0, -1, 1.5, True, "2", math.nan)
    ),
    {"beam_size": 257},
    *({"temperature": value} for value in (-1, math.nan, math.inf, "hot", (), [0, -1], None, [[0]])),
    *({"sample_rate": value} for value in (0, -1, 44_100.5, math.nan, "16000", True, 100, 10**9)),
    *({"clip_timestamps": value} for value in ((2, 1), (-1,), (math.nan,), ("a",), 5, "3,1", (1, 1), (1e300,))),
    *({name: value} for name in ("lm_alpha", "lm_beta") for value in (math.nan, math.inf, "1", None)),
    {"lm_alpha": -1},
    {"task": "transcirbe"},
    *({"language": value} for value in ("", " ", 5)),
    *({"language_model": value} for value in (5, "none.arpa", "")),
    *({name: value} for name in ("vad", "word_timestamps", "allow_truncated") for value in ("no", None, 2)),
    *({"hotwords": value} for value in ({"a": 0}, {"a": math.nan}, {"a": "x"}, [5], 5)),
    *({"align_with": value} for value in (5, "")),
    {"gate": 0.5},
    {"vad_parameters": {"threshold": 2}},
    {"vad_parameters": {"speech_pad_ms": math.nan}},
    {"vad_parameters": {"min_speech_duration_ms": math.inf}},
    {"whisper": {}},
    {"cancelled": True},
    {"initial_prompt": 5},
    *({"patience": value} for value in (0, -1, math.nan, math.inf, "1", True)),
    *({"max_new_tokens": value} for value in (0, -1, 225, 1.5, True)),
    *({name: np.zeros(2)} for name in ("language", "vad", "beam_size", "lm_alpha", "patience", "hotwords", "gate")),
]


@pytest.mark.parametrize("options", VALUES)
def test_the_library_refuses_them_before_the_recording_is_read_by_name(
    options: dict[str, Any], whisper: malsori.Transcriber
):
    (name,) = options
    with pytest.raises(OptionError) as refused:
        whisper.transcribe("none.wav", **options)
    said = str(refused.value)
    named = {"vad_parameters": ("threshold", "padding_ms", "min_speech_ms"), "task": ("no task",)}.get(name, (name,))
    assert any(word in said for word in named)
    assert "\n" not in said


def test_an_array_in_place_of_an_option_is_refused_by_a_stream_as_well(whisper: malsori.Transcriber):
    for name in ("gate", "beam_size", "word_timestamps", "patience"):
        with pytest.raises(OptionError, match=name):
            whisper.stream(**{name: np.zeros(2)})


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("--patience", "a number from 0.01 to 100"),
        ("--max-cue-s", "1 to 3600 seconds"),
        ("--audio-context", "from 1 to"),
    ],
)
def test_a_refusal_names_the_whole_range(flag: str, told: str, capsys: pytest.CaptureFixture[str]):
    assert told in wrong(["transcribe", "none.wav", f"{flag}=-1"], capsys)


def test_numbers_of_numpy_and_limits_that_are_endless_are_taken():
    options = TranscribeOptions(
        beam_size=np.int64(2),
        temperature=(np.float32(0.5),),
        sample_rate=np.int32(8_000),
        vad=np.bool_(True),
        gate=malsori.GateOptions(max_speech_s=math.inf),
        whisper=malsori.WhisperOptions(
            patience=np.float64(2), best_of=np.int64(3), compression_ratio_threshold=math.inf
        ),
    )
    options.check_values()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"threads": -1}, "threads: expected 0 to"),
        ({"threads": 1.5}, "threads: expected 0 to"),
        ({"threads": True}, "threads: expected 0 to"),
        ({"workers": 0}, "workers: expected 1 to"),
        ({"workers": 10**6}, "workers: expected 1 to"),
        ({"memory": "high"}, "memory: expected normal or low, found 'high'"),
        ({"device": "gpu"}, "device: expected auto, cpu, cuda, tensorrt, found 'gpu'"),
        ({"compute_type": "int3"}, "compute_type: expected default, auto, int8"),
        ({"compute_type": None}, "compute_type: expected default, auto, int8"),
    ],
)
def test_what_no_model_can_be_loaded_with_is_told_before_one_is_looked_for(wrong: dict[str, Any], words: str):
    with pytest.raises(OptionError, match=words):
        malsori.load("absent", **wrong)


def test_a_compute_type_that_some_model_has_is_left_to_the_model():
    for known in ("int4", "int8_bfloat16", "auto"):
        with pytest.raises(malsori.errors.ModelNotFound):
            malsori.load("absent", compute_type=known)


def test_a_stretch_of_speech_may_be_longer_than_any_recording():
    transcriber = malsori.load(NANO / "nano-ctc-ko", device="cpu", threads=1)
    sound = NANO.parent / "samples" / "korean.wav"
    usual = transcriber.transcribe(sound).text
    for longest in (1e25, math.inf):
        assert transcriber.transcribe(sound, gate=malsori.GateOptions(max_speech_s=longest)).text == usual
