"""Infers the manifest of an ONNX export of a wav2vec2 CTC model, as optimum writes it."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

from ...errors import ModelCorrupt, ModelIncompatible
from ...types import SAMPLE_RATE, UNKNOWN
from ..manifest import Manifest, is_safe
from .json_fields import card, entries, json_object
from .onnx_graph import BFLOAT16, FLOAT16, OnnxGraph

# The first one that is there; optimum and the hub's web models have them in a folder `onnx`.
GRAPHS = tuple(
    f"{folder}{name}.onnx"
    for folder in ("", "onnx/")
    for name in ("model", "model_quantized", "model_int8", "model_uint8", "model_fp16")
)
KIND = "wav2vec2-ctc"
LOOKED_FOR = "model.onnx with config.json and vocab.json (a CTC model)"
VOCABULARY = "vocab.json"
SETTINGS = ("config.json", "preprocessor_config.json", "tokenizer_config.json", "special_tokens_map.json")
KEPT = ("README.md", "LICENSE", "LICENSE.txt")
# Those whose frames follow their convolutions and nothing else; sew squeezes them, mctct wants mels.
ARCHITECTURES = ("data2vec-audio", "hubert", "unispeech", "unispeech-sat", "wav2vec2", "wav2vec2-conformer", "wavlm")
PHONEMES = "Wav2Vec2PhonemeCTCTokenizer"
INPUTS = ("input_values", "audio")  # optimum's name for the sound, and ours
MASK = "attention_mask"
INTEGER = {"MatMulInteger", "DynamicQuantizeLinear", "DynamicQuantizeMatMul"}  # operators of weights in 8 bits
SIZES = (
    "model_type",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "conv_dim",
    "num_conv_pos_embeddings",
    "feat_extract_norm",
    "do_stable_layer_norm",
)
# What transformers' Wav2Vec2Config has where config.json does not say it: it writes what differs from it only.
KERNELS, STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)


def graph_of(folder: Path) -> str | None:
    """Return the name of the graph that is run, None where there is none."""
    return next((name for name in GRAPHS if (folder / name).is_file()), None)


def is_whole(folder: Path) -> bool:
    """Return whether the folder has a graph, and the config and the vocabulary of a CTC model."""
    return graph_of(folder) is not None and (folder / VOCABULARY).is_file() and (folder / "config.json").is_file()


is_begun = is_whole  # with fewer of these files the graph may be any model's


def manifest(folder: Path, name: str) -> Manifest:
    """Return the inferred manifest, without sums of its files. Raises `ModelError` for a model that cannot run."""
    config = json_object(folder / "config.json")
    _check_architecture(folder, config)
    graph_name = graph_of(folder) or GRAPHS[0]
    graph = OnnxGraph.read(folder / graph_name)
    _check_graph(folder / graph_name, graph)
    sound = _sound(folder)
    tokenizer = json_object(folder / "tokenizer_config.json", optional=True)
    if tokenizer.get("tokenizer_class") == PHONEMES:
        raise ModelIncompatible(
            str(folder), f"writes phonemes ({PHONEMES}), which the runtime cannot tell apart in its text"
        )
    languages, licence = card(folder)
    kernels, strides = _layers(folder, config, "conv_kernel", KERNELS), _layers(folder, config, "conv_stride", STRIDES)
    beside = _beside(folder, graph_name, graph)
    return Manifest(
        name=name,
        kind=KIND,
        source=name,
        revision="unknown",
        licence=licence,
        languages=languages or (UNKNOWN,),
        description=f"a CTC model, {config.get('model_type', 'wav2vec2')}, one ONNX graph",
        quantization=_quantization(graph),
        sample_rate=SAMPLE_RATE,
        frame_stride=prod(strides),
        files=entries(folder, (graph_name, *beside, VOCABULARY, *SETTINGS, *KEPT)),
        sizes={key: config[key] for key in SIZES if key in config},
        normalize=bool(sound.get("do_normalize", True)),
        # A group norm's statistics run over the padding, mask or not (Hugging Face's own rule).
        attention_mask=MASK in graph.inputs and config.get("feat_extract_norm", "group") == "layer",
        conv_kernels=kernels,
        conv_strides=strides,
        blank=_blank(folder, config, tokenizer),
        word_delimiter=_token(tokenizer.get("word_delimiter_token", "|")),
        lower_case=bool(tokenizer.get("do_lower_case", False)),
    )


def _check_architecture(folder: Path, config: dict[str, Any]) -> None:
    kind, heads = config.get("model_type", "wav2vec2"), config.get("architectures") or []
    heads = heads if isinstance(heads, list) else [heads]
    path = str(folder / "config.json")
    if kind not in ARCHITECTURES:
        raise ModelIncompatible(path, f"expected one of {', '.join(ARCHITECTURES)}, found {kind}")
    if heads and not any(str(head).endswith("ForCTC") for head in heads):
        raise ModelIncompatible(path, f"expected a model with a CTC head, found {', '.join(map(str, heads))}")


def _layers(folder: Path, config: dict[str, Any], field: str, usual: tuple[int, ...]) -> tuple[int, ...]:
    """Return a field of the config with a number for each convolution. Raises `ModelIncompatible` for other values."""
    value = config.get(field, usual)
    if not isinstance(value, (list, tuple)) or not value or any(type(each) is not int or each < 1 for each in value):
        reason = f"{field}: expected a list of whole numbers from 1 on, found {value!r:.80}"
        raise ModelIncompatible(str(folder / "config.json"), reason)
    return tuple(value)


def _check_graph(path: Path, graph: OnnxGraph) -> None:
    if "logits" not in graph.outputs or not any(name in graph.inputs for name in INPUTS):
        found = f"{', '.join(graph.inputs)} to {', '.join(graph.outputs[:4])}"
        raise ModelIncompatible(str(path), f"expected a graph from input_values to logits, found {found}")


def _beside(folder: Path, graph_name: str, graph: OnnxGraph) -> tuple[str, ...]:
    """Return the names of the files that hold the graph's weights. Raises `ModelCorrupt` for a missing one."""
    names = tuple((Path(graph_name).parent / each).as_posix() for each in sorted(graph.beside))
    for name in names:
        if not is_safe(name) or not (folder / name).is_file():
            raise ModelCorrupt(str(folder / graph_name), f"its weights beside it, {name}", "no such file")
    return names


