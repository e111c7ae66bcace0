"""XLSR-large with random weights, and the forms of it that `cpu.py` compares; made once in a folder.

Random weights say nothing about words; how long a network takes does not depend on them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.recordings import Audio
from malsori.bundles import read_manifest
from malsori.engines.machine.cpus import cpu_threads
from malsori.engines.onnx.graph import Memory
from malsori.engines.wav2vec2.acoustic import normalize
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.engines.wav2vec2.graphs import SplitGraphs

XLSR_LARGE = {
    "vocab_size": 1205,  # of kresnik/wav2vec2-large-xlsr-korean
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
    "conv_bias": True,
    "pad_token_id": 0,
}


def checkpoint(folder: Path, sizes: dict[str, object] = XLSR_LARGE) -> Path:
    """Return the checkpoint folder, made when it is missing."""
    if not (folder / "config.json").exists():
        import torch
        from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

        torch.manual_seed(1)
        Wav2Vec2ForCTC(Wav2Vec2Config(**sizes)).save_pretrained(folder)
        tokens = ["<pad>", "|", "<unk>", *(chr(0xAC00 + index) for index in range(int(str(sizes["vocab_size"])) - 3))]
        (folder / "vocab.json").write_text(json.dumps({token: index for index, token in enumerate(tokens)}), "utf-8")
        Wav2Vec2CTCTokenizer(str(folder / "vocab.json"), pad_token="<pad>", unk_token="<unk>").save_pretrained(folder)
        Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True).save_pretrained(folder)
    return folder


def bundle(work: Path, quantization: str) -> Path:
    """Return our bundle of the checkpoint in `work`, made when it is missing."""
    folder = work / quantization
    if not folder.exists():
        from export.wav2vec2 import export

        export(checkpoint(work / "checkpoint"), folder, quantization=quantization, languages=["ko"], force=True)
    return folder


def engine(folder: Path, memory: Memory = "normal") -> Wav2Vec2Engine:
    """Return the runtime's engine for a bundle, on the CPU with the threads that this process may use."""
    return Wav2Vec2Engine(folder, read_manifest(folder), device="cpu", memory=memory)


def portable(folder: Path) -> Wav2Vec2Engine:
    """Return the engine with the bundle's other graphs, those without our own operator."""
    made = engine(folder)
    graphs = SplitGraphs(folder, made.manifest, "cpu", cpu_threads(), "normal", native=False)
    made.acoustic = replace(made.acoustic, graphs=graphs)
    return made


def pytorch(folder: Path) -> Callable[[Audio], Audio]:
    """Return Hugging Face's model in fp32: clip to logits `(frames, vocabulary)`."""
    import torch
    from transformers import Wav2Vec2ForCTC

    torch.set_num_threads(cpu_threads())
    model = Wav2Vec2ForCTC.from_pretrained(folder).eval()

    def run(clip: Audio) -> Audio:
        with torch.inference_mode():
            return model(torch.from_numpy(normalize(clip))[None]).logits[0].numpy()

    return run


def optimum(work: Path, name: str) -> Callable[[Audio], Audio]:
    """Return optimum's own export, `fp32` or `int8` as its quantizer makes it without further choices."""
    import onnxruntime

    plain, quantized = work / "optimum-fp32", work / "optimum-int8"
    if not plain.exists():
        import torch
        from optimum.exporters.onnx import onnx_export_from_model
        from transformers import Wav2Vec2ForCTC

        model = Wav2Vec2ForCTC.from_pretrained(checkpoint(work / "checkpoint")).eval()
        # The quantizer refuses a convolution whose weight is still computed, so the weight norm is folded for it.
        torch.nn.utils.parametrize.remove_parametrizations(model.wav2vec2.encoder.pos_conv_embed.conv, "weight")
        onnx_export_from_model(model, plain, task="automatic-speech-recognition", do_validation=False)
    if name == "int8" and not quantized.exists():
        from optimum.onnxruntime import ORTQuantizer
        from optimum.onnxruntime.configuration import AutoQuantizationConfig

        settings = AutoQuantizationConfig.avx2(is_static=False, per_channel=False)
        ORTQuantizer.from_pretrained(plain).quantize(save_dir=quantized, quantization_config=settings)
        shutil.copy(plain / "config.json", quantized)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = cpu_threads(), 3
    graph = next((plain if name == "fp32" else quantized).glob("*.onnx"))
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    feed = session.get_inputs()[0].name
    return lambda clip: session.run(None, {feed: normalize(clip)[None]})[0][0]
