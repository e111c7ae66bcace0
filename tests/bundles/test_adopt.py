"""`malsori models adopt`, `show`, `verify` and `list` on plain folders: whole or not at all, and said what is so."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from malsori.bundles import find_bundle, open_bundle, read_manifest, seal, verify
from malsori.bundles.adopt import adopt
from malsori.bundles.infer.ct2_folder import fits
from malsori.bundles.names import NAMES
from malsori.cli.main import main
from malsori.errors import ModelCorrupt, OptionError, OutputError
from tests.plain import CTC, WHISPER, ctc_folder, hub_repository, whisper_folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The places of an empty user; returns malsori's folder of models in it."""
    monkeypatch.setenv("MALSORI_MODELS", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "cache" / "malsori" / "models"


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_plain_folder_becomes_a_bundle_that_is_found_by_name(home: Path, tmp_path: Path, capsys) -> None:
    folder = whisper_folder(tmp_path / "mine")
    before = _tree(folder)
    assert main(["models", "adopt", str(folder), "kitchen"]) == 0
    out, err = capsys.readouterr()
    assert out == f"{home / 'kitchen'}\n"
    assert "malsori transcribe FILE --model kitchen" in err
    bundle = open_bundle("kitchen")
    assert (bundle.origin, bundle.plain, bundle.manifest.name) == ("cache", False, "kitchen")
    assert _tree(folder) == before
    assert {name: data for name, data in _tree(bundle.folder).items() if name != "manifest.json"} == before
    assert [path.name for path in home.iterdir()] == ["kitchen"]


def test_the_name_is_that_of_the_folder_or_of_the_repository(home: Path, tmp_path: Path) -> None:
    hub_repository(tmp_path / "hf" / "hub", "Systran/faster-whisper-base", whisper_folder(tmp_path / "mine"))
    assert adopt(find_bundle(tmp_path / "mine"), home) == home / "mine"
    target = adopt(find_bundle("base"), home)
    assert target == home / "faster-whisper-base"
    assert read_manifest(target).source == "Systran/faster-whisper-base"
    assert not any(path.is_symlink() for path in target.iterdir())
    assert find_bundle("base").folder == target


def test_what_has_the_name_is_replaced_by_force_alone(home: Path, tmp_path: Path) -> None:
    found = find_bundle(whisper_folder(tmp_path / "mine"))
    adopt(found, home, "x", languages=("ko",))
    with pytest.raises(OutputError, match=r"is there already; --force replaces it"):
        adopt(found, home, "x")
    assert read_manifest(home / "x").languages == ("ko",)
    adopt(found, home, "x", languages=("en",), force=True)
    assert read_manifest(home / "x").languages == ("en",)
    assert [path.name for path in home.iterdir()] == ["x"]


def test_moving_leaves_nothing_where_it_was(home: Path, tmp_path: Path) -> None:
    folder = whisper_folder(tmp_path / "mine")
    target = adopt(find_bundle(folder), home, move=True)
    verify(target, read_manifest(target))
    assert not folder.exists()


def test_moving_keeps_files_that_are_no_part_of_the_model(home: Path, tmp_path: Path) -> None:
    folder = whisper_folder(tmp_path / "mine")
    (folder / "notes.txt").write_text("mine")
    target = adopt(find_bundle(folder), home, move=True)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    assert not (target / "notes.txt").exists()


def test_the_cache_of_the_hub_is_not_ours_to_move(home: Path, tmp_path: Path) -> None:
    hub_repository(tmp_path / "hf" / "hub", "Systran/faster-whisper-base", whisper_folder(tmp_path / "mine"))
    with pytest.raises(OptionError, match="leave --move out"):
        adopt(find_bundle("base"), home, move=True)


def test_the_cache_of_the_hub_is_not_ours_to_move_by_its_path_either(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = hub_repository(tmp_path / "hub", "me/base", whisper_folder(tmp_path / "mine"))
    (tmp_path / "link").symlink_to(snapshot)
    before = _tree(tmp_path / "hub")
    monkeypatch.chdir(snapshot)
    for path in (snapshot, snapshot.parent.parent, tmp_path / "link", Path()):
        with pytest.raises(OptionError, match="leave --move out"):
            adopt(find_bundle(path), home, "x", move=True)
    assert _tree(tmp_path / "hub") == before
    assert not home.exists()


def test_a_run_that_is_interrupted_leaves_nothing(home: Path, tmp_path: Path) -> None:
    found = find_bundle(whisper_folder(tmp_path / "mine"))
    adopt(found, home, "x", languages=("ko",))

    def interrupt(label: str, done: float, total: float) -> None:
        if done == total > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adopt(found, home, "x", force=True, say=interrupt)
    assert [path.name for path in home.iterdir()] == ["x"]
    assert read_manifest(home / "x").languages == ("ko",)


def test_a_folder_that_is_in_its_place_gets_its_manifest_there(home: Path) -> None:
    folder = whisper_folder(home / "x")
    assert adopt(find_bundle("x"), home) == folder
    assert not find_bundle("x").plain
    verify(folder, read_manifest(folder))


@pytest.mark.parametrize("name", ["a/b", ".x", "-x", "x" * 101, "a b"])
def test_a_name_that_no_bundle_may_have_is_refused(home: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match="name: expected letters"):
        adopt(find_bundle(whisper_folder(tmp_path / "mine")), home, name)


def test_a_model_that_does_not_load_is_refused_before_anything_is_written(home: Path, tmp_path: Path, capsys) -> None:
    folder = whisper_folder(tmp_path / "mine")
    (folder / "tokenizer.json").write_text("{}")
    assert main(["models", "adopt", str(folder)]) == 1
    assert "is not a tokenizer" in capsys.readouterr().err
    assert not home.exists()


def test_languages_that_the_model_does_not_know_are_refused_before_anything_is_written(
    home: Path, tmp_path: Path, capsys
) -> None:
    folder = whisper_folder(tmp_path / "mine")
    assert main(["models", "adopt", str(folder), "x", "--language", "en,yue"]) == 1
    assert "yue" in capsys.readouterr().err
    assert not home.exists()


def test_a_bundle_that_is_not_intact_is_not_taken_in(home: Path, tmp_path: Path) -> None:
    adopt(find_bundle(whisper_folder(tmp_path / "mine")), home, "x")
    (home / "x" / "vocabulary.txt").write_text("altered")
    with pytest.raises(ModelCorrupt, match=r"vocabulary\.txt"):
        adopt(find_bundle("x"), home, "y")


def test_languages_are_those_that_were_told(home: Path, tmp_path: Path, capsys) -> None:
    assert main(["models", "adopt", str(ctc_folder(tmp_path / "mine")), "-l", "ko,en", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "mine", "folder": str(home / "mine")}
    assert read_manifest(home / "mine").languages == ("ko", "en")
    assert main(["models", "verify", "mine"]) == 0


def test_it_goes_where_it_is_told(tmp_path: Path, capsys) -> None:
    arguments = [str(whisper_folder(tmp_path / "mine")), "--output-dir", str(tmp_path / "there"), "-q"]
    assert main(["models", "adopt", *arguments]) == 0
    assert capsys.readouterr() == (f"{tmp_path / 'there' / 'mine'}\n", "")
    assert read_manifest(tmp_path / "there" / "mine").name == "mine"


def test_show_tells_what_was_inferred_and_that_nothing_vouches(tmp_path: Path, capsys) -> None:
    folder = whisper_folder(tmp_path / "mine")
    assert main(["models", "show", str(folder)]) == 0
    out = capsys.readouterr().out
    assert f"nothing vouches for their bytes: malsori models adopt {folder}" in out
    assert "the full 30 s" in out
    assert '"num_mel_bins": 80' in out
    assert '"alignment_heads": [[1, 0]' in out
    assert main(["models", "show", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["inferred"], told["files"]["model.bin"]["sha256"]) == (True, "")


def test_show_tells_what_floats_are_computed_in(tmp_path: Path, capsys) -> None:
    assert main(["models", "show", str(WHISPER)]) == 0
    assert "computed " not in capsys.readouterr().out
    folder = Path(shutil.copytree(WHISPER, tmp_path / "floats"))
    seal(folder, replace(read_manifest(WHISPER), quantization="float16"))
    assert main(["models", "show", str(folder)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("computed ")]
    assert "int8, unless asked for --compute-type float32" in line


def test_verify_says_whether_it_would_load_beside_whether_it_is_intact(home: Path, tmp_path: Path, capsys) -> None:
    found = find_bundle(whisper_folder(tmp_path / "mine"))
    adopt(found, home, "good")
    adopt(found, home, "bad", languages=("xx",))
    assert main(["models", "verify", "good"]) == 0
    assert capsys.readouterr().out == "good: intact; loads\n"
    assert main(["models", "verify", str(found.folder)]) == 0
    assert "no manifest vouches for its bytes" in capsys.readouterr().out
    assert main(["models", "verify", "bad"]) == 1
    assert "bad: its bytes are intact, but it does not load: " in capsys.readouterr().err
    (home / "good" / "model.bin").write_bytes(b"altered")
    assert main(["models", "verify", "good", "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["intact"], told["loads"]) == (False, False, False)


def test_a_folder_of_the_variable_that_holds_no_models_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    folder = whisper_folder(tmp_path / "shelf" / "mine")
    monkeypatch.setenv("MALSORI_MODELS", f"{tmp_path / 'gone'}:{folder}:{folder / 'model.bin'}")
    assert main(["models", "list"]) == 0
    err = capsys.readouterr().err
    assert f"$MALSORI_MODELS names {tmp_path / 'gone'}, which is not there" in err
    assert f"names {folder}, which is itself a model; name {folder.parent}, or use --model {folder}" in err
    assert "which is a file" in err
    assert main(["transcribe", str(WHISPER.parents[1] / "samples" / "korean.wav"), "--model", "mine"]) == 1
    assert f"malsori: $MALSORI_MODELS names {folder}, which is itself a" in capsys.readouterr().err.replace(
        "\nmalsori:  ", ""
    )


def test_two_models_of_one_name_are_told_with_both_paths(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    whisper_folder(tmp_path / "shelf" / "x")
    whisper_folder(home / "x")
    monkeypatch.setenv("MALSORI_MODELS", str(tmp_path / "shelf"))
    assert main(["models", "list"]) == 0
    told = f"two models are called x: {tmp_path / 'shelf' / 'x'} is taken, by its path only {home / 'x'}"
    assert told in capsys.readouterr().err


def test_a_plain_folder_cannot_be_calibrated_into(tmp_path: Path, capsys) -> None:
    folder = whisper_folder(tmp_path / "mine")
    assert main(["models", "calibrate", str(folder), "--audio", str(tmp_path)]) == 1
    assert f"has no manifest to write into; malsori models adopt {folder}" in capsys.readouterr().err


def test_what_everybody_calls_another_model_is_no_name_for_it(home: Path, tmp_path: Path, capsys) -> None:
    folder = whisper_folder(tmp_path / "mine")
    for name in ("base", "whisper-small.en", "large-v3"):
        assert main(["models", "adopt", str(folder), name, "--force"]) == 2
        err = capsys.readouterr().err
        assert f"{name} is what everybody calls " in err
        assert "another model (Whisper, 10 M parameters, " in err
        assert f"malsori models adopt {folder} NEW_NAME" in err
    assert not home.exists()
    elsewhere = adopt(find_bundle(folder), tmp_path / "there", "base")  # where no name is looked for
    assert elsewhere == tmp_path / "there" / "base"


def test_a_name_that_finds_another_model_is_taken_from_it_by_force_alone(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("malsori.bundles.claims.fits", lambda manifest, named: True)
    found = find_bundle(whisper_folder(tmp_path / "mine"))
    adopt(found, home, "whisper-base")
    with pytest.raises(OptionError, match=r"the name base finds .*whisper-base \(cache\) now .* --force"):
        adopt(found, home, "base")
    assert find_bundle("base").folder == home / "whisper-base"
    assert adopt(found, home, "base", force=True) == find_bundle("base").folder == home / "base"


def test_what_an_earlier_place_has_is_not_copied_behind_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "shelf"
    monkeypatch.setenv("MALSORI_MODELS", str(shelf))
    whisper_folder(shelf / "x")
    with pytest.raises(OptionError, match=rf"malsori models adopt {shelf}/x --output-dir {shelf}"):
        adopt(find_bundle("x"), home)
    assert adopt(find_bundle("x"), shelf) == shelf / "x"
    with pytest.raises(OptionError, match=r"x \(\$MALSORI_MODELS\) is a bundle .*: malsori transcribe FILE --model x"):
        adopt(find_bundle("x"), home, force=True)
    with pytest.raises(OptionError, match=r"the name x finds .*which is looked in first.* NEW_NAME"):
        adopt(find_bundle(whisper_folder(tmp_path / "other")), home, "x", force=True)
    assert not home.exists()
    assert adopt(find_bundle("x"), home, "y") == home / "y"


PUBLISHED = {
    "whisper-tiny": (384, 4, 4, 51_865, 80),
    "whisper-base": (512, 6, 6, 51_865, 80),
    "whisper-base.en": (512, 6, 6, 51_864, 80),
    "distil-small.en": (768, 12, 4, 51_864, 80),
    "distil-medium.en": (1024, 24, 2, 51_864, 80),
    "whisper-medium.en": (1024, 24, 24, 51_864, 80),
    "whisper-large-v2": (1280, 32, 32, 51_865, 80),
    "whisper-large-v3": (1280, 32, 32, 51_866, 128),
    "whisper-large-v3-turbo": (1280, 32, 4, 51_866, 128),
    "distil-large-v2": (1280, 32, 2, 51_865, 80),
    "distil-large-v3": (1280, 32, 2, 51_866, 128),
    "distil-large-v3.5": (1280, 32, 2, 51_866, 128),
}


def test_a_published_model_is_told_from_others_by_its_sizes() -> None:
    fields = ("d_model", "encoder_layers", "decoder_layers", "vocab_size", "num_mel_bins")
    whisper = read_manifest(WHISPER)
    for name, sizes in PUBLISHED.items():
        manifest = replace(whisper, sizes=dict(zip(fields, sizes, strict=True)))
        found = {named.name for named in NAMES if fits(manifest, named)} & PUBLISHED.keys()
        assert found == {other for other, its in PUBLISHED.items() if its == sizes}, name
    base = next(named for named in NAMES if named.name == "whisper-base")
    assert fits(replace(whisper, sizes={}), base)  # it does not say
    assert all(fits(replace(whisper, sizes={}), named) for named in NAMES)
    assert not fits(read_manifest(CTC), base)
