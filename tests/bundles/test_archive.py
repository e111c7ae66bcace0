"""Models in one archive: the same bytes each time, and on arrival all of it right or nothing installed."""

from __future__ import annotations

import errno
import io
import json
import os
import random
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from malsori.bundles import find_bundle, read_manifest, verify
from malsori.bundles.archive import (
    ArchiveReader,
    Unbundled,
    beside,
    bundle,
    bundle_to,
    check,
    expected_sum,
    pack,
    size_of_archive,
    sum_line,
    unbundle,
)
from malsori.bundles.archive.members import Member, header
from malsori.errors import MalsoriError, ModelCorrupt, ModelIncompatible, OptionError, OutputError
from tests import archives
from tests.archives import CONTENT, archive, model, of_kind
from tests.damage import KINDS
from tests.hub_server import NANO


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The places of an empty user; returns malsori's folder of models in it."""
    monkeypatch.setenv("MALSORI_MODELS", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "malsori" / "models"


def installed(data: bytes, into: Path, **options: Any) -> list[Unbundled]:
    return unbundle(ArchiveReader(io.BytesIO(data), "x.tar"), into, **options)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def assert_refused(
    data: bytes, home: Path, match: str, kind: type[MalsoriError] = ModelCorrupt, **options: Any
) -> None:
    """An archive that must be refused, and leave nothing behind."""
    before = left(home)
    with pytest.raises(kind, match=match):
        installed(data, home, **options)
    assert left(home) == before


def written(*folders: Path) -> bytes:
    target = io.BytesIO()
    bundle(pack([find_bundle(folder) for folder in folders]), target)
    return target.getvalue()


def test_what_arrives_is_what_was_sent(home: Path, tmp_path: Path) -> None:
    sent = [archives.folder(tmp_path / name, name) for name in ("mini", "other")]
    models = installed(written(*sent), home)
    assert [(each.name, each.folder, each.there) for each in models] == [
        ("mini", home / "mini", False),
        ("other", home / "other", False),
    ]
    for folder in sent:
        for name in (*CONTENT, "manifest.json"):
            assert (home / folder.name / name).read_bytes() == (folder / name).read_bytes()
        verify(home / folder.name, read_manifest(home / folder.name))
        assert find_bundle(folder.name).folder == home / folder.name
    assert left(home) == ["mini", "other"]


def test_the_same_model_gives_the_same_bytes_wherever_and_whenever_it_lies(tmp_path: Path) -> None:
    one = archives.folder(tmp_path / "a" / "mini")
    other = archives.folder(tmp_path / "b" / "mini", content=dict(reversed(CONTENT.items())))
    (other / "manifest.json").write_bytes((one / "manifest.json").read_bytes())
    (other / "notes.txt").write_text("no part of the model")
    os.utime(other / "model.bin", (1, 1))
    os.chmod(other / "model.bin", 0o600)
    assert written(one) == written(other)
    assert len(written(one)) == size_of_archive(pack([find_bundle(one)]))


def test_any_tar_reads_it_and_what_another_tar_has_packed_in_this_order_is_taken(home: Path, tmp_path: Path) -> None:
    sent = archives.folder(tmp_path / "mini")
    (tmp_path / "x.tar").write_bytes(written(sent))
    with tarfile.open(tmp_path / "x.tar") as tar:
        assert {each.name: tar.extractfile(each).read() for each in tar} == {  # type: ignore[union-attr]
            f"mini/{name}": (sent / name).read_bytes() for name in ("manifest.json", *CONTENT)
        }
    names = [f"mini/{name}" for name in ("manifest.json", *reversed(CONTENT))]
    for form in ("ustar", "gnu"):
        subprocess.run(["tar", "-C", tmp_path, f"--format={form}", "-cf", tmp_path / "y.tar", *names], check=True)
        with (tmp_path / "y.tar").open("rb") as file:
            assert [each.name for each in check(ArchiveReader(file, "y.tar"))] == ["mini"]


def test_a_plain_folder_gets_its_manifest_on_the_way(home: Path, tmp_path: Path) -> None:
    plain = tmp_path / "kitchen"
    plain.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json"):
        os.link(NANO / name, plain / name)
    (model,) = installed(written(plain), home)
    assert read_manifest(model.folder).name == "kitchen"
    verify(model.folder, read_manifest(model.folder))
    assert not (plain / "manifest.json").exists()


@pytest.mark.parametrize("files", [("model.bin",), ("model.bin", "config.json")])
def test_a_model_that_changes_while_it_is_written_makes_no_archive(tmp_path: Path, files: tuple[str, ...]) -> None:
    packed = pack([find_bundle(archives.folder(tmp_path / "mini"))])
    for name in files:
        with (tmp_path / "mini" / name).open("ab") as file:
            file.write(b"more")
    with pytest.raises(ModelCorrupt, match="a file that has changed meanwhile"):
        bundle_to(packed, tmp_path / "x.tar")
    assert left(tmp_path) == ["mini"]


def test_a_model_that_is_not_intact_is_not_written(tmp_path: Path) -> None:
    folder = archives.folder(tmp_path / "mini")
    (folder / "model.bin").write_bytes(b"x" * len(CONTENT["model.bin"]))
    with pytest.raises(ModelCorrupt, match=r"model\.bin: expected sha256"):
        pack([find_bundle(folder)])


def test_models_of_one_name_or_of_none_make_no_archive(tmp_path: Path) -> None:
    one, other = (archives.folder(tmp_path / each / "mini") for each in "ab")
    with pytest.raises(OptionError, match="have one name; put them into two archives"):
        pack([find_bundle(one), find_bundle(other)])
    assert len(pack([find_bundle(one), find_bundle(one)])) == 1
    odd = archives.folder(tmp_path / "my model")
    with pytest.raises(OptionError, match=r"found 'my model'; malsori models adopt '.*my model' NAME gives it one"):
        pack([find_bundle(odd)])


def test_an_archive_and_its_sum_appear_together_or_not_at_all(tmp_path: Path) -> None:
    packed = pack([find_bundle(archives.folder(tmp_path / "mini"))])
    found = bundle_to(packed, tmp_path / "x.tar")
    assert expected_sum(tmp_path / "x.tar") == found
    subprocess.run(["sha256sum", "--strict", "-c", "x.tar.sha256"], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "y.tar.sha256").mkdir()
    with pytest.raises(OutputError, match=r"y\.tar: cannot be written"):
        bundle_to(packed, tmp_path / "y.tar")
    assert left(tmp_path) == ["mini", "x.tar", "x.tar.sha256", "y.tar.sha256"]


def test_no_file_of_a_model_is_written_over(tmp_path: Path) -> None:
    folder = archives.folder(tmp_path / "mini")
    with pytest.raises(OptionError, match="is a file of the model"):
        bundle_to(pack([find_bundle(folder)]), folder / "model.bin")
    verify(folder, read_manifest(folder))


@pytest.mark.parametrize("name", ["a b.tar", "back\\slash.tar", "two\nlines.tar", "음성.tar", "r\r.tar"])
def test_the_line_with_the_sum_is_one_that_sha256sum_takes(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"content")
    done = subprocess.run(["sha256sum", name], cwd=tmp_path, capture_output=True, check=True)
    beside(tmp_path / name).write_bytes(done.stdout)
    own = sum_line(expected_sum(tmp_path / name), name)
    beside(tmp_path / name).write_bytes(os.fsencode(own))
    subprocess.run(["sha256sum", "-c", f"{name}.sha256"], cwd=tmp_path, capture_output=True, check=True)


def test_the_sum_beside_is_found_in_other_forms_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    one, other = "ab" * 32, "CD" * 32
    for text, found in (
        ("", None),
        (f"SHA256 (x.tar) = {one}\n", one),
        (f"{one}\n", one),
        (f"{one} *renamed.tar\n", one),
        (f"{one}  y.tar\n{other}  x.tar\n", other.lower()),
        (f"{one}  y.tar\n{other}  z.tar\n", None),
        (f"{one}{one}\n", None),
    ):
        beside(tmp_path / "x.tar").write_text(text)
        if found:
            assert expected_sum(tmp_path / "x.tar") == found
        else:
            with pytest.raises(ModelCorrupt, match=r"expected one sha256, that of x\.tar, found (none|2)"):
                expected_sum(tmp_path / "x.tar")


def test_a_pipe_in_place_of_the_sum_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(beside(tmp_path / "x.tar"))
    with pytest.raises(ModelCorrupt, match=r"found no regular file$"):
        expected_sum(tmp_path / "x.tar")


def test_an_archive_with_another_sum_than_was_promised_is_not_installed(home: Path) -> None:
    data = archive(model())
    assert_refused(data, home, f"expected sha256 {'ab' * 32}, found sha256 ", expected="AB" * 32)
    reader = ArchiveReader(io.BytesIO(data), "x.tar")
    check(reader)
    assert installed(data, home, expected=reader.sha256.upper())


BIG = of_kind("mini/manifest.json", tarfile.REGTYPE)
BIG.size = 5 << 20
SPARSE = of_kind("mini/model.bin", tarfile.GNUTYPE_SPARSE)
HARD = of_kind("mini/model.bin", tarfile.LNKTYPE, "/etc/hostname")
SOFT = of_kind("mini/model.bin", tarfile.SYMTYPE, "/etc/hostname")
LONG = "mini/" + "n" * 300
FIRST = model()[:1]


@pytest.mark.parametrize(
    ("parts", "form", "match"),
    [
        ([], tarfile.USTAR_FORMAT, "found an empty one"),
        ([("mini/config.json", b"{}")], tarfile.USTAR_FORMAT, r"expected NAME/manifest\.json first"),
        ([(of_kind("mini", tarfile.DIRTYPE), b""), *model()], tarfile.USTAR_FORMAT, "found a folder, 'mini'"),
        ([*FIRST, (HARD, b"")], tarfile.USTAR_FORMAT, "found a hard link, 'mini/model.bin'"),
        ([*FIRST, (SOFT, b"")], tarfile.USTAR_FORMAT, "found a link, 'mini/model.bin'"),
        ([*FIRST, (of_kind("mini/model.bin", tarfile.CHRTYPE), b"")], tarfile.USTAR_FORMAT, "found a device"),
        ([*FIRST, (of_kind("mini/model.bin", tarfile.BLKTYPE), b"")], tarfile.USTAR_FORMAT, "found a device"),
        ([*FIRST, (of_kind("mini/model.bin", tarfile.FIFOTYPE), b"")], tarfile.USTAR_FORMAT, "found a pipe"),
        ([*FIRST, (SPARSE, b"")], tarfile.GNU_FORMAT, "found a sparse file"),
        ([*FIRST, (of_kind("mini/model.bin", b"Q"), b"")], tarfile.USTAR_FORMAT, "unknown kind b'Q'"),
        ([(LONG, b"x")], tarfile.PAX_FORMAT, "found an extended header"),
        ([(LONG, b"x")], tarfile.GNU_FORMAT, "found a long name"),
        ([*FIRST, ("/etc/x", b"x")], tarfile.USTAR_FORMAT, "'/etc/x': expected files that mini/manifest.json lists"),
        ([*FIRST, ("mini/../../x", b"x")], tarfile.USTAR_FORMAT, r"'mini/\.\./\.\./x': expected files that"),
        ([*FIRST, ("../x", b"x")], tarfile.USTAR_FORMAT, r"'\.\./x': expected files that"),
        ([("../manifest.json", manifest := archives.manifest())], tarfile.USTAR_FORMAT, "first"),
        ([("/manifest.json", manifest)], tarfile.USTAR_FORMAT, "first"),
        ([(".hidden/manifest.json", manifest)], tarfile.USTAR_FORMAT, "first"),
        ([*model(), ("mini/model.bin", b"x")], tarfile.USTAR_FORMAT, "expected each file once"),
        ([*model(), *FIRST], tarfile.USTAR_FORMAT, "expected each (file|model) once"),
        ([*model(), *model("MINI")], tarfile.USTAR_FORMAT, "expected each model once"),
        ([*model(), ("mini/more.bin", b"x")], tarfile.USTAR_FORMAT, "found one that is neither"),
        ([*FIRST, *model("other")], tarfile.USTAR_FORMAT, "expected all files of mini first, found none yet called"),
        (model()[:-1], tarfile.USTAR_FORMAT, "expected all files of mini, found none called 'onnx/graph.onnx'"),
        (
            [(BIG, bytes(5 << 20))],
            tarfile.USTAR_FORMAT,
            r"a manifest of at most 4194304 bytes \(4194304 in all\), found 5242880",
        ),
        (
            [*FIRST, ("mini/config.json", b"{}}")],
            tarfile.USTAR_FORMAT,
            "expected 2 bytes, as its manifest says, found 3",
        ),
        ([*FIRST, ("mini/config.json", b"[]")], tarfile.USTAR_FORMAT, "expected sha256 .* as its manifest says"),
        ([("mini/manifest.json", b"{")], tarfile.USTAR_FORMAT, "expected JSON"),
        ([("mini/manifest.json", b"\xff")], tarfile.USTAR_FORMAT, "expected UTF-8 text"),
        ([("mini/manifest.json", b"[" * 100_000)], tarfile.USTAR_FORMAT, "nested too deep|expected JSON"),
    ],
)
def test_what_does_not_belong_in_an_archive_is_named_and_nothing_is_left(
    home: Path, parts: archives.Parts, form: int, match: str
) -> None:
    assert_refused(archive(parts, form), home, match)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "a\\b", "C:x", "manifest.json", ""])
