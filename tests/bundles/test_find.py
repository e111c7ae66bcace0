"""Names and paths to bundles: the order of the places, names that try to escape, what is said when there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from malsori.bundles import Manifest, find_bundle, list_bundles, open_bundle, places, seal
from malsori.bundles.places import PACKAGE, checkout
from malsori.cli.main import main
from malsori.errors import ModelCorrupt, ModelError, ModelIncompatible, ModelNotFound


def _bundle(folder: Path, description: str = "") -> Path:
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"weights")
    texts = {name: name for name in ("name", "source", "revision", "licence", "quantization")}
    manifest = Manifest(
        **texts,
        kind="whisper",
        languages=("ko",),
        description=description,
        sample_rate=16000,
        frame_stride=320,
        files={},
        sizes={},
    )
    seal(folder, manifest)
    return folder


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that `$MALSORI_MODELS` names, and an empty cache."""
    monkeypatch.setenv("MALSORI_MODELS", str(tmp_path / "shelf"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "shelf"


def test_a_name_is_found_on_the_shelf(shelf: Path) -> None:
    folder = _bundle(shelf / "tiny")
    bundle = open_bundle("tiny")
    assert (bundle.folder, bundle.origin, bundle.manifest.kind) == (folder, "$MALSORI_MODELS", "whisper")


def test_a_name_is_found_in_the_users_cache(tmp_path: Path) -> None:
    folder = _bundle(tmp_path / "cache" / "malsori" / "models" / "tiny")
    assert open_bundle("tiny").folder == folder


def test_the_shelf_comes_before_the_cache_and_its_first_folder_before_its_second(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bundle(tmp_path / "cache" / "malsori" / "models" / "tiny", "cache")
    _bundle(tmp_path / "second" / "tiny", "second")
    _bundle(shelf / "tiny", "first")
    monkeypatch.setenv("MALSORI_MODELS", os.pathsep.join(["", str(shelf), str(tmp_path / "second")]))
    assert open_bundle("tiny").manifest.description == "first"
    (shelf / "tiny" / "manifest.json").unlink()
    assert open_bundle("tiny").manifest.description == "second"


def test_the_places_are_searched_in_the_documented_order() -> None:
    origins = [place.origin for place in places()]
    assert origins == [name for name in ("$MALSORI_MODELS", "checkout", "package", "cache") if name in origins]
    assert {"$MALSORI_MODELS", "package", "cache"} <= set(origins)


def test_without_the_variable_no_place_is_the_current_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MALSORI_MODELS")
    assert all(place.folder.is_absolute() for place in places())


def test_a_relative_cache_home_is_ignored_as_its_specification_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert places()[-1].folder == Path.home() / ".cache" / "malsori" / "models"


def test_a_checkout_is_recognised_by_its_pyproject(tmp_path: Path) -> None:
    package = tmp_path / "runtime" / "malsori"
    package.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "malsori"\n')
    assert checkout(package) == tmp_path


@pytest.mark.parametrize("pyproject", ['name = "other"\n', '# name = "malsori"\n', None])
def test_a_strangers_folder_is_no_checkout(tmp_path: Path, pyproject: str | None) -> None:
    package = tmp_path / "runtime" / "malsori"
    package.mkdir(parents=True)
    if pyproject is not None:
        (tmp_path / "pyproject.toml").write_text(pyproject)
    assert checkout(package) is None


def test_an_installed_package_is_no_checkout_even_below_our_pyproject(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "malsori"
    package.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "malsori"\n')
    assert checkout(package) is None


def test_these_tests_run_on_the_package_that_is_looked_at() -> None:
    assert (PACKAGE / "bundles" / "places.py").is_file()


@pytest.mark.parametrize("make", [str, Path])
def test_a_path_is_opened_as_it_is(tmp_path: Path, make: type) -> None:
    folder = _bundle(tmp_path / "anywhere" / "mine")
    bundle = open_bundle(make(folder))
    assert (bundle.folder, bundle.origin) == (folder, "path")


def test_a_relative_path_with_a_separator_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _bundle(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert open_bundle("./mine").origin == "path"


def test_a_bare_name_never_means_the_current_folder_but_the_way_to_say_so_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bundle(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFound, match=r"for the folder here write \./mine"):
        open_bundle("mine")


@pytest.mark.parametrize(
    "name", ["", "..", ".hidden", "-x", "a\0b", "tiny\n", "tiny ", "t" * 200, "../shelf/tiny/x", "a/" * 3000, "티니"]
)
def test_an_odd_name_leads_nowhere(shelf: Path, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _bundle(shelf / "tiny")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    with pytest.raises(ModelError):
        open_bundle(name)


def test_an_unknown_name_is_answered_with_the_names_there_are_and_how_to_get_one(shelf: Path) -> None:
    _bundle(shelf / "tiny")
    with pytest.raises(ModelNotFound) as caught:
        open_bundle("enormous")
    message = str(caught.value)
    assert "tiny" in caught.value.known
    assert "no model named 'enormous'" in message
    assert "tiny" in message
    assert str(shelf) in message
    assert "export/wav2vec2.py" in message
    assert "\n" not in message


def test_a_folder_without_a_manifest_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(ModelIncompatible, match=r"is no model: looked for manifest\.json .* there is nothing"):
        open_bundle(tmp_path)


def test_opening_verifies_unless_told_not_to(shelf: Path) -> None:
    (_bundle(shelf / "tiny") / "model.bin").write_bytes(b"altered")
    with pytest.raises(ModelCorrupt, match=r"model\.bin"):
        open_bundle("tiny")
    assert open_bundle("tiny", verify=False).origin == "$MALSORI_MODELS"


def test_a_bundle_hands_out_listed_files_only(shelf: Path) -> None:
    folder = _bundle(shelf / "tiny")
    (folder / "extra.bin").write_bytes(b"not listed")
    bundle = open_bundle("tiny")
    assert bundle.file("model.bin") == folder / "model.bin"
    with pytest.raises(ModelIncompatible, match=r"lists no file 'extra\.bin'"):
        bundle.file("extra.bin")


def test_the_list_has_each_name_once_with_the_place_that_wins(shelf: Path, tmp_path: Path) -> None:
    _bundle(shelf / "tiny")
    _bundle(shelf / "base")
    _bundle(tmp_path / "cache" / "malsori" / "models" / "tiny")
    listed = [found for found in list_bundles() if found.origin in ("$MALSORI_MODELS", "cache")]
    assert [(found.name, found.folder) for found in listed] == [("base", shelf / "base"), ("tiny", shelf / "tiny")]


def test_a_bundle_that_cannot_be_read_stays_in_the_list(shelf: Path) -> None:
    (_bundle(shelf / "tiny") / "manifest.json").write_text("{")
    assert "tiny" in [found.name for found in list_bundles()]


def test_a_bundle_in_the_making_cannot_be_opened_by_name(shelf: Path) -> None:
    _bundle(shelf / ".tiny.new")
    with pytest.raises(ModelNotFound):
        open_bundle(".tiny.new")


def test_folders_without_a_manifest_and_hidden_ones_are_not_listed(shelf: Path) -> None:
    _bundle(shelf / ".tiny.new")
    (shelf / "empty").mkdir()
    assert not {".tiny.new", "empty"} & {found.name for found in list_bundles()}


def test_finding_reads_nothing(shelf: Path) -> None:
    (_bundle(shelf / "tiny") / "manifest.json").write_text("{")
    assert find_bundle("tiny").folder == shelf / "tiny"


def test_a_name_that_is_nearly_right_gets_a_suggestion() -> None:
    with pytest.raises(ModelNotFound, match="did you mean nano-whisper"):
        find_bundle("nano_wisper")


@pytest.mark.parametrize(
    "command",
    [
        "transcribe samples/korean.wav --model nope",
        "detect-language a.wav --model nope",
        "live --simulate samples/korean.wav --finals nope",
        "embed a.wav -o a.npy --model nope",
        "align a.wav --text a --model nope",
        "models show nope",
        "models verify nope",
        "models pull nope",
        "models adopt nope",
        "models remove nope --yes",
        "models prove nope",
        "models calibrate nope --audio samples",
    ],
)
def test_in_every_command_a_name_of_no_model_ends_with_one_code_and_lines_that_can_be_read(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command.split()) == 1
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.startswith("malsori: no model named 'nope'; malsori models ")
    assert all(len(line) <= 100 or " " not in line.removeprefix("malsori: ").strip() for line in rest)
