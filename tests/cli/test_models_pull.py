"""`malsori models pull` as it is typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from malsori.bundles import find_bundle, read_manifest
from malsori.bundles.pull import File, pullable
from malsori.cli.main import main
from malsori.cli.progress import Reporter
from tests.hub_server import FILES, Server, hub_server, nano, sha
from tests.plain import stored_in_floats, whisper_folder

TINY = next(model for model in pullable() if model.short == "tiny")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A mirror whose `tiny` is the demonstration model of the checkout, and a cache of one's own."""
    small = replace(TINY, files=nano().files)
    monkeypatch.setattr("malsori.bundles.pull.published.PUBLISHED", (small,))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with hub_server() as running:
        running.files.clear()
        running.put(small)
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def test_a_pulled_model_is_found_by_what_people_call_it(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "pull", "tiny"]) == 0
    said = capsys.readouterr()
    folder = tmp_path / "cache" / "malsori" / "models" / "whisper-tiny"
    assert said.out == f"{folder}\n"
    assert said.err == (
        f"malsori: whisper-tiny, {nano().size / 1e6:.1f} MB on disk, licence mit, from Systran/faster-whisper-tiny "
        f"{TINY.revision[:12]}: malsori transcribe FILE --model tiny\n"
    )
    for name in ("tiny", "whisper-tiny", "Systran/faster-whisper-tiny"):
        assert find_bundle(name).folder == folder


def test_what_is_there_is_told_and_is_no_failure(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["models", "pull", "tiny", "--quiet"]) == 0
    assert not capsys.readouterr().err
    left = find_bundle("tiny").folder.with_name(".whisper-tiny.pull")
    left.mkdir()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert main(["models", "pull", "whisper-tiny"]) == 0
    assert not left.exists()
    assert "whisper-tiny is here already and intact" in capsys.readouterr().err
    assert main(["models", "pull", "tiny", "--force"]) == 1
    assert "HF_HUB_OFFLINE is set, so nothing is asked" in capsys.readouterr().err


def test_what_is_here_elsewhere_is_not_pulled(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine" / "tiny").mkdir(parents=True)
    for name in ("model.bin", "config.json", "vocabulary.txt"):
        (tmp_path / "mine" / "tiny" / name).write_text("{}")
    monkeypatch.setenv("MALSORI_MODELS", str(tmp_path / "mine"))
    assert main(["models", "pull", "tiny"]) == 0
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'mine' / 'tiny'}\n"
    assert "is here already" in said.err
    assert "nothing was pulled" in said.err
    assert not server.asked