def _sound(folder: Path) -> dict[str, Any]:
    settings = json_object(folder / "preprocessor_config.json", optional=True)
    rate = settings.get("sampling_rate", SAMPLE_RATE)
    if rate != SAMPLE_RATE:
        path = str(folder / "preprocessor_config.json")
        raise ModelIncompatible(path, f"made for {rate} Hz; sound here is {SAMPLE_RATE} Hz")
    return settings


def _quantization(graph: OnnxGraph) -> str:
    if graph.operators & INTEGER:
        return "int8"
    if "MatMulNBits" in graph.operators:
        return "int4"
    if FLOAT16 in graph.types:
        return "float16"
    return "bfloat16" if BFLOAT16 in graph.types else "none"


def _blank(folder: Path, config: dict[str, Any], tokenizer: dict[str, Any]) -> str:
    """Return the token of the blank, which in training is that of padding: the config has its number."""
    vocabulary = json_object(folder / VOCABULARY)
    if any(isinstance(value, dict) for value in vocabulary.values()):
        codes = ", ".join(list(vocabulary)[:4])
        raise ModelIncompatible(
            str(folder / VOCABULARY),
            f"holds the vocabularies of several languages ({codes}, ...), of which a graph has one; "
            "keep the one of the language that the graph was exported for",
        )
    number = config.get("pad_token_id")
    named = next((token for token, index in vocabulary.items() if index == number), None)
    special = json_object(folder / "special_tokens_map.json", optional=True)
    written = _token(tokenizer.get("pad_token") or special.get("pad_token"))
    blank = named or written or next((token for token in ("<pad>", "[PAD]") if token in vocabulary), "")
    if blank not in vocabulary:
        found = repr(blank) if blank else "none"
        raise ModelIncompatible(str(folder / VOCABULARY), f"expected the token of CTC's blank, found {found}")
    return blank


def _token(value: Any) -> str:
    """Return the text of a token, which some tokenizers write as an object with a `content`."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else ""
