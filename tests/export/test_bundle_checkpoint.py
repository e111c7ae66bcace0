"""Bundles turned back into checkpoints: the same logits, in both norm kinds, in float32 and from int8."""

import numpy as np
import pytest

pytestmark = pytest.mark.export
pytest.importorskip("torch")
pytest.importorskip("transformers")

from export.bundle_checkpoint import checkpoint_of, main  # noqa: E402
from export.common import ExportRefused, model_card  # noqa: E402
from export.proof import compare, synthetic_speech  # noqa: E402
from export.training.ctc.model import Learned  # noqa: E402
from export.training.ctc.settings import ModelOptions  # noqa: E402
from export.wav2vec2 import export  # noqa: E402
from export.wav2vec2_checkpoint import Checkpoint  # noqa: E402
from malsori.bundles import open_bundle  # noqa: E402
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine  # noqa: E402
from tests.export.test_wav2vec2_export import GROUP, LAYER, TINY, save_checkpoint  # noqa: E402
from tests.shipped import ROOT  # noqa: E402


@pytest.mark.parametrize("kind", [LAYER, GROUP], ids=["layer-norm", "group-norm"])
def test_a_float_bundle_gives_back_the_weights_it_was_made_from(tmp_path, kind):
    checkpoint = save_checkpoint(tmp_path / "checkpoint", **TINY, **kind)
    export(checkpoint, tmp_path / "bundle", languages=["ko"])
    checkpoint_of(tmp_path / "bundle", tmp_path / "back")
    before, after = (Checkpoint.load(str(folder)).arrays() for folder in (checkpoint, tmp_path / "back"))
    for name, array in before.items():
        if not name.endswith(("masked_spec_embed", "original0", "original1", "conv.bias")):
            np.testing.assert_allclose(after[name], array, atol=1e-6, err_msg=name)


def test_the_checkpoint_of_the_int8_bundle_that_ships_computes_what_the_bundle_does(tmp_path):
    checkpoint_of(ROOT / "models" / "nano-ctc-ko", tmp_path / "back")
    clip = synthetic_speech(2.0)
    logits, hidden = Checkpoint.load(str(tmp_path / "back"))(clip)
    opened = open_bundle(ROOT / "models" / "nano-ctc-ko")
    engine = Wav2Vec2Engine(opened.folder, opened.manifest, device="cpu", threads=1)
    # What is left is the rounding of the inputs, which int8 has and the checkpoint has not.
    assert compare([logits], engine.logits([clip])).cosine > 0.999
    assert compare([hidden], engine.hidden([clip])).cosine > 0.999


def test_languages_and_licence_of_a_bundle_given_by_name_are_in_the_checkpoint(tmp_path):
    assert main(["nano-ctc-ko", str(tmp_path / "back")]) == 0
    manifest = open_bundle("nano-ctc-ko").manifest
    assert model_card(str(tmp_path / "back"), None) == {"language": manifest.languages, "license": manifest.licence}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            ROOT / "models" / "nano-ctc-ko",
            "nano-ctc-ko: expected a checkpoint, found a malsori bundle; python export/bundle_checkpoint.py",
        ),
        (ROOT / "no-such-folder", "no such folder"),
        ("./no-such-folder", "no such folder"),
    ],
)
def test_a_source_that_is_a_bundle_or_a_missing_folder_is_told_so(source, reason):
    with pytest.raises(ExportRefused, match=reason):
        Checkpoint.load(str(source))
    with pytest.raises(ExportRefused, match=reason):
        Learned.load(str(source), None, ModelOptions(), new_head=False)