def test_a_manifest_that_names_files_elsewhere_is_refused(home: Path, name: str) -> None:
    parts = [("mini/manifest.json", archives.manifest({name: b"x"})), (f"mini/{name}", b"x")]
    assert_refused(archive(parts), home, "expected names of files inside the bundle")


def test_manifests_are_small_all_together(home: Path) -> None:
    content = {"a": b""}
    parts: list[Any] = []
    for number in range(5):
        said = {**json.loads(archives.manifest(content)), "measured": {"a": "x" * 1_000_000}}
        parts += [(f"m{number}/manifest.json", json.dumps(said).encode()), (f"m{number}/a", b"")]
    assert_refused(
        archive(parts), home, r"'m4/manifest\.json': expected a manifest of at most \d{6} bytes \(4194304 in all"
    )
    assert installed(archive(parts[:8]), home)


def test_a_negative_size_is_refused(home: Path) -> None:
    info = of_kind("mini/manifest.json", tarfile.REGTYPE)
    info.size = -1
    assert_refused(info.tobuf(tarfile.GNU_FORMAT) + archive([]), home, "expected a size of 0 or more .* found -1")


def test_too_many_models_and_files_are_refused(home: Path) -> None:
    many = [each for number in range(101) for each in model(f"m{number}", {"a": b""})]
    assert_refused(archive(many), home, "at most 100 models, found more")
    assert_refused(archive(model(content={f"{number}": b"" for number in range(1001)})), home, "at most 1000 files")
    assert_refused(archive([("mini/manifest.json", archives.manifest({}))]), home, "lists no files", ModelIncompatible)


