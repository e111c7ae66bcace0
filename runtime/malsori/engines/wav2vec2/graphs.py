"""The graphs of a wav2vec2 bundle, in two forms: front-end and encoder as our export writes them, or a single graph.

Both take normalised clips and give `(batch, frames, width)` for each requested output; rows of clips shorter than the
longest one end in undefined frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...bundles.manifest import Manifest
from ...errors import ModelIncompatible, OptionError
from ...types import Audio
from ..base import Memory
from ..ctc.frames import Frames
from ..machine.devices import Device
from ..onnx.graph import Graph
from ..onnx.native import native_of, preferred
from .batches import pad, pad_frames

SINGLE = "model.onnx"  # name in our exports; other exports may have another name, but one file
SOUND, MASK = ("audio", "input_values"), "attention_mask"  # inputs of a single graph: our name, and optimum's
FRONTEND = "frontend.onnx"
ENCODER = "encoder.onnx"
LAYERS = "layers.onnx"  # the encoder with the hidden states of every layer as outputs
PLAIN = "plain.onnx"  # the encoder in standard ONNX operators, for TensorRT; only in float16 bundles
STREAM = "stream.onnx"  # the encoder with cached keys and values as inputs; not in bundles of older exports
WEIGHTS = "weights.bin"  # of all split graphs
# Quantizations with dynamically quantized activations. ONNX Runtime takes one scale for a whole call, the native
# operator one for each row; with both, rounding depends on the other clips of a batch.
DYNAMIC = ("int8", "int4")
STATE = "hidden_"  # with the layer's number: its input; the output of the last one is `hidden`
KEY, VALUE = "key_", "value_"  # with the layer's number: those of the new frames in `stream.onnx`
PAST = "past_"  # in front of one of these: those of the frames before
# Frames that the front-end computes at once on a CPU: they stay in the cache, and 10 s of audio at once would hold
# 130 MB of the first convolution's results. 16 were as fast as 500 (XLSR-large).
BLOCK = 16


class Graphs(Protocol):
    """The contract of both forms."""

    outputs: dict[str, int | str]

    def run(self, outputs: Sequence[str], clips: Sequence[Audio]) -> list[NDArray[np.float32]]:
        """Return one array per output name, float32 `(batch, frames, width)`."""
        ...


def graph_files(manifest: Manifest) -> tuple[str, ...]:
    """Return the graph and weight files that the bundle must list."""
    name = single(manifest)
    return (name,) if name else (FRONTEND, ENCODER, LAYERS, WEIGHTS)


def single(manifest: Manifest) -> str | None:
    """Return the name of the single graph, None for a bundle with split graphs."""
    if SINGLE in manifest.files:
        return SINGLE
    graphs = [name for name in manifest.files if name.endswith(".onnx")]
    return graphs[0] if len(graphs) == 1 else None


class SplitGraphs:
    """`frontend.onnx`, audio to features, and `encoder.onnx`, features and mask to logits and hidden states.

    The graphs with the native operator are used where the bundle has them and they are faster here; `native` True or
    False overrides that choice.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        device: Device,
        threads: int,
        memory: Memory,
        encoder: str = ENCODER,
        native: bool | None = None,
    ) -> None:
        wanted = device == "cpu" and (preferred() if native is None else native)
        self.native = wanted and native_of(ENCODER) in manifest.files
        self._frames = Frames(manifest.conv_kernels, manifest.conv_strides)
        # A group norm takes its statistics over the whole clip, so clips cannot be cut into blocks without a mask.
        self._block = BLOCK if device == "cpu" and manifest.attention_mask else None
        self._masked = manifest.attention_mask
        chosen: Callable[[str], str] = native_of if self.native else str
        self._open: Callable[[str], Graph] = lambda name: Graph(folder / chosen(name), device, threads, memory)
        self._frontend = self._open(FRONTEND)
        self._encoder = self._open(encoder)
        expect(self._frontend, {"audio"}, {"features"})
        expect(self._encoder, {"features", "mask"} if self._masked else {"features"}, {"logits", "hidden"})
        self._states = states(manifest, self._encoder)
        self.outputs = self._encoder.outputs | self._states
        self.local = self._block is not None
        self._opening = Lock()

    def stream(self) -> Graph:
        """Return `stream.onnx`, opened at the first call, because ONNX Runtime packs its weights once more."""
        with self._opening:
            return self._stream

    @cached_property
    def _stream(self) -> Graph:
        network = self._open(STREAM)
        kept = {f"{kind}{layer}" for layer in range(len(self._states)) for kind in (KEY, VALUE)}
        past = {f"{PAST}{name}" for name in kept}
        expect(network, {"features", "left", *past}, {"logits", "projected", *kept})
        return network

    @cached_property
    def _layers(self) -> Graph:
        """The graph with all layers as outputs, opened at the first use for the same reason."""
        network = self._open(LAYERS)
        expect(network, self._encoder.inputs, {*self._encoder.outputs, *self._states})
        return network

    def run(self, outputs: Sequence[str], clips: Sequence[Audio]) -> list[NDArray[np.float32]]:
        return self.encode(outputs, [self.features(clip) for clip in clips])

    def encode(self, outputs: Sequence[str], clips: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Return the outputs for the features of clips, each `(frames, channels)`."""
        features, mask = pad_frames(clips)
        feeds = {"features": features, "mask": mask} if self._masked else {"features": features}
        known = set(outputs) <= self._encoder.outputs.keys()
        return (self._encoder if known else self._layers).run(outputs, feeds)

    def features(self, clip: Audio) -> NDArray[np.float32]:
        """Return the features of one clip, `(frames, channels)`, block by block where frames depend on no others."""
        count = self._frames.count(len(clip))
        if not count:
            return np.zeros((0, int(self._frontend.outputs["features"])), np.float32)
        if self._block is None:
            return self._rows(clip, count)
        blocks = [(start, min(start + self._block, count)) for start in range(0, count, self._block)]
        spans = [(self._frames.samples(*block), block) for block in blocks]
        return np.concatenate([self._rows(clip[span.start : span.stop], stop - start) for span, (start, stop) in spans])

    def _rows(self, part: Audio, count: int) -> NDArray[np.float32]:
        """Return the features of `part`, which has `count` frames by the manifest.

        Raises `ModelIncompatible` where the graph gives another number: blocks would overlap or leave gaps, and the
        text be wrong without an error.
        """
        rows: NDArray[np.float32] = self._frontend.run(["features"], {"audio": part[None]})[0].squeeze(0)
        if len(rows) != count:
            claimed = "the manifest's conv_kernels and conv_strides"
            raise ModelIncompatible(
                str(self._frontend.path),
                f"expected {count} frames of {len(part)} samples by {claimed}, found {len(rows)}",
            )
        return rows


class SingleGraph:
    """One graph, audio (and its mask) to logits and hidden states."""

    def __init__(self, folder: Path, manifest: Manifest, device: Device, threads: int, memory: Memory) -> None:
        self._name = manifest.name
        self._network = Graph(folder / (single(manifest) or SINGLE), device, threads, memory)
        there = self._network.inputs
        self._sound = next((name for name in SOUND if name in there), SOUND[0])
        # A graph may have a mask as input that its model does not use (group norm): its batches have no padding then.
        self._masked = manifest.attention_mask or MASK in there
        expect(self._network, {self._sound, MASK} if self._masked else {self._sound}, {"logits"})
        self.outputs = self._network.outputs
        if isinstance(self.outputs["logits"], str) and "vocab_size" in manifest.sizes:  # left open by the exporter
            self.outputs = {**self.outputs, "logits": int(manifest.sizes["vocab_size"])}

    def run(self, outputs: Sequence[str], clips: Sequence[Audio]) -> list[NDArray[np.float32]]:
        if absent := set(outputs) - self.outputs.keys():
            raise OptionError(
                f"{self._name} gives no {', '.join(sorted(absent))}, only {', '.join(sorted(self.outputs))}"
            )
        audio, mask = pad(clips)
        return self._network.run(outputs, {self._sound: audio, MASK: mask} if self._masked else {self._sound: audio})


def states(manifest: Manifest, encoder: Graph) -> dict[str, int | str]:
    """Return the outputs that `layers.onnx` has besides the encoder's, each with the size of its last axis."""
    layers = range(manifest.sizes.get("num_hidden_layers", 0))
    return {f"{STATE}{layer}": encoder.outputs["hidden"] for layer in layers}


def expect(network: Graph, inputs: set[str], outputs: set[str]) -> None:
    """Raise `ModelIncompatible` when a graph takes other inputs, or lacks an output."""
    if network.inputs != inputs or not outputs <= network.outputs.keys():
        reason = f"expected inputs {sorted(inputs)} and outputs {sorted(outputs)}"
        found = f"found {sorted(network.inputs)} and {sorted(network.outputs)[:4]}"
        raise ModelIncompatible(str(network.path), f"{reason}, {found}")