def test_what_was_damaged_is_told_and_pulled_again(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull", "tiny"]) == 0
    weights = find_bundle("tiny").folder / "model.bin"
    weights.write_bytes(weights.read_bytes()[:-1])
    capsys.readouterr()
    assert main(["models", "pull", "tiny"]) == 0
    assert "; it is pulled again" in capsys.readouterr().err
    assert main(["models", "verify", "tiny"]) == 0


def test_a_plain_folder_of_that_name_is_somebodys_own_and_stays(server: Server, tmp_path: Path) -> None:
    mine = tmp_path / "cache" / "malsori" / "models" / "whisper-tiny"
    mine.mkdir(parents=True)
    for name in ("model.bin", "config.json", "vocabulary.txt"):
        (mine / name).write_text("mine")
    assert main(["models", "pull", "tiny"]) == 0
    assert (mine / "model.bin").read_text() == "mine"
    assert main(["models", "pull", "tiny", "--force"]) == 0
    assert (mine / "model.bin").read_text("latin-1") != "mine"


def test_without_a_name_those_that_can_be_pulled_are_listed(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull"]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "PUBLISHED", "HERE", "LICENCE", "FROM"]
    assert line.split() == ["tiny", f"{nano().size / 1e6:.1f}", "MB", "mit", TINY.repository]
    main(["models", "pull", "tiny"])
    capsys.readouterr()
    assert main(["models", "pull"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[3] == "here"
    assert main(["models", "pull", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["name"], told["size"], told["here"]) == ("whisper-tiny", nano().size, True)


def test_for_programs_there_is_json(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for pulled in (True, False):
        assert main(["models", "pull", "tiny", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        folder = tmp_path / "cache" / "malsori" / "models" / "whisper-tiny"
        assert told == {"name": "whisper-tiny", "folder": str(folder), "pulled": pulled}


def test_a_wrong_file_is_told_and_nothing_is_installed(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = (path for path in server.files if path.endswith("config.json"))
    server.files[path] = server.files[path][:-1] + b" "
    assert main(["models", "pull", "tiny"]) == 1
    assert "config.json: expected the sum" in capsys.readouterr().err
    assert main(["models", "show", "tiny"]) == 1


def test_an_unknown_name_is_told_with_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull", "bsae"]) == 1
    assert capsys.readouterr().err.startswith("malsori: no model named 'bsae'; did you mean base? malsori models pull ")


def test_a_wrong_source_is_wrong_usage(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull", "tiny", "--source", "torrent"]) == 2
    assert "--source: expected hub, index or the address of a mirror" in capsys.readouterr().err


def test_of_several_one_that_cannot_be_had_does_not_stop_the_others(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "cache" / "malsori" / "models" / "whisper-tiny"
    assert main(["models", "pull", "bsae", "tiny", "tiny", "nothing"]) == 1
    said = capsys.readouterr()
    assert said.out == f"{folder}\n"
    first, pulled, last = said.err.splitlines()
    assert first.startswith("malsori: bsae: no model named 'bsae'; did you mean base? ")
    assert pulled.startswith("malsori: whisper-tiny, ")
    assert last.startswith("malsori: nothing: no model named 'nothing'; ")
    assert main(["models", "pull", "tiny", "whisper-tiny"]) == 0
    assert capsys.readouterr().out == f"{folder}\n{folder}\n"


def test_of_several_the_json_is_a_list_with_what_failed(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "pull", "bsae", "tiny", "--json"]) == 1
    failed, told = json.loads(capsys.readouterr().out)
    assert (failed["name"], failed["pulled"]) == ("bsae", False)
    assert "did you mean base" in failed["error"]
    assert (told["name"], told["pulled"]) == ("whisper-tiny", True)


def test_who_interrupts_one_of_several_is_told_the_line_with_those_that_remain(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(reporter: Reporter, label: str, done: float, total: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Reporter, "say_bytes", interrupt)
    assert main(["models", "pull", "bsae", "tiny", "base"]) == 130
    assert capsys.readouterr().err.endswith("has come; malsori models pull tiny base begins anew\n")


def test_who_interrupts_is_told_what_is_kept_and_the_line_that_goes_on(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(reporter: Reporter, label: str, done: float, total: float) -> None:
        if done >= enough:
            raise KeyboardInterrupt

    monkeypatch.setattr(Reporter, "say_bytes", interrupt)
    enough = 0.0
    assert main(["models", "pull", "tiny"]) == 130
    told = "malsori: interrupted; nothing of whisper-tiny has come; malsori models pull tiny begins anew\n"
    assert capsys.readouterr().err == told
    enough = 100_000.0
    assert main(["models", "pull", "tiny", "--source", server.url]) == 130
    said = capsys.readouterr().err
    assert said.startswith("malsori: interrupted; ")
    assert said.endswith(
        f"B of whisper-tiny are kept; malsori models pull tiny --source {server.url} goes on where this stopped\n"
    )
    assert said.count("\n") == 1


def test_after_an_interrupt_what_came_is_not_asked_for_again(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        def interrupt(reporter: Reporter, label: str, done: float, total: float) -> None:
            if done >= 100_000:
                raise KeyboardInterrupt

        patch.setattr(Reporter, "say_bytes", interrupt)
        assert main(["models", "pull", "tiny"]) == 130
    server.asked.clear()
    assert main(["models", "pull", "tiny"]) == 0
    assert not any(path.endswith("config.json") for path in server.gets)
    assert next(asked for _, path, asked in server.asked if path.endswith("model.bin")).startswith("bytes=")


def test_the_list_fits_a_hundred_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("malsori.bundles.present.find_published", lambda name: name)
    assert main(["models", "pull"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(pullable())
    assert max(map(len, lines)) <= 100
    base = next(line for line in lines if line.startswith("base "))
    assert "147.9 MB" in base
    assert base.endswith("Systran/faster-whisper-base, index (133.3 MB packed)")


def test_another_model_under_the_name_is_told_of_and_what_is_pulled_is_named_so_that_it_is_found(
    server: Server, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    models = tmp_path / "cache" / "malsori" / "models"
    other = whisper_folder(models / "tiny")
    assert main(["models", "pull", "tiny"]) == 0
    said = capsys.readouterr()
    assert said.out == f"{models / 'whisper-tiny'}\n"
    told, line = said.err.splitlines()
    assert told == f"malsori: {other} (cache) is called tiny, but is another model than whisper-tiny"
    assert line.endswith("malsori transcribe FILE --model whisper-tiny")
    assert find_bundle("whisper-tiny").folder == models / "whisper-tiny"


def test_where_both_names_are_taken_what_is_pulled_is_named_by_its_path(
    server: Server, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tiny", "whisper-tiny"):
        whisper_folder(tmp_path / "mine" / name)
    monkeypatch.setenv("MALSORI_MODELS", str(tmp_path / "mine"))
    assert main(["models", "pull", "tiny"]) == 0
    folder = tmp_path / "cache" / "malsori" / "models" / "whisper-tiny"
    assert capsys.readouterr().err.endswith(f"malsori transcribe FILE --model {folder}\n")


def test_what_is_here_in_the_other_form_is_rounded_or_pulled_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = whisper_folder(tmp_path / "published", vocabulary="vocabulary.json")
    stored_in_floats(folder)
    contents = {name: (folder / name).read_bytes() for name in FILES}
    model = replace(TINY, files=tuple(File(name, len(each), sha(each)) for name, each in contents.items()))
    server.files = {f"/{model.repository}/resolve/{model.revision}/{name}": each for name, each in contents.items()}
    monkeypatch.setattr("malsori.bundles.pull.published.PUBLISHED", (model,))

    def stored(*flags: str) -> tuple[str, int]:
        assert main(["models", "pull", "tiny", *flags]) == 0
        return read_manifest(Path(capsys.readouterr().out.strip())).quantization, len(server.gets)

    assert stored("--quantize", "none") == ("float16", 4)
    assert stored() == ("float16", 4)
    assert stored("--quantize", "int8") == ("int8", 4)
    assert stored() == ("int8", 4)
    assert stored("--quantize", "none") == ("float16", 8)