@pytest.mark.parametrize("size", [1 << 41, 10**400])
def test_what_finds_no_room_is_refused_before_a_byte_is_written(home: Path, size: int) -> None:
    said = json.loads(archives.manifest())
    said["files"]["model.bin"]["size"] = size
    data = archive([("mini/manifest.json", json.dumps(said).encode())])
    kind, match = (OutputError, r"needs \d+ MB, \d+ MB are free") if size < 1 << 42 else (ModelCorrupt, "at most 4 TiB")
    assert_refused(data, home, match, kind)


def test_an_archive_that_was_cut_off_anywhere_is_refused(home: Path) -> None:
    data = archive(model())
    for length in (0, 1, 511, 512, 513, 1024, 1500, 2048, 4000, data.rindex(b"graph") + 512, len(data) // 512 * 512):
        if data[length:].strip(b"\0"):
            assert_refused(data[:length], home, "it was cut off|found (nothing|other bytes)")
    end = len(data.rstrip(b"\0"))
    end += -end % 512
    assert_refused(data[:end], home, "or the end of the archive, found its end, .* it was cut off")
    assert_refused(data[: end + 512], home, "two empty blocks, found its end")
    assert installed(data[: end + 1024], home)


def test_something_behind_the_end_is_refused(home: Path) -> None:
    data = archive(model())
    assert_refused(data + b"x", home, "expected nothing behind its end")
    assert_refused(data + data, home, "expected nothing behind its end")
    assert_refused(data + bytes(2 << 20), home, "expected nothing behind its end")
    assert installed(data + bytes(10240), home)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"\x1f\x8b" + bytes(600), "one that gzip has compressed; gzip -dc FILE"),
        (b"\x28\xb5\x2f\xfd" + bytes(600), "zstd -dc FILE | malsori models unbundle -"),
        (b"<!DOCTYPE html>" + b" " * 600, "an HTML page"),
        (b"RIFF" * 200, "other bytes"),
        (b"short", "other bytes"),
        (b"", "nothing"),
    ],
)
def test_a_file_of_another_kind_is_named(home: Path, data: bytes, found: str) -> None:
    with pytest.raises(ModelCorrupt) as caught:
        installed(data, home)
    assert found in str(caught.value)
    assert left(home) == []


