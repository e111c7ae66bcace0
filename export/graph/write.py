"""All graphs of a bundle into its folder, from the arrays of a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from export.graph.builder import Builder, Weights
from export.graph.encoder import Encoder, Shape
from export.graph.frontend import Arrays, frontend
from export.graph.half import half
from export.graph.linear import Float32, Linear
from export.graph.native import Bounded, Kept, Native, Portable
from export.graph.operators import Cuda, Plain
from export.graph.stream import StreamEncoder
from malsori.engines.onnx.native import native_of
from malsori.engines.wav2vec2.graphs import ENCODER, FRONTEND, LAYERS, PLAIN, STREAM, WEIGHTS


def write_graphs(folder: Path, arrays: Arrays, config: Any, linear: Linear) -> None:
    """Write `frontend.onnx`, `encoder.onnx`, `layers.onnx`, `stream.onnx` and the `weights.bin` that they share.

    For weights that are `Bounded` each of them is there a second time, with our own operator. Only where frames are
    local is there a `stream.onnx`: with a group norm each is a matter of the whole clip.

    `arrays` are a checkpoint's, by name, with the weight norm folded; `config` is its Hugging Face config; `linear` is
    how the encoder's linear layers are computed. The head stays in float32: it is a thousandth of the work, and the
    decisions are made on what it gives.
    """
    weights = Weights(folder / WEIGHTS)
    if isinstance(linear, Bounded):
        kept = Kept(linear)
        linear = Portable(kept)
        for name, graph in _graphs(arrays, config, Native(kept), native=True):
            graph.save(folder / native_of(name), weights)
    for name, graph in _graphs(arrays, config, linear, native=False):
        graph.save(folder / name, weights)


def _graphs(arrays: Arrays, config: Any, linear: Linear, *, native: bool) -> Iterator[tuple[str, Builder]]:
    convolutions = config.conv_kernel, config.conv_stride, config.feat_extract_norm
    yield FRONTEND, frontend(arrays, *convolutions, native=native)
    for name, all_layers in ((ENCODER, False), (LAYERS, True)):
        yield name, Encoder(arrays, shape_of(config), linear, all_layers=all_layers).build()
    if config.feat_extract_norm == "layer":
        yield STREAM, StreamEncoder(arrays, replace(shape_of(config), masked=False), linear).build()


def write_half_graphs(folder: Path, arrays: Arrays, config: Any) -> None:
    """Write the same graphs in float16, for CUDA, and `plain.onnx`, the encoder once more for TensorRT."""
    weights = Weights(folder / WEIGHTS)
    half(frontend(arrays, config.conv_kernel, config.conv_stride, config.feat_extract_norm)).save(
        folder / FRONTEND, weights
    )
    for name, operators in ((ENCODER, Cuda()), (LAYERS, Cuda()), (PLAIN, Plain())):
        encoder = Encoder(arrays, shape_of(config), Float32(), operators, all_layers=name == LAYERS)
        half(encoder.build()).save(folder / name, weights)


def shape_of(config: Any) -> Shape:
    """Return the numbers of an encoder from its Hugging Face config.

    A group-norm front-end takes its statistics over the whole clip, padding included: no mask can undo that, and
    Hugging Face trained those models without one (transformers#10117).
    """
    return Shape(
        num_hidden_layers=config.num_hidden_layers,
        num_attention_heads=config.num_attention_heads,
        num_conv_pos_embedding_groups=config.num_conv_pos_embedding_groups,
        do_stable_layer_norm=config.do_stable_layer_norm,
        masked=config.feat_extract_norm == "layer",
        epsilon=config.layer_norm_eps,
    )
