"""`malsori models bundle` and `unbundle` as they are typed, and `verify` of an archive."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from malsori.bundles import find_bundle, read_manifest
from malsori.cli.main import main
from malsori.cli.progress import Reporter
from tests import archives
from tests.archives import archive, model
from tests.plain import whisper_folder
from tests.shipped import ROOT


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The places of a user with the model `mini`, who works in an empty folder; returns the cache's models."""
    monkeypatch.setenv("MALSORI_MODELS", str(tmp_path / "mine"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    archives.folder(tmp_path / "mine" / "mini", "mini")
    (tmp_path / "desk").mkdir()
    monkeypatch.chdir(tmp_path / "desk")
    return tmp_path / "cache" / "malsori" / "models"


def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to the other machine, which has no models."""
    monkeypatch.setenv("MALSORI_MODELS", "")


def there() -> list[str]:
    return sorted(os.listdir())


def test_from_one_machine_to_the_other(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["models", "bundle", "mini"]) == 0
    out, err = capsys.readouterr()
    assert err.endswith("; on the other machine: malsori models unbundle mini.malsori.tar\n")
    assert out == Path("mini.malsori.tar.sha256").read_text()
    found = out.split()[0]
    elsewhere(monkeypatch)
    assert main(["models", "unbundle", "mini.malsori.tar"]) == 0
    out, err = capsys.readouterr()
    assert out == f"{home / 'mini'}\n"
    model, archive = err.splitlines()
    assert model.endswith("licence MIT, from made here: malsori transcribe FILE --model mini")
    assert archive == f"malsori: mini.malsori.tar: sha256 {found}, as the file beside it says"
    assert find_bundle("mini").folder == home / "mini"
    assert main(["models", "unbundle", "mini.malsori.tar", "--quiet"]) == 0
    assert capsys.readouterr() == (f"{home / 'mini'}\n", "")


def test_several_models_go_into_one_archive_in_a_folder_that_is_named(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whisper_folder(tmp_path / "kitchen")
    (tmp_path / "stick").mkdir()
    assert main(["models", "bundle", "mini", str(tmp_path / "kitchen"), "-o", f"{tmp_path}/stick", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    file = tmp_path / "stick" / "models.malsori.tar"
    assert (told["file"], told["models"], told["size"]) == (str(file), ["mini", "kitchen"], file.stat().st_size)
    elsewhere(monkeypatch)
    assert main(["models", "unbundle", str(file), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["sha256"] == told["sha256"]
    assert [each["installed"] for each in again["models"]] == [True, True]
    assert main(["models", "verify", "kitchen"]) == 0


def test_an_archive_goes_through_a_pipe(home: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "runtime")}
    command = [sys.executable, "-m", "malsori", "models"]
    other = {**env, "MALSORI_MODELS": ""}
    with (
        subprocess.Popen([*command, "bundle", "mini", "-o", "-"], stdout=subprocess.PIPE, env=env) as sender,
        subprocess.Popen([*command, "unbundle", "-"], stdin=sender.stdout, stderr=subprocess.PIPE, env=other) as box,
    ):
        assert sender.wait(30) == 0
        assert box.wait(30) == 0
        assert box.stderr is not None
        assert b"standard input: sha256 " in box.stderr.read()
    assert read_manifest(home / "mini").name == "mini"


def test_verify_takes_an_archive_and_installs_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["models", "bundle", "mini", "-q"])
    found = capsys.readouterr().out.split()[0]
    assert main(["models", "verify", "mini.malsori.tar"]) == 0
    assert capsys.readouterr().out == f"mini.malsori.tar: mini: intact; sha256 {found}\n"
    assert not home.exists()
    data = bytearray(Path("mini.malsori.tar").read_bytes())
    data[4000] ^= 1
    Path("mini.malsori.tar").write_bytes(data)
    assert main(["models", "verify", "mini.malsori.tar", "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["intact"], told["loads"]) == (False, False, None)


def test_a_sum_that_is_not_that_of_the_archive_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["models", "bundle", "mini", "-q"])
    found = capsys.readouterr().out
    elsewhere(monkeypatch)
    file = "mini.malsori.tar"
    assert main(["models", "unbundle", file, "--sha256", "ab" * 32]) == 1
    assert "expected the sum of --sha256, abab" in capsys.readouterr().err
    Path(f"{file}.sha256").write_text("ab" * 32)
    for command in ("unbundle", "verify"):
        assert main(["models", command, file]) == 1
        assert f"expected sha256 {'ab' * 32}" in capsys.readouterr().err
    os.remove(f"{file}.sha256")
    assert main(["models", "unbundle", file, "--sha256", "12"]) == 2
    assert not home.exists() or os.listdir(home) == []
    assert main(["models", "unbundle", file, "--sha256", found]) == 0
    assert capsys.readouterr().err.endswith(", as --sha256 says\n")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["bundle", "nothing"], 1, "no model named 'nothing'"),
        (["bundle"], 2, "NAME"),
        (["bundle", "mini", "-o", "-", "--json"], 2, "both write to standard output"),
        (["bundle", "mini", "-o", "no/such/x.tar"], 1, "no/such is no folder"),
        (["bundle", "mini", "-o", "nowhere/"], 2, "no such folder; make it first: mkdir nowhere/"),
        (["bundle", "mini", "-o", "fifo"], 2, "is no regular file; -o - writes to standard output"),
        (["unbundle", "nothing.tar"], 1, "nothing.tar: expected an archive of models"),
        (["unbundle", "."], 1, "found a folder; if it is a model, malsori models adopt . takes it in\n"),
        (["unbundle", "a\0b"], 1, "expected an archive of models"),
        (["unbundle", "other.tar", "--as", "a/b"], 2, "name: expected letters"),
        (["show", "./other.tar"], 1, "an archive; if it is one of models, malsori models unbundle"),
        (["verify", "other.txt"], 1, "no model named 'other.txt'"),
    ],
)
def test_what_cannot_be_is_told(arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.tar").write_bytes(archive(model("other")))
    os.mkfifo("fifo")
    assert main(["models", *arguments]) == code
    assert told in capsys.readouterr().err
    assert there() == ["fifo", "other.tar"]


def test_another_model_of_the_name_is_replaced_when_asked(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archives.folder(home / "other", "other", licence="another")
    Path("other.tar").write_bytes(archive(model("other")))
    assert main(["models", "unbundle", "other.tar"]) == 1
    assert "--replace replaces it, or give this one another name: malsori models unbundle other.tar --as NEW_NAME" in (
        capsys.readouterr().err
    )
    assert main(["models", "unbundle", "other.tar", "--as", "third"]) == 0
    assert main(["models", "unbundle", "other.tar", "--replace"]) == 0
    assert read_manifest(home / "other").licence == "MIT"


def test_a_terminal_is_neither_written_to_nor_read_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    assert main(["models", "unbundle", "-"]) == 2
    assert "no archive but a terminal" in capsys.readouterr().err
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["models", "bundle", "mini", "-o", "-"]) == 2
    assert "standard output is a terminal" in capsys.readouterr().err


def test_who_interrupts_finds_no_archive_and_no_model(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("other.tar").write_bytes(archive(model("other")))

    def interrupt(reporter: Reporter, label: str, done: float, total: float) -> None:
        if done:
            raise KeyboardInterrupt

    monkeypatch.setattr(Reporter, "say_bytes", interrupt)
    assert main(["models", "bundle", "mini"]) == 130
    assert main(["models", "unbundle", "other.tar"]) == 130
    assert there() == ["other.tar"]
    assert os.listdir(home) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_nothing_comes_through_the_pipe_leaves_nothing(home: Path, number: int) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "runtime"), "MALSORI_MODELS": ""}
    command = [sys.executable, "-m", "malsori", "models", "unbundle", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as box:
        assert box.stdin is not None
        box.stdin.write(archive(model("other"))[:4096])
        box.stdin.flush()
        until = time.monotonic() + 20
        while not (home / ".unbundle~" / "other").exists() and time.monotonic() < until:
            time.sleep(0.02)
        box.send_signal(number)
        assert box.wait(20) == 128 + number
    assert os.listdir(home) == []


def test_a_full_disk_is_told_and_leaves_nothing(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("other.tar").write_bytes(archive(model("other")))
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    assert main(["models", "bundle", "mini"]) == 1
    assert "are needed, 0.0 MB are free; make room, or write elsewhere with -o" in capsys.readouterr().err
    assert main(["models", "unbundle", "other.tar"]) == 1
    assert "other needs 16 MB, 0 MB are free; make room" in capsys.readouterr().err
    assert there() == ["other.tar"]
    assert os.listdir(home) == []


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
from malsori.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("arguments", [["bundle", "mini"], ["unbundle", "other.tar"]])
def test_a_disk_that_turns_out_to_be_full_leaves_nothing(home: Path, arguments: list[str]) -> None:
    Path("other.tar").write_bytes(archive(model("other")))
    env = {**os.environ, "PYTHONPATH": str(ROOT / "runtime")}
    done = subprocess.run([sys.executable, "-c", FULL, "models", *arguments], env=env, capture_output=True, timeout=60)
    assert done.returncode == 1
    assert b"cannot be written, File too large" in done.stderr
    assert there() == ["other.tar"]
    assert not home.exists() or os.listdir(home) == []


def test_the_reader_of_a_pipe_that_went_away_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, part: object) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", SimpleNamespace(isatty=lambda: False, buffer=Closed()))
    assert main(["models", "bundle", "mini", "-o", "-"]) == 141