@pytest.mark.parametrize("kind", list(KINDS))
def test_damage_of_any_kind_is_refused_or_changes_nothing_that_counts(home: Path, kind: str) -> None:
    data, whole = archive(model()), {name: bytes(each) for name, each in CONTENT.items()}
    for seed in range(40):
        broken = KINDS[kind](data, random.Random(seed))
        try:
            (there,) = installed(broken, home, force=True)
        except MalsoriError:
            continue
        assert {name: (there.folder / name).read_bytes() for name in whole} == whole
    assert set(left(home)) <= {"mini"}


def test_a_failure_in_the_last_model_installs_none(home: Path) -> None:
    wrong = [*model(), *model("other")[:-1], ("other/onnx/graph.onnx", b"GRAPH")]
    assert_refused(archive(wrong), home, "other/onnx/graph.onnx': expected sha256")


def test_what_is_here_already_is_told_and_stays_and_a_damaged_one_is_mended(home: Path) -> None:
    data = archive(model())
    (one,) = installed(data, home)
    inode = (one.folder / "model.bin").stat().st_ino
    (again,) = installed(data, home)
    assert (again.there, again.folder) == (True, home / "mini")
    assert (one.folder / "model.bin").stat().st_ino == inode
    (one.folder / "model.bin").write_bytes(b"x" * len(CONTENT["model.bin"]))
    told: list[str] = []
    assert not installed(data, home, tell=told.append)[0].there
    assert (one.folder / "model.bin").read_bytes() == CONTENT["model.bin"]
    assert told[0].endswith("; it is replaced")
    assert left(home) == ["mini"]


