"""On a CUDA device the words are those of the CPU. Run with `pytest -m gpu` where there is one.

What is exported for it needs the dependency group `export` besides, with any build of torch.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import malsori
from malsori.audio import decode
from malsori.bundles import read_manifest
from malsori.engines.machine.devices import tensorrt
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.engines.wav2vec2.graphs import SplitGraphs
from malsori.engines.wav2vec2.on_gpu import BoundGraphs
from tests.shipped import ROOT

pytestmark = pytest.mark.gpu
SAMPLES = ROOT / "samples"
SECONDS = (1.0, 0.3, 2.5, 0.025, 1.3, 7.3, 12.0)


@pytest.mark.parametrize("model", ["nano-ctc-ko", "nano-whisper"])
def test_cuda_hears_what_the_sample_says(model: str) -> None:
    heard = malsori.load(model, device="cuda").transcribe(SAMPLES / "korean.wav", language="ko")
    assert heard.text == (SAMPLES / "korean.txt").read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("model", ["nano-ctc-ko", "nano-whisper"])
def test_cuda_and_cpu_give_the_same_hidden_states(model: str) -> None:
    on_cpu, on_cuda = (malsori.load(model, device=device).embed(SAMPLES / "korean.wav") for device in ("cpu", "cuda"))
    assert cosine(on_cpu, on_cuda) > 0.999  # int8 rounds by one scale for all that is in a call, and kernels differ


@pytest.fixture(scope="module", params=["layer-norm", "group-norm"])
def bundles(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One checkpoint of random weights, as bundles in float16 and float32."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from export.wav2vec2 import export
    from tests.export.test_wav2vec2_export import GROUP, LAYER, TINY, save_checkpoint

    folder = tmp_path_factory.mktemp("gpu")
    kind = LAYER if request.param == "layer-norm" else GROUP
    # Heads of 64, as all published models have them: the fused kernels of attention are made for few sizes.
    sizes = TINY | {"hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 512}
    checkpoint = save_checkpoint(folder / "checkpoint", **sizes, **kind)
    for name in ("float16", "none"):
        export(checkpoint, folder / name, quantization=name, languages=["ko"])
    return {name: folder / name for name in ("float16", "none")}


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    speech = decode(SAMPLES / "numbers.wav").samples
    return [speech[: round(seconds * 16_000)] for seconds in SECONDS]


def engine(folder: Path, device: str) -> Wav2Vec2Engine:
    return Wav2Vec2Engine(folder, read_manifest(folder), device=device)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b)))


def assert_alike(expected: list[np.ndarray], found: list[np.ndarray], least: float) -> None:
    assert [array.shape for array in found] == [array.shape for array in expected]
    assert min(cosine(a, b) for a, b in zip(expected, found, strict=True)) > least


def test_float16_on_cuda_says_what_float32_says_on_the_cpu(bundles: dict[str, Path], clips: list[np.ndarray]) -> None:
    expected = engine(bundles["none"], "cpu").logits(clips)
    # A GPU rounds each product's result to 11 bits; 1e-3 of the angle is far below what moves a decision.
    assert_alike(expected, engine(bundles["float16"], "cuda").logits(clips), 0.999)


def test_float32_on_cuda_says_what_it_says_on_the_cpu(bundles: dict[str, Path], clips: list[np.ndarray]) -> None:
    expected = engine(bundles["none"], "cpu").logits(clips)
    assert_alike(expected, engine(bundles["none"], "cuda").logits(clips), 0.999)  # TF32 has 11 bits too


def test_a_batch_on_cuda_gives_what_its_clips_give_alone(bundles: dict[str, Path], clips: list[np.ndarray]) -> None:
    there = engine(bundles["float16"], "cuda")
    assert_alike([there.logits([clip])[0] for clip in clips], there.logits(clips, batch_size=4), 0.9999)


@pytest.mark.parametrize("name", ["float16", "none"])
def test_buckets_and_binding_change_nothing_on_cuda(
    bundles: dict[str, Path], clips: list[np.ndarray], name: str
) -> None:
    there = engine(bundles[name], "cuda")
    assert isinstance(there.acoustic.graphs, BoundGraphs)
    exact = SplitGraphs(bundles[name], there.manifest, "cuda", 1, "normal")
    unpadded = [logits for (logits,) in replace(there.acoustic, graphs=exact).run(["logits"], clips, 1)]
    assert_alike(unpadded, there.logits(clips), 0.9999)


def test_auto_takes_cuda_for_float16(bundles: dict[str, Path]) -> None:
    assert engine(bundles["float16"], "auto").device == "cuda"


def test_tensorrt_says_what_cuda_says_and_keeps_its_engines(
    bundles: dict[str, Path], clips: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (there := tensorrt("onnxruntime")).usable:
        pytest.skip(there.reason)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    expected = engine(bundles["float16"], "cuda").logits(clips)
    assert_alike(expected, engine(bundles["float16"], "tensorrt").logits(clips), 0.999)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "malsori" / "tensorrt").rglob("*.engine")}
    assert kept
    assert_alike(expected, engine(bundles["float16"], "tensorrt").logits(clips), 0.999)
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
