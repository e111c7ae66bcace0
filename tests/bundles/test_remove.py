"""`malsori models remove`: what malsori has put there goes, whole; what is somebody else's stays and is named."""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from malsori.bundles import find_bundle
from malsori.bundles.adopt import adopt
from malsori.bundles.pull.work import lock_of
from malsori.bundles.remove import remove
from malsori.cli.main import main
from malsori.errors import OutputError
from malsori.file_lock import locked
from tests.plain import hub_repository, whisper_folder
from tests.shipped import ROOT


class Terminal(io.StringIO):
    """A terminal on which an answer was typed."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The places of an empty user; returns malsori's folder of models in it."""
    monkeypatch.setenv("MALSORI_MODELS", str(tmp_path / "shelf"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "cache" / "malsori" / "models"


@pytest.fixture
def bundle(home: Path, tmp_path: Path) -> Path:
    """A bundle that was adopted as `kitchen`, and one beside it."""
    found = find_bundle(whisper_folder(tmp_path / "mine"))
    adopt(found, home, "bath")
    return adopt(found, home, "kitchen")


def test_an_adopted_bundle_goes_and_what_that_freed_is_told(bundle: Path, capsys) -> None:
    size = sum(path.stat().st_size for path in bundle.iterdir())
    assert main(["models", "remove", "kitchen", "--yes"]) == 0
    assert capsys.readouterr() == (f"kitchen is removed, {size / 1e6:.1f} MB freed: {bundle}\n", "")
    assert [path.name for path in bundle.parent.iterdir()] == ["bath"]
    assert main(["models", "remove", "kitchen", "--yes"]) == 1
    assert "no model named 'kitchen'" in capsys.readouterr().err


def test_it_goes_by_its_path_too_and_for_programs_there_is_json(bundle: Path, capsys) -> None:
    size = sum(path.stat().st_size for path in bundle.iterdir())
    assert main(["models", "remove", str(bundle), "-y", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "kitchen", "folder": str(bundle), "freed": size}
    assert not bundle.exists()


def test_a_process_that_pulls_it_is_waited_for(bundle: Path) -> None:
    told = []
    with ExitStack() as held:
        held.enter_context(locked(lock_of(bundle), pytest.fail))

        def waiting() -> None:
            told.append(bundle.exists())
            held.close()

        remove(find_bundle("kitchen"), waiting)
    assert told == [True]
    assert [path.name for path in bundle.parent.iterdir()] == ["bath"]


def test_whoever_waits_for_a_lock_that_was_removed_locks_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with ExitStack() as first:
        first.enter_context(locked(path, pytest.fail))

        def waiting() -> None:
            path.unlink()
            first.close()

        with locked(path, waiting), ExitStack() as third:
            told = []

            def leave() -> None:
                told.append("waited")
                raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                third.enter_context(locked(path, leave))
            assert told == ["waited"]


@pytest.mark.parametrize(
    ("answer", "left"), [("y\n", False), ("YES\n", False), ("n\n", True), ("\n", True), ("", True)]
)
def test_a_terminal_is_asked(bundle: Path, monkeypatch: pytest.MonkeyPatch, answer: str, left: bool) -> None:
    asked, told = Terminal(), sum(path.stat().st_size for path in bundle.iterdir())
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", asked)
    assert main(["models", "remove", "kitchen"]) == left
    assert asked.getvalue().startswith(f"malsori: remove kitchen, {told / 1e6:.1f} MB, {bundle}? [y/N] ")
    assert bundle.exists() == left


def test_where_nobody_can_answer_it_wants_yes(bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert main(["models", "remove", "kitchen"]) == 2
    assert "--yes removes it" in capsys.readouterr().err
    assert bundle.exists()


def _refused(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["models", "remove", name, "--yes"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "is not malsori's to remove: " in err
    return err


def test_what_is_not_malsoris_own_stays_and_its_folder_is_named(home: Path, tmp_path: Path, capsys) -> None:
    snapshot = hub_repository(tmp_path / "hf" / "hub", "me/mine", whisper_folder(tmp_path / "x"))
    for name in ("me/mine", str(snapshot)):
        assert f"{snapshot} is in the hub's cache" in _refused(name, capsys)
    shipped = ROOT / "models" / "nano-whisper"
    assert f"{shipped} comes with malsori" in _refused("nano-whisper", capsys)
    plain = whisper_folder(home / "plain")
    assert f"{plain} is a plain folder that somebody has put there; rm -r {plain} " in _refused("plain", capsys)
    own = adopt(find_bundle(plain), tmp_path / "shelf", "own")
    assert f"{own} is in a folder of your own; rm -r {own} " in _refused("own", capsys)
    for folder in (snapshot, shipped, plain, own):
        assert (folder / "model.bin").is_file()


def test_of_a_link_only_the_link_goes(home: Path, tmp_path: Path) -> None:
    there = adopt(find_bundle(whisper_folder(tmp_path / "mine")), tmp_path / "there", "x")
    home.mkdir(parents=True)
    (home / "x").symlink_to(there)
    assert remove(find_bundle("x")) == 0
    assert not os.path.lexists(home / "x")
    assert (there / "model.bin").is_file()


def test_what_cannot_be_removed_stays_whole(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: object, target: object) -> None:
        raise PermissionError(13, "Permission denied")

    before = sorted(path.name for path in bundle.iterdir())
    monkeypatch.setattr("malsori.bundles.adopt.os.rename", refuse)
    with pytest.raises(OutputError, match="kitchen: cannot be removed, Permission denied"):
        remove(find_bundle("kitchen"))
    assert sorted(path.name for path in bundle.iterdir()) == before
    assert sorted(path.name for path in bundle.parent.iterdir()) == ["bath", "kitchen"]


def test_it_is_out_of_sight_before_the_first_file_goes(bundle: Path) -> None:
    def interrupt(folder: Path, ignore_errors: bool) -> None:
        assert not bundle.exists()
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("malsori.bundles.adopt.shutil.rmtree", interrupt)
        assert main(["models", "remove", "kitchen", "--yes"]) == 130
    assert not bundle.exists()
    assert len(list(bundle.parent.glob(".*"))) == 1
    adopt(find_bundle("bath"), bundle.parent, "kitchen")
    remove(find_bundle("kitchen"))
    assert [path.name for path in bundle.parent.iterdir()] == ["bath"]


def test_the_folder_that_one_stands_in_may_be_named_so(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bundle)
    remove(find_bundle("."))
    assert not bundle.exists()


def test_what_is_kept_of_an_unfinished_pull_goes_along(bundle: Path) -> None:
    size = sum(path.stat().st_size for path in bundle.iterdir())
    kept = bundle.with_name(".kitchen.pull") / "parts" / "model.bin.0123"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(bytes(1000))
    assert remove(find_bundle("kitchen")) == size + 1000
    assert [path.name for path in bundle.parent.iterdir()] == ["bath"]
