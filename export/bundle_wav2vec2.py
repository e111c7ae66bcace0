"""A wav2vec2 bundle back to a Hugging Face checkpoint; `bundle_checkpoint.py` is the command.

Dropout rates and other matters of training are not in a bundle; they take transformers' defaults.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from export.common import ExportRefused
from malsori.bundles.infer.onnx_export import VOCABULARY
from malsori.bundles.manifest import Manifest
from malsori.engines.wav2vec2.graphs import ENCODER, FRONTEND

POSITIONS = "wav2vec2.encoder.pos_conv_embed.conv"
Arrays = dict[str, NDArray[Any]]


def write_wav2vec2(folder: Path, manifest: Manifest, out: Path) -> None:
    """Write the checkpoint of the bundle in `folder` into the folder `out`.

    Raises `ExportRefused` for a bundle that is not of two graphs in float32 or int8.
    """
    if ENCODER not in manifest.files or manifest.quantization not in ("none", "int8"):
        raise ExportRefused(f"{folder}: expected a bundle of two graphs in float32 or int8, found another form")
    arrays = {**_arrays(folder / FRONTEND), **_arrays(folder / ENCODER)}
    model = Wav2Vec2ForCTC(_config(manifest, arrays))
    torch.nn.utils.parametrize.remove_parametrizations(model.get_submodule(POSITIONS), "weight")
    model.load_state_dict(_state(manifest, arrays, model), strict=True)
    torch.nn.utils.parametrizations.weight_norm(model.get_submodule(POSITIONS), "weight", dim=2)
    model.save_pretrained(out)
    _write_tokenizer(manifest, folder / VOCABULARY, out)


def _arrays(path: Path) -> Arrays:
    graph = onnx.load(path, load_external_data=True).graph
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def _config(manifest: Manifest, arrays: Arrays) -> Wav2Vec2Config:
    vocabulary = manifest.sizes["vocab_size"]
    groups = manifest.sizes["hidden_size"] // arrays[f"{POSITIONS}.weight"].shape[1]
    stated = {name: value for name, value in manifest.sizes.items() if name not in ("parameters", "model_type")}
    return Wav2Vec2Config(
        **stated | {"vocab_size": vocabulary, "num_conv_pos_embedding_groups": groups},
        conv_kernel=manifest.conv_kernels,
        conv_stride=manifest.conv_strides,
        conv_bias=bool(any(np.any(bias) for name, bias in arrays.items() if name.endswith(".conv.bias"))),
    )


def _state(manifest: Manifest, arrays: Arrays, model: Wav2Vec2ForCTC) -> dict[str, torch.Tensor]:
    """Return a tensor for every parameter of the model; the mask embedding, which only training has, is kept."""
    weights = {name: _weight(name, array, arrays) for name, array in arrays.items()}
    for index in range(manifest.sizes["num_hidden_layers"]):
        name = f"wav2vec2.encoder.layers.{index}.attention"
        for kind in ("weight", "bias"):
            parts = np.split(weights[f"{name}.qkv_proj.{kind}"], 3)
            weights |= {f"{name}.{part}_proj.{kind}": array for part, array in zip("qkv", parts, strict=True)}
    state = {}
    for name, tensor in model.state_dict().items():
        array = weights.get(name, tensor.numpy())
        if ".conv_layers." in name and name.endswith("conv.weight"):
            out, channels, kernel = tensor.shape
            array = array.reshape(out, kernel, channels).transpose(0, 2, 1)
        state[name] = torch.from_numpy(np.array(array, np.float32))  # a copy of its own
    return state


def _weight(name: str, array: NDArray[Any], arrays: Arrays) -> NDArray[Any]:
    """Return a weight as PyTorch has it, `(out, in)`, in float32; anything else as it is."""
    if not name.endswith(".weight") or array.ndim != 2:
        return array
    layer = name.removesuffix("weight")
    if f"{layer}scale" in arrays:
        array = (array.astype(np.float32) - arrays[f"{layer}zero"]) * arrays[f"{layer}scale"]
    return array.T


def _write_tokenizer(manifest: Manifest, vocabulary: Path, out: Path) -> None:
    tokens = json.loads(vocabulary.read_text("utf-8"))
    specials = {"pad_token": manifest.blank, "word_delimiter_token": manifest.word_delimiter or " "}
    specials |= {"unk_token": next((token for token in ("<unk>", "[UNK]") if token in tokens), manifest.blank)}
    (out / VOCABULARY).write_text(json.dumps(tokens, ensure_ascii=False), "utf-8")
    Wav2Vec2CTCTokenizer(str(out / VOCABULARY), **specials).save_pretrained(out)
    features = {"do_normalize": manifest.normalize, "return_attention_mask": manifest.attention_mask}
    Wav2Vec2FeatureExtractor(**features).save_pretrained(out)