def test_another_model_of_the_name_is_replaced_by_force_alone(home: Path) -> None:
    archives.folder(home / "mini", licence="another")
    data = archive(model())
    match = r"is another one \(licence differ\); --replace replaces it.* unbundle x\.tar --as NEW_NAME"
    assert_refused(data, home, match, OutputError)
    assert read_manifest(home / "mini").licence == "another"
    assert not installed(data, home, force=True)[0].there
    assert read_manifest(home / "mini").licence == "MIT"
    assert left(home) == ["mini"]


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_bundle_is_replaced_by_force_alone(home: Path, make: Any) -> None:
    home.mkdir(parents=True)
    make(home / "mini")
    assert_refused(archive(model()), home, "is no bundle that can be read; --replace", OutputError)
    installed(archive(model()), home, force=True)
    assert left(home) == ["mini"]


def test_a_link_that_has_the_name_is_replaced_and_where_it_leads_stays(home: Path, tmp_path: Path) -> None:
    home.mkdir(parents=True)
    other = archives.folder(tmp_path / "other", licence="another")
    (home / "mini").symlink_to(other)
    installed(archive(model()), home, force=True)
    assert not (home / "mini").is_symlink()
    assert read_manifest(other).licence == "another"


def test_a_new_name_is_in_the_manifest_too_and_is_for_one_model(home: Path) -> None:
    said = {**json.loads(archives.manifest()), "later": {"field": "\ud800"}}
    (made,) = installed(archive([("mini/manifest.json", json.dumps(said).encode()), *model()[1:]]), home, name="k")
    again = json.loads((made.folder / "manifest.json").read_text("utf-8"))
    assert again == {**said, "name": "k"}
    verify(made.folder, read_manifest(made.folder))
    assert_refused(archive([*model(), *model("other")]), home, "holds several models", OptionError, name="new")
    assert_refused(archive(model()), home, "name: expected letters", OptionError, name="../new")


