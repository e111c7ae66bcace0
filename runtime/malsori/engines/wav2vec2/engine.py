"""The wav2vec2 / XLSR engine: clips to logits to words, by CTC, on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...bundles.infer.onnx_export import VOCABULARY
from ...bundles.manifest import Manifest
from ...errors import ModelIncompatible, OptionError
from ...types import SAMPLE_RATE, Audio, Hypothesis
from ..base import DecodeOptions, Layer, Memory
from ..ctc.decoder import CtcDecoder, check_options
from ..ctc.frames import Frames
from ..ctc.vocabulary import Vocabulary
from ..ctc.words import silences
from ..machine.cpus import cpu_threads
from ..machine.devices import Device, choose_device
from ..onnx.providers import LARGEST_BATCH
from ..options import candidates
from ..session import Session, SessionOptions
from .acoustic import AcousticModel, open_graphs
from .batches import Grouping, plan
from .graphs import DYNAMIC, STATE, SplitGraphs, graph_files, single
from .live.ctc_session import CtcSession
from .live.ways import open_reader

LAST = "hidden"  # name of the output of the last layer
DEFAULTS = DecodeOptions()
NORMAL = SessionOptions()


def outputs_of(layer: Layer, there: Collection[str], name: str) -> list[str]:
    """Return the graph's outputs, of those `there`, with the hidden states of a layer, or of all layers in order.

    Raises `OptionError` for layers that the bundle `name` does not give.
    """
    states = [*sorted((output for output in there if output.startswith(STATE)), key=_number), LAST]
    if LAST not in there:
        raise OptionError(f"{name} gives no hidden states: its graph has only {', '.join(sorted(there))}")
    if len(states) == 1 and layer != -1:
        raise OptionError(f"{name} gives its last layer only (-1), as bundles of a single graph do, not {layer!r}")
    if layer == "all":
        return states
    if not isinstance(layer, int) or not -len(states) <= layer < len(states):
        raise OptionError(f"layer: {name} has 0 to {len(states) - 1} (or -{len(states)} to -1), found {layer!r}")
    return [states[layer]]


def _number(output: str) -> int:
    return int(output.removeprefix(STATE))


class Wav2Vec2Engine:
    """One `wav2vec2-ctc` bundle on ONNX Runtime; `transcribe`, `logits` and `embed` may be called from several threads.

    A clip's result does not depend on its batch. In fp32, clips of similar length share a padded batch where the model
    masks its padding (layer-norm front-end), otherwise only clips of equal length do (group-norm front-end, whose
    statistics would include the padding). In int8 every clip runs alone: dynamic quantization takes one scale for the
    whole batch.
    """

    # Seconds. Clips of any length would run, but the memory of a beam's alignment grows with the square of the length:
    # 17 MB here, 110 at five minutes; and a clip is one segment.
    longest_clip = 120.0
    long_form = False
    fills_windows = False
    check_options = staticmethod(check_options)

    @staticmethod
    def files(folder: Path, manifest: Manifest) -> tuple[str, ...]:
        """Return the files that such a bundle must list."""
        return (*graph_files(manifest), VOCABULARY)

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        device: str = "auto",
        compute_type: str = "default",
        threads: int | None = None,
        workers: int = 1,
        memory: Memory = "normal",
    ) -> None:
        """Load the bundle in `folder`; `threads` defaults to the cores this process may use.

        `memory="low"` shares the weights with other processes through the page cache (see `Network`).

        Raises `ModelIncompatible` when manifest, vocabulary and graph contradict each other, `OptionError` for a
        compute type that the graph was not exported in, for TensorRT where the bundle has no graph for it and for
        `workers`, of which there is no choice, `DeviceUnavailable` for CUDA or TensorRT by name where there is none.
        """
        if workers > 1:
            raise OptionError(f"{manifest.name} has no workers; its calls run at the same time anyhow")
        self.manifest = manifest
        self.frames = Frames(tuple(manifest.conv_kernels), tuple(manifest.conv_strides))
        _check_compute_type(compute_type, manifest)
        width = manifest.sizes.get("vocab_size") if single(manifest) else None
        self.vocabulary = Vocabulary.read(folder, manifest.blank, manifest.word_delimiter, width, manifest.lower_case)
        self._decoder = CtcDecoder(self.vocabulary, self.frames)
        self.device = _device(device, manifest)
        graphs = open_graphs(folder, manifest, self.device, threads or cpu_threads(), memory)
        largest = LARGEST_BATCH if self.device == "tensorrt" else None
        self.acoustic = AcousticModel(graphs, self.frames, manifest.normalize, _grouping(manifest), largest)
        self._check(folder, graphs.outputs)

    @property
    def native(self) -> bool:
        """Whether graphs with the native int8 operator run, and not ONNX Runtime's (see `onnx/native/`)."""
        return isinstance(self.acoustic.graphs, SplitGraphs) and self.acoustic.graphs.native

    def check(self, options: DecodeOptions) -> tuple[str, ...]:
        """Raise `OptionError` for options that the model lacks; return a warning for hot words that it cannot spell."""
        check_options(self.manifest, options)
        return self._decoder.check(options)

    def batches(self, lengths: Sequence[int], options: DecodeOptions = DEFAULTS) -> list[list[int]]:
        """Return the indices of clips, given their lengths in samples, by call: those that share one of the network.

        In int8 each clip has a call of its own, so that its result is returned as soon as it is done.
        """
        return list(plan(lengths, self.acoustic.grouping, options.batch_size))

    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions = DEFAULTS, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        """Return one hypothesis per clip, in order: one segment, or none where no word was heard.

        A clip shorter than one frame's receptive field (25 ms) has no words. `previous` makes no difference. Raises as
        `check` does, and `Cancelled` before it begins.
        """
        self.check(options)
        options.check_cancelled()
        pairs = zip(clips, self.logits(clips, options.batch_size), strict=True)
        return [self.decode(logits, len(clip), options) for clip, logits in pairs]

    def decode(self, logits: NDArray[np.float32], length: int, options: DecodeOptions = DEFAULTS) -> Hypothesis:
        """Return the hypothesis of a clip of `length` samples from its logits; options as `check` takes them."""
        segments = self._decoder.segments(logits, length, replace(options, word_timestamps=True))
        passed = tuple(silences(segments))
        if not options.word_timestamps:
            segments = tuple(replace(segment, words=()) for segment in segments)
        return Hypothesis(segments, *self._language(options), passed=passed)

    def open(self, options: DecodeOptions = DEFAULTS, session: SessionOptions = NORMAL) -> Session:
        """Return a session for one utterance; sessions of an engine may be used side by side.

        Raises `OptionError` as `check` does, and for sessions that the bundle does not have (see `live/ways.py`):
        cached states need `stream.onnx`, on the CPU.
        """
        self.check(options)
        reader, step = open_reader(self.acoustic, self.manifest, session)
        return CtcSession(reader, self.vocabulary, step, options)

    def logits(self, clips: Sequence[Audio], batch_size: int = DEFAULTS.batch_size) -> list[NDArray[np.float32]]:
        """Return unnormalised log-probabilities, float32 `(frames, vocabulary)` for each clip of any length."""
        return [logits for (logits,) in self.acoustic.run(["logits"], clips, batch_size)]

    def hidden(self, clips: Sequence[Audio], batch_size: int = DEFAULTS.batch_size) -> list[NDArray[np.float32]]:
        """Return the last hidden states, float32 `(frames, hidden_size)` for each clip of any length."""
        return [hidden for (hidden,) in self.acoustic.run(["hidden"], clips, batch_size)]

    def embed(self, clip: Audio, layer: Layer = -1) -> NDArray[np.float32]:
        """Return a layer's hidden states, float32 `(frames, hidden_size)`; `(layers, frames, hidden_size)` for "all".

        Layers are numbered as Hugging Face's `hidden_states` are. Raises `OptionError` for one that there is not.
        """
        names = outputs_of(layer, self.acoustic.graphs.outputs, self.manifest.name)
        (states,) = self.acoustic.run(names, [clip], 1)
        return np.stack(states) if layer == "all" else states[0]

    def _language(self, options: DecodeOptions) -> tuple[str, float]:
        if options.language:
            return options.language, 1.0
        known = candidates(self.manifest, options)
        return known[0], 1 / len(known)

    def _check(self, folder: Path, outputs: Mapping[str, int | str]) -> None:
        """Raise `ModelIncompatible` for a bundle whose parts contradict each other."""
        if self.manifest.sample_rate != SAMPLE_RATE:
            raise ModelIncompatible(str(folder), f"made for {self.manifest.sample_rate} Hz; sound here is 16000 Hz")
        if not self.manifest.languages:
            raise ModelIncompatible(str(folder), "the manifest names no languages")
        if self.frames.stride != self.manifest.frame_stride:
            raise ModelIncompatible(str(folder), "the manifest's frame stride is not the product of its strides")
        if outputs["logits"] != len(self.vocabulary):
            reason = f"the graph gives {outputs['logits']} logits for {len(self.vocabulary)} tokens in the vocabulary"
            raise ModelIncompatible(str(folder), reason)
        width = self.manifest.sizes.get("hidden_size")
        if outputs.get("hidden", width) != width:
            reason = f"the graph gives {outputs['hidden']} hidden states, the manifest says {width}"
            raise ModelIncompatible(str(folder), reason)


def _device(asked: str, manifest: Manifest) -> Device:
    if asked == "auto" and manifest.quantization in DYNAMIC:
        return "cpu"  # CUDA has no kernels for dynamic quantization: 4.7 times slower there (espnet_onnx#69)
    return choose_device(asked, "onnxruntime")


def _grouping(manifest: Manifest) -> Grouping:
    if manifest.quantization in DYNAMIC:
        return Grouping.SINGLE
    return Grouping.MASKED if manifest.attention_mask else Grouping.EQUAL


def _check_compute_type(asked: str, manifest: Manifest) -> None:
    there = "float32" if manifest.quantization == "none" else manifest.quantization
    if asked not in ("default", "auto", there):
        raise OptionError(f"{manifest.name} was exported in {there}, not {asked}; export it again with --quantize")
