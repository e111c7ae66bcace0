"""Which model serves where none was named, what is said of it, and that demonstrations say what they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import malsori
from malsori.bundles import Manifest, read_manifest, seal
from malsori.bundles.choice import best, rank
from malsori.cli.main import main
from malsori.errors import ModelNotFound, OptionError
from malsori.languages import LANGUAGES
from tests.plain import WHISPER, hub_repository, whisper_folder
from tests.shipped import ROOT

SAMPLE = str(ROOT / "samples" / "korean.wav")


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that `$MALSORI_MODELS` names, and nothing else but the checkout's."""
    monkeypatch.delenv("MALSORI_MODEL", raising=False)
    monkeypatch.setenv("MALSORI_MODELS", str(tmp_path / "shelf"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "shelf"


def _bundle(folder: Path, *languages: str, **fields: object) -> Manifest:
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"weights")
    known = {"name": folder.name, "languages": languages or LANGUAGES, "demonstration": False, "files": {}, "sizes": {}}
    return seal(folder, replace(read_manifest(WHISPER), **{**known, **fields}))


def test_the_most_accurate_of_the_catalogue_is_taken_and_said(shelf: Path) -> None:
    for name in ("whisper-tiny", "whisper-small", "whisper-base", "zz"):
        _bundle(shelf / name)
    chosen = best()
    assert (chosen.found.name, chosen.others, chosen.warning) == ("whisper-small", 3, "")
    assert chosen.line == (
        "model whisper-small ($MALSORI_MODELS), the most accurate of 4 that are here; --model NAME takes another"
    )


def test_one_that_knows_the_language_is_taken_and_without_one_those_that_know_several(shelf: Path) -> None:
    _bundle(shelf / "whisper-tiny")
    _bundle(shelf / "whisper-medium.en", "en", tasks=("transcribe",))
    _bundle(shelf / "xlsr-ko", "ko", kind="wav2vec2-ctc", tasks=("transcribe",))
    assert best().found.name == "whisper-tiny"
    assert best("en").found.name == "whisper-medium.en"
    assert best("ko").found.name == "xlsr-ko"
    assert best("fr").found.name == "whisper-tiny"
    assert best("en", task="translate").found.name == "whisper-tiny"
    assert best(several=True).found.name == "whisper-tiny"


def test_a_real_model_of_one_language_comes_before_a_demonstration(shelf: Path) -> None:
    _bundle(shelf / "tiny.en", "en")
    assert best().found.name == "tiny.en"
    assert best("ko").found.name == "nano-ctc-ko"


def test_a_stream_takes_one_that_keeps_up(shelf: Path) -> None:
    _bundle(shelf / "whisper-large-v3")
    _bundle(shelf / "whisper-base")
    assert best(cores=1.0).found.name == "whisper-base"
    assert best(cores=8.0).found.name == "whisper-large-v3"


def test_a_model_of_a_strange_name_stands_where_its_size_does(shelf: Path) -> None:
    _bundle(shelf / "whisper-tiny")
    _bundle(shelf / "whisper-medium")
    _bundle(shelf / "mine", sizes={"parameters": 244_000_000})
    assert rank("mine", read_manifest(shelf / "mine"))[0] == rank("whisper-small", read_manifest(shelf / "mine"))[0] - 1
    assert best().found.name == "whisper-medium"


def test_one_in_the_cache_of_the_hub_is_taken_too(tmp_path: Path) -> None:
    hub_repository(tmp_path / "hf" / "hub", "Systran/faster-whisper-base", whisper_folder(tmp_path / "x"))
    assert best().found.name == "Systran/faster-whisper-base"


def test_a_damaged_one_is_passed_over(shelf: Path) -> None:
    _bundle(shelf / "whisper-large-v3")
    (shelf / "whisper-large-v3" / "manifest.json").write_text("{")
    _bundle(shelf / "whisper-base")
    assert best().found.name == "whisper-base"


def test_the_variable_names_one_without_a_word(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _bundle(shelf / "whisper-small")
    monkeypatch.setenv("MALSORI_MODEL", "nano-ctc-ko")
    chosen = best()
    assert (chosen.found.name, chosen.line, chosen.warning) == ("nano-ctc-ko", "", "")
    assert best("en").found.name == "whisper-small"
    monkeypatch.setenv("MALSORI_MODEL", "gone")
    with pytest.raises(ModelNotFound, match=r"^\$MALSORI_MODEL is 'gone': no model of that name; "):
        best()
    with pytest.raises(ModelNotFound, match=r"\$MALSORI_MODEL is 'gone'"):
        malsori.load()


def test_what_is_wrong_with_the_model_of_the_variable_is_told_with_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setenv("MALSORI_MODEL", str(tmp_path))
    assert main(["transcribe", SAMPLE]) == 1
    assert capsys.readouterr().err.startswith(f"malsori: $MALSORI_MODEL is '{tmp_path}': {tmp_path}: is no model: ")
    monkeypatch.setenv("MALSORI_MODEL", "nope")
    assert main(["transcribe", SAMPLE]) == 1
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert first.startswith("malsori: $MALSORI_MODEL is 'nope': no model of that name; malsori models pull base gets ")
    assert first.endswith("; set $MALSORI_MODEL to one that is here, or unset it")
    assert second == "malsori: models here: nano-ctc-ko, nano-whisper"
    assert main(["transcribe", SAMPLE, "--model", "nope"]) == 1
    assert "MALSORI_MODEL " not in capsys.readouterr().err


def test_where_a_real_model_is_here_a_wrong_variable_is_answered_with_it(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bundle(shelf / "whisper-small")
    monkeypatch.setenv("MALSORI_MODEL", "nope")
    with pytest.raises(ModelNotFound) as caught:
        best()
    assert caught.value.lines[:2] == (
        "$MALSORI_MODEL is 'nope': no model of that name; malsori models list tells which are here, such as "
        "whisper-small; set $MALSORI_MODEL to one that is here, or unset it",
        "models here: nano-ctc-ko, nano-whisper, whisper-small",
    )


@pytest.mark.parametrize(
    ("command", "flag"),
    [
        ("transcribe", "--model"),
        ("transcribe", "--align-with"),
        ("detect-language", "-m"),
        ("live", "--finals"),
        ("live", "--partials"),
        ("embed", "--model"),
    ],
)
@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_name_is_refused(command: str, flag: str, empty: str, capsys) -> None:
    assert main([command, *([SAMPLE] if command != "live" else ["--simulate", SAMPLE]), flag, empty]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "expected the name or the path of a model, found an empty text" in err
    assert err.count("\n") == 1


def test_a_language_that_no_model_knows_is_told_with_the_line_that_gets_one() -> None:
    with pytest.raises(OptionError, match=r"'fr'; here: nano-ctc-ko, nano-whisper; malsori models pull base gets one"):
        best("fr")
    with pytest.raises(OptionError, match=r"'xx'; here: nano-ctc-ko, nano-whisper$"):
        best("xx")


def test_the_words_of_a_demonstration_come_with_a_warning() -> None:
    found = malsori.load().transcribe(SAMPLE)
    assert found.model == "nano-ctc-ko"
    assert any("demonstration model" in line and "malsori models pull base" in line for line in found.warnings)
    assert not malsori.load("nano-ctc-ko").transcribe(SAMPLE).warnings
    assert malsori.load(language="en").transcribe(SAMPLE).model == "nano-whisper"


def test_the_first_command_says_its_sentence_on_stdout_and_the_warning_once_on_stderr(capsys) -> None:
    assert main(["transcribe", SAMPLE, SAMPLE]) == 0
    out, err = capsys.readouterr()
    sentence = (ROOT / "samples" / "korean.txt").read_text("utf-8").strip()
    assert [line.rpartition(": ")[2] for line in out.splitlines()] == [sentence, sentence]
    assert err.count("is a demonstration model") == err.count("\n") == 1
    assert main(["transcribe", SAMPLE, "--quiet"]) == 0
    assert capsys.readouterr() == (f"{sentence}\n", "")


def test_a_stream_of_a_demonstration_warns_once(capsys) -> None:
    assert main(["live", "--simulate", SAMPLE, "--speed", "max", "--no-partials", "-f", "text"]) == 0
    assert capsys.readouterr().err.count("is a demonstration model") == 1


def test_languages_told_by_a_demonstration_come_with_a_warning(capsys) -> None:
    assert main(["detect-language", SAMPLE]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("ko ")
    assert "nano-whisper is a demonstration model" in err


def test_a_model_of_one_language_tells_no_languages(capsys) -> None:
    assert main(["detect-language", SAMPLE, "--model", "nano-ctc-ko"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "nano-ctc-ko knows ko and cannot tell languages apart; take a multilingual Whisper" in err


def test_the_bundles_of_the_repository_say_that_they_are_demonstrations() -> None:
    assert all(read_manifest(ROOT / "models" / name).demonstration for name in ("nano-ctc-ko", "nano-whisper"))


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({"language": "yue"}, "malsori models pull whisper-large-v3 gets one"),
        ({"language": "ko", "task": "summarize"}, "malsori models pull base gets one"),
        ({"task": "summarize"}, "malsori models pull base gets one"),
    ],
)
def test_who_asks_for_what_no_model_here_knows_is_told_of_one_that_does(asked: dict[str, str], line: str) -> None:
    with pytest.raises(OptionError, match=f"; {line}$"):
        best(**asked)
