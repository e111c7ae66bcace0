"""Whisper bundles turned back into checkpoints: the same weights, the same logits, the same bundle again."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.export
torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
try:
    metadata.distribution("openai-whisper")
except metadata.PackageNotFoundError:
    pytest.skip("the tokenizer's ranks are in the package openai-whisper", allow_module_level=True)

import malsori  # noqa: E402
from export.bundle_checkpoint import checkpoint_of, main  # noqa: E402
from export.common import ExportRefused, model_card  # noqa: E402
from export.model_bin import ModelBin  # noqa: E402
from export.proof import synthetic_speech  # noqa: E402
from export.whisper import convert, export  # noqa: E402
from export.whisper_checkpoint import Checkpoint  # noqa: E402
from tests.export.test_whisper_export import TEXT, save_checkpoint  # noqa: E402
from tests.shipped import ROOT  # noqa: E402

NANO = ROOT / "models" / "nano-whisper"
FILES = ("model.bin", "config.json", "vocabulary.json", "tokenizer.json", "preprocessor_config.json")


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint made of the bundle that ships; no test changes it."""
    out = tmp_path_factory.mktemp("nano") / "checkpoint"
    checkpoint_of("nano-whisper", out)
    return out


def test_the_checkpoint_of_the_bundle_that_ships_makes_the_very_same_bundle(nano: Path, tmp_path: Path) -> None:
    convert(Checkpoint.load(str(nano), languages=("ko", "en")), tmp_path, "int8")
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (NANO / name).read_bytes(), name


def test_its_logits_are_those_of_the_bundle_computed_in_float32(nano: Path) -> None:
    checkpoint = Checkpoint.load(str(nano), languages=("ko", "en"))
    engine = malsori.load(NANO, compute_type="float32", device="cpu", threads=1).engine
    clip = synthetic_speech(2.0)
    states = checkpoint.encode(clip)
    # the same weights in both, summed in another order: 1e-5 is measured, of states around 5 and logits around 20
    np.testing.assert_allclose(engine.embed(clip), states[: len(clip) // 320], atol=1e-3)
    ours = engine.logits(clip, checkpoint.prompt(), TEXT)
    np.testing.assert_allclose(ours, checkpoint.logits(states, TEXT), atol=1e-3)


@pytest.mark.parametrize(("mels", "quantization", "tolerance"), [(80, "float32", 0), (128, "float16", 1e-3)])
def test_a_float_bundle_gives_back_the_weights_it_was_made_from(tmp_path, mels, quantization, tolerance) -> None:
    source = save_checkpoint(tmp_path / "checkpoint", mels)
    export(source, tmp_path / "bundle", quantization=quantization, languages=("ko", "en"))
    checkpoint_of(tmp_path / "bundle", tmp_path / "back")
    before, after = (Checkpoint.load(str(folder)).model.state_dict() for folder in (source, tmp_path / "back"))
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        np.testing.assert_allclose(after[name], tensor, atol=tolerance, rtol=tolerance, err_msg=name)


def test_the_checkpoint_has_the_languages_the_licence_and_the_alignment_heads(nano: Path) -> None:
    assert model_card(str(nano), None) == {"language": ("ko", "en"), "license": "MIT"}
    generation = Checkpoint.load(str(nano)).model.generation_config
    config = json.loads((NANO / "config.json").read_text("utf-8"))
    assert generation.alignment_heads == config["alignment_heads"]
    assert generation.lang_to_id == {"<|en|>": 50_259, "<|ko|>": 50_264}


def damaged(folder: Path, change) -> Path:
    """Return a `model.bin` with its bytes changed."""
    path = folder / "model.bin"
    path.write_bytes(change((NANO / "model.bin").read_bytes()))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:5_000_000], "cut short or damaged"),
        (lambda data: b"", "cut short or damaged"),
        (lambda data: b"\x07" + data[1:], "expected binary version 6 of CTranslate2, found 7"),
    ],
)
def test_a_model_that_is_cut_short_or_of_another_version_is_refused(tmp_path: Path, change, message: str) -> None:
    with pytest.raises(ExportRefused, match=message):
        ModelBin.read(damaged(tmp_path, change))


def test_a_checkpoint_folder_that_is_there_is_not_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nano-whisper", str(tmp_path)]) == 1
    assert "already there" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