def test_a_name_that_people_use_for_another_model_is_refused(home: Path) -> None:
    again = r"give it a name of its own, malsori models unbundle x\.tar --as NEW_NAME"
    assert_refused(archive(model("base")), home, rf"is what everybody calls whisper-base, .*{again}", OptionError)
    for odd in ("many", 10**400, None, [1], {"a": 1}):
        said = {**json.loads(archives.manifest()), "sizes": {"d_model": 8, "parameters": odd, "vocab_size": odd}}
        assert_refused(
            archive([("base/manifest.json", json.dumps(said).encode())]), home, "everybody calls", OptionError
        )


def test_a_name_that_an_earlier_place_has_is_refused_unless_it_is_the_same_model(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALSORI_MODELS", str(tmp_path / "mine"))
    mine = archives.folder(tmp_path / "mine" / "mini")
    (same,) = installed(archive(model()), home)
    assert (same.there, same.folder) == (True, mine)
    (mine / "manifest.json").write_bytes(archives.manifest(licence="another"))
    for force in (False, True):
        assert_refused(archive(model()), home, "is looked in first and stays first", OptionError, force=force)
    assert installed(archive(model()), home, name="free")[0].folder == home / "free"


class Interrupted:
    """A file whose reading ends with Ctrl-C behind some bytes."""

    def __init__(self, data: bytes, most: int) -> None:
        self._file, self._most = io.BytesIO(data), most

    def read(self, count: int) -> bytes:
        if self._file.tell() + count > self._most:
            raise KeyboardInterrupt
        return self._file.read(count)


def test_who_interrupts_finds_nothing_and_what_was_there(home: Path) -> None:
    archives.folder(home / "mini", licence="another")
    data = archive([*model(), *model("other")])
    for most in range(0, len(data), 512):
        with pytest.raises(KeyboardInterrupt):
            unbundle(ArchiveReader(Interrupted(data, most), "x.tar"), home, force=True)  # type: ignore[arg-type]
        assert left(home) == ["mini"]
        assert read_manifest(home / "mini").licence == "another"


@pytest.mark.parametrize("after", [0, 1, 2])
def test_an_interrupt_while_a_model_is_replaced_leaves_the_old_or_the_new_one(
    home: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    archives.folder(home / "mini", licence="another")
    rename, count = os.rename, 0

    def interrupted(old: Path, new: Path) -> None:
        nonlocal count
        count += 1
        if count == after + 1:
            raise KeyboardInterrupt
        rename(old, new)
        if count == after == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        installed(archive(model()), home, force=True)
    assert left(home) == ["mini"]
    assert read_manifest(home / "mini").licence == ("MIT" if after == 2 else "another")


def test_what_a_killed_process_has_left_is_cleared_and_what_it_was_replacing_comes_back(home: Path) -> None:
    archives.folder(home / ".unbundle~" / "half")
    archives.folder(home / ".unbundle~" / ".old" / "kept", "kept")
    installed(archive(model()), home)
    assert left(home) == ["kept", "mini"]
    verify(home / "kept", read_manifest(home / "kept"))


class Broken:
    """A file that the system cannot read, or write, behind some bytes."""

    def __init__(self, data: bytes, most: int) -> None:
        self._file, self._most = io.BytesIO(data), most

    def read(self, count: int) -> bytes:
        if self._file.tell() >= self._most:
            raise OSError(errno.EIO, "Input/output error")
        return self._file.read(count)


def test_a_medium_that_cannot_be_read_is_told(home: Path) -> None:
    data = archive(model())
    with pytest.raises(ModelCorrupt, match="expected an archive that can be read, found Input/output error"):
        unbundle(ArchiveReader(Broken(data, 1024), "x.tar"), home)  # type: ignore[arg-type]
    assert left(home) == []


def test_a_header_holds_large_sizes_and_long_names_and_says_which_it_cannot() -> None:
    for member in (Member("m/" + "a" * 98, 1 << 40), Member(f"m/{'b' * 100}/{'c' * 100}", 3), Member("m/음성", 5)):
        reader = ArchiveReader(io.BytesIO(header(member)), "x.tar")
        assert reader.next_member() == member
    for name, size in (("m/" + "a" * 101, 1), ("m/" + "a" * 100, 1 << 40)):
        with pytest.raises(ModelIncompatible, match="rename it"):
            header(Member(name, size))
