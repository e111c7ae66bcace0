"""Exports proven on real speech: what is refused, what may be kept all the same, and what the manifest says of it."""

from __future__ import annotations

import json
import shutil

import pytest

pytestmark = pytest.mark.export
pytest.importorskip("torch")
pytest.importorskip("transformers")

from export import speech, wav2vec2  # noqa: E402
from export.common import ExportRefused  # noqa: E402
from export.nano import publish  # noqa: E402
from export.proof import Tolerance, proof_clips  # noqa: E402
from export.training.settings import BundleOptions  # noqa: E402
from export.wav2vec2 import TOLERANCES, export, main  # noqa: E402
from malsori.bundles import read_manifest  # noqa: E402
from malsori.engines.wav2vec2.graphs import WEIGHTS  # noqa: E402
from malsori.pipeline.trials import ProofLimits  # noqa: E402
from tests.export.test_wav2vec2_export import LAYER, TINY, save_checkpoint  # noqa: E402
from tests.loudness import tone, wav  # noqa: E402
from tests.pipeline.trials.test_proof import KOREAN, untimed  # noqa: E402


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("layer") / "checkpoint", **TINY, **LAYER)


@pytest.fixture
def recordings(tmp_path):
    """A folder with a recording and no transcript, so that the words of the float graphs are the measure."""
    (tmp_path / "recordings").mkdir()
    shutil.copy(KOREAN, tmp_path / "recordings")
    return tmp_path / "recordings"


@pytest.fixture
def damaging(monkeypatch):
    """Every int8 bundle loses half of its weights, and nobody compares it with PyTorch."""
    write = wav2vec2.write

    def writing(folder, checkpoint, exporter, quantization, clip, native=None):
        how = write(folder, checkpoint, exporter, quantization, clip, native)
        if quantization == "int8":
            weights = (folder / WEIGHTS).read_bytes()
            (folder / WEIGHTS).write_bytes(weights[: len(weights) // 2].ljust(len(weights), b"\0"))
        return how

    monkeypatch.setattr(wav2vec2, "write", writing)
    monkeypatch.setitem(TOLERANCES, "int8", Tolerance())


def test_the_manifest_has_what_quantizing_cost_and_gained(checkpoint, tmp_path):
    manifest = export(checkpoint, tmp_path / "bundle", quantization="int8", languages=["ko"])
    table = read_manifest(tmp_path / "bundle").measured["speech"]
    assert table == json.loads(json.dumps(manifest.measured["speech"]))
    assert table["against"] == "float32"
    assert table["frames"]["frames"] > 800
    assert 0.9 < table["frames"]["agreement"] <= 1
    assert table["speed"].keys() == {"0.5 s", "2 s", "10 s"}
    assert all(row["ratio"] > 0 < row["seconds_against"] for row in table["speed"].values())
    assert table["bytes"] == sum(entry.size for entry in manifest.files.values()) < table["bytes_against"]
    assert table["max_loss"] == 2.0
    # Random weights write noise: the samples judge no words, and the export goes by PyTorch's tolerance alone.
    assert table["not_understood"] == table["recordings"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_slower_than_float_is_refused_and_leaves_nothing(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(speech, "TIMED_FROM", 0)
    untimed(monkeypatch, ratio=0.5)
    with pytest.raises(ExportRefused, match=r"0\.50 times as fast as float32 at 0\.5 s \(--allow-slower\)"):
        export(checkpoint, tmp_path / "bundle", quantization="int8", languages=["ko"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("flag", "told"), [("allow_slower", "slower_for_its_size"), ("force", "forced")])
def test_slower_than_float_can_be_kept_and_the_manifest_says_so(checkpoint, tmp_path, monkeypatch, flag, told):
    monkeypatch.setattr(speech, "TIMED_FROM", 0)
    untimed(monkeypatch, ratio=0.5)
    manifest = export(checkpoint, tmp_path / "bundle", quantization="int8", languages=["ko"], **{flag: True})
    assert manifest.measured["speech"][told][0].startswith("0.50 times as fast as float32 at 0.5 s")


def test_a_network_too_small_to_be_timed_is_not_refused_for_its_speed(checkpoint, tmp_path, monkeypatch):
    untimed(monkeypatch, ratio=0.5)
    manifest = export(checkpoint, tmp_path / "bundle", quantization="int8", languages=["ko"])
    assert len(manifest.measured["speech"]["slower_for_its_size"]) == 3


@pytest.mark.usefixtures("damaging")
def test_a_damaged_graph_loses_words_and_is_refused(checkpoint, recordings, tmp_path, monkeypatch):
    untimed(monkeypatch)
    options = {"quantization": "int8", "languages": ["ko"], "audio": [recordings]}
    with pytest.raises(ExportRefused, match=r"CER against float32 is .*, at most 0 % allowed \(--max-loss\)"):
        export(checkpoint, tmp_path / "bundle", max_loss=0, **options)
    assert not (tmp_path / "bundle").exists()
    manifest = export(checkpoint, tmp_path / "bundle", max_loss=0, force=True, **options)
    assert manifest.measured["speech"]["forced"][0].startswith("CER against float32")


@pytest.mark.usefixtures("damaging")
def test_recordings_of_ones_own_that_are_not_understood_are_refused(checkpoint, recordings, tmp_path, monkeypatch):
    untimed(monkeypatch)
    shutil.copy(KOREAN.with_suffix(".txt"), recordings)
    with pytest.raises(ExportRefused, match="float32 understands none of the recordings"):
        export(checkpoint, tmp_path / "bundle", quantization="int8", languages=["ko"], audio=[recordings])


def test_a_float_bundle_says_what_it_makes_of_recordings_given(checkpoint, recordings, tmp_path, monkeypatch):
    untimed(monkeypatch)
    flags = ["--audio", str(recordings), "--languages", "ko"]
    assert main([str(checkpoint), str(tmp_path / "bundle"), *flags]) == 0
    measured = read_manifest(tmp_path / "bundle").measured
    assert measured["proof"]["audio"] == "recordings"
    assert measured["speech"]["recordings"] == 1
    assert "against" not in measured["speech"]


def test_a_loss_that_is_no_number_is_wrong_usage(checkpoint, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(checkpoint), str(tmp_path / "bundle"), "--max-loss", "-1"])
    assert "expected a number of 0 or more, found '-1'" in capsys.readouterr().err


def test_pytorch_hears_half_a_minute_of_each_recording_and_a_minute_in_all(tmp_path):
    for name in "abcd":
        (tmp_path / f"{name}.wav").write_bytes(wav(tone(0.1, (20 if name == "b" else 40) * 16_000)))
    assert [len(clip) / 16_000 for clip in proof_clips([tmp_path])] == [30, 20, 30]


def test_the_small_model_may_be_slower_in_int8_and_says_so_itself(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(publish.wav2vec2, "export", lambda *_, **options: asked.update(options))
    publish.export_ctc(tmp_path, tmp_path, "int8")
    assert asked["allow_slower"] is True


def test_fine_tuning_has_the_same_limit():
    assert BundleOptions().max_loss == ProofLimits().max_loss
