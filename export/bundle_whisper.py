"""A Whisper bundle back to a Hugging Face checkpoint; `bundle_checkpoint.py` is the command.

CTranslate2 keeps query, key and value of an attention as one matrix and has other names; nothing else differs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizerFast,
)

from export.common import ExportRefused
from export.model_bin import Arrays, ModelBin
from export.whisper_checkpoint import SIZES
from export.whisper_recipe import ENGLISH_ONLY
from malsori.bundles.manifest import Manifest

SPEC = "WhisperSpec"
SELF = ("self_attention", "self_attn", "self_attn_layer_norm")
CROSS = ("attention", "encoder_attn", "encoder_attn_layer_norm")
KINDS = ("weight", "bias")


def write_whisper(folder: Path, manifest: Manifest, out: Path) -> None:
    """Write the checkpoint of the bundle in `folder` into the folder `out`. Raises `ExportRefused` for another form."""
    stored = ModelBin.read(folder / "model.bin")
    if stored.spec != SPEC:
        raise ExportRefused(f"{folder}: expected CTranslate2's {SPEC}, found {stored.spec}")
    tokenizer = _tokenizer(folder)
    model = WhisperForConditionalGeneration(_config(manifest, tokenizer))
    state = _state(manifest, stored.weights())
    model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in state.items()}, strict=True)
    model.generation_config = _generation(folder, manifest, tokenizer)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    WhisperFeatureExtractor(feature_size=manifest.sizes["num_mel_bins"]).save_pretrained(out)


def _config(manifest: Manifest, tokenizer: WhisperTokenizerFast) -> WhisperConfig:
    sizes = {name: manifest.sizes[name] for name in SIZES}
    end, start = tokenizer.convert_tokens_to_ids(["<|endoftext|>", "<|startoftranscript|>"])
    ids = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), end)
    return WhisperConfig(**sizes, **ids, decoder_start_token_id=start)


def _state(manifest: Manifest, weights: Arrays) -> Arrays:
    """Return every parameter of the model by transformers' name."""
    state: Arrays = {}
    for part in ("encoder", "decoder"):
        state[f"model.{part}.embed_positions.weight"] = weights[f"{part}/position_encodings/encodings"]
        state |= _norm(weights, f"{part}/layer_norm", f"model.{part}.layer_norm")
        for index in range(manifest.sizes[f"{part}_layers"]):
            state |= _layer(weights, f"{part}/layer_{index}", f"model.{part}.layers.{index}")
    for name in ("conv1", "conv2"):
        state |= {f"model.encoder.{name}.{kind}": weights[f"encoder/{name}/{kind}"] for kind in KINDS}
    state["model.decoder.embed_tokens.weight"] = weights["decoder/embeddings/weight"]
    state["proj_out.weight"] = weights["decoder/projection/weight"]
    return state


def _layer(weights: Arrays, theirs: str, ours: str) -> Arrays:
    """Return the parameters of one layer: attention over itself, in a decoder over the encoder, feed-forward."""
    attention, name, norm = SELF
    found = _norm(weights, f"{theirs}/{attention}/layer_norm", f"{ours}.{norm}")
    found |= _projections(weights, f"{theirs}/{attention}/linear_0", f"{ours}.{name}", "qkv")
    found |= _linear(weights, f"{theirs}/{attention}/linear_1", f"{ours}.{name}.out_proj")
    attention, name, norm = CROSS
    if f"{theirs}/{attention}/linear_0/weight" in weights:
        found |= _norm(weights, f"{theirs}/{attention}/layer_norm", f"{ours}.{norm}")
        found |= _projections(weights, f"{theirs}/{attention}/linear_0", f"{ours}.{name}", "q")
        found |= _projections(weights, f"{theirs}/{attention}/linear_1", f"{ours}.{name}", "kv")
        found |= _linear(weights, f"{theirs}/{attention}/linear_2", f"{ours}.{name}.out_proj")
    found |= _norm(weights, f"{theirs}/ffn/layer_norm", f"{ours}.final_layer_norm")
    for index in (0, 1):
        found |= _linear(weights, f"{theirs}/ffn/linear_{index}", f"{ours}.fc{index + 1}")
    return found


def _projections(weights: Arrays, theirs: str, ours: str, letters: str) -> Arrays:
    """Return the matrices of one, of which the key's has no bias: the one stored is 0."""
    found = {}
    for kind in KINDS:
        for letter, array in zip(letters, np.split(weights[f"{theirs}/{kind}"], len(letters)), strict=True):
            found[f"{ours}.{letter}_proj.{kind}"] = array
    found.pop(f"{ours}.k_proj.bias", None)
    return found


def _linear(weights: Arrays, theirs: str, ours: str) -> Arrays:
    return {f"{ours}.{kind}": weights[f"{theirs}/{kind}"] for kind in KINDS}


def _norm(weights: Arrays, theirs: str, ours: str) -> Arrays:
    return {f"{ours}.weight": weights[f"{theirs}/gamma"], f"{ours}.bias": weights[f"{theirs}/beta"]}


def _tokenizer(folder: Path) -> WhisperTokenizerFast:
    end = "<|endoftext|>"
    ends = {f"{name}_token": end for name in ("bos", "eos", "unk", "pad")}
    tokenizer = WhisperTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **ends)
    added = tokenizer.added_tokens_decoder.values()
    tokenizer.add_special_tokens({"additional_special_tokens": [token.content for token in added if token.special]})
    return tokenizer


def _generation(folder: Path, manifest: Manifest, tokenizer: WhisperTokenizerFast) -> GenerationConfig:
    """Return what CTranslate2's `config.json` holds, under transformers' names: a new export finds it there."""
    known: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    facts = {"suppress_tokens": known["suppress_ids"], "begin_suppress_tokens": known["suppress_ids_begin"]}
    facts |= {
        "alignment_heads": known["alignment_heads"],
        "is_multilingual": manifest.sizes["vocab_size"] > ENGLISH_ONLY,
    }
    if facts["is_multilingual"]:
        codes = tokenizer.convert_ids_to_tokens(known["lang_ids"])
        facts["lang_to_id"] = dict(zip(codes, known["lang_ids"], strict=True))
        tasks = ("transcribe", "translate")
        facts["task_to_id"] = {task: tokenizer.convert_tokens_to_ids(f"<|{task}|>") for task in tasks}
    end, start, times = tokenizer.convert_tokens_to_ids(["<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>"])
    ids = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), end)
    return GenerationConfig(**facts, **ids, decoder_start_token_id=start, no_timestamps_token_id=times)
