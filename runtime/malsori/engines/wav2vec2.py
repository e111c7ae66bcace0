"""The wav2vec2 / XLSR engine: clips to frames to words, by CTC. It neither finds speech nor decodes files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..bundles.manifest import Manifest
from ..errors import EngineError, ModelIncompatible, OptionError
from ..types import SAMPLE_RATE, Audio, Hypothesis
from .base import DecodeOptions
from .batches import Grouping, pad, plan
from .ctc.decoder import Decoder
from .ctc.vocabulary import FILE as VOCABULARY
from .ctc.vocabulary import Vocabulary
from .devices import Device, choose_device, cpu_threads
from .frames import Frames
from .network import Network

GRAPH = "model.onnx"
FILES = (GRAPH, VOCABULARY)
LONGEST = 120  # seconds in one clip; attention of XLSR-large over it takes some 2.3 GB, over ten minutes 58 GB
EPSILON = 1e-7  # of the variance, as Wav2Vec2FeatureExtractor has it
DEFAULTS = DecodeOptions()
COMPUTE_TYPES = {"none": "float32", "int8": "int8"}  # quantization in the manifest -> what the graph computes in


class Wav2Vec2Engine:
    """One `wav2vec2-ctc` bundle on ONNX Runtime; `transcribe`, `logits` and `embed` may be called from several threads.

    A clip's result does not depend on the clips beside it. In fp32 clips of similar length share a padded batch where
    the model masks its padding (layer-norm front-end), and only clips of equal length do where it has no mask
    (group-norm front-end, whose statistics run over the padding). In int8 every clip runs alone: dynamic quantization
    takes one scale for the whole batch, so a neighbour would change the rounding.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        device: str = "auto",
        compute_type: str = "default",
        threads: int | None = None,
    ) -> None:
        """Load the bundle in `folder`; `threads` defaults to the cores this process may use.

        Raises `ModelIncompatible` when manifest, vocabulary and graph contradict each other, `OptionError` for a
        compute type that the graph was not exported in, `DeviceUnavailable` for CUDA by name where there is none.
        """
        self.manifest = manifest
        self.frames = Frames(tuple(manifest.conv_kernels), tuple(manifest.conv_strides))
        _check_compute_type(compute_type, manifest)
        self.vocabulary = Vocabulary.read(folder, manifest.blank, manifest.word_delimiter)
        self._decoder = Decoder(self.vocabulary, self.frames)
        self.device = _device(device, manifest)
        self._network = Network(folder / GRAPH, self.device, threads or cpu_threads())
        self._grouping = _grouping(manifest)
        self._check(folder)

    def check(self, options: DecodeOptions) -> tuple[str, ...]:
        """Raise `OptionError` for what the model does not have; return a warning for hot words that it cannot spell."""
        _check_options(options, self.manifest)
        return self._decoder.check(options)

    def transcribe(self, clips: Sequence[Audio], options: DecodeOptions = DEFAULTS) -> list[Hypothesis]:
        """Return one hypothesis per clip, in order: one segment, or none where no word was heard.

        A clip shorter than one frame's receptive field (25 ms) has no frames and so no words. Raises `OptionError`
        for translation, a language the model does not know, a prompt or temperatures, and as `check` does.
        """
        language, probability = self._language(options)
        return [
            Hypothesis(self._decoder.segments(logits, len(clip), options), language, probability)
            for clip, logits in zip(clips, self.logits(clips, options.batch_size), strict=True)
        ]

    def logits(self, clips: Sequence[Audio], batch_size: int = DEFAULTS.batch_size) -> list[NDArray[np.float32]]:
        """Return unnormalised log-probabilities, float32 `(frames, vocabulary)` for each clip."""
        return self._run("logits", clips, batch_size)

    def hidden(self, clips: Sequence[Audio], batch_size: int = DEFAULTS.batch_size) -> list[NDArray[np.float32]]:
        """Return the last hidden states, float32 `(frames, hidden_size)` for each clip."""
        return self._run("hidden", clips, batch_size)

    def embed(self, clip: Audio) -> NDArray[np.float32]:
        """Return the last hidden states of one clip, float32 `(frames, hidden_size)`."""
        return self.hidden([clip])[0]

    def detect_language(self, clip: Audio) -> dict[str, float]:
        """Return the model's only language with probability 1. Raises `OptionError` when it knows several."""
        languages = self.manifest.languages
        if len(languages) != 1:
            raise OptionError(
                f"{self.manifest.name} knows {', '.join(languages)}, and CTC cannot tell which was spoken"
            )
        return {languages[0]: 1.0}

    def _run(self, output: str, clips: Sequence[Audio], batch_size: int) -> list[NDArray[np.float32]]:
        """Run all clips in batches; each result is cut to the frames of its own clip.

        Raises `EngineError` for a clip of more than `LONGEST` seconds.
        """
        for clip in clips:
            if len(clip) > LONGEST * SAMPLE_RATE:
                raise EngineError(
                    f"{self.manifest.name} takes at most {LONGEST} s at once, found {len(clip) / SAMPLE_RATE:.1f} s; "
                    "cut the recording, or transcribe it with the gate on and max_speech_s below that"
                )
        counts = [self.frames.count(len(clip)) for clip in clips]
        results = [np.zeros((0, int(self._network.outputs[output])), np.float32)] * len(clips)
        audible = [index for index, count in enumerate(counts) if count]
        for batch in plan([len(clips[index]) for index in audible], self._grouping, batch_size):
            indices = [audible[position] for position in batch]
            rows = self._network.run(output, self._feeds([clips[index] for index in indices]))
            for index, row in zip(indices, rows, strict=True):
                results[index] = row[: counts[index]]
        return results

    def _feeds(self, clips: Sequence[Audio]) -> dict[str, NDArray[np.float32] | NDArray[np.int64]]:
        audio, mask = pad([normalize(clip) if self.manifest.normalize else clip for clip in clips])
        return {"audio": audio, "attention_mask": mask} if self.manifest.attention_mask else {"audio": audio}

    def _language(self, options: DecodeOptions) -> tuple[str, float]:
        self.check(options)
        if options.language:
            return options.language, 1.0
        return self.manifest.languages[0], 1 / len(self.manifest.languages)

    def _check(self, folder: Path) -> None:
        """Refuse a bundle whose parts contradict each other."""
        expected = {"audio", "attention_mask"} if self.manifest.attention_mask else {"audio"}
        outputs, states = self._network.outputs, self.manifest.sizes.get("hidden_size")
        path = str(folder / GRAPH)
        if self.manifest.sample_rate != SAMPLE_RATE:
            raise ModelIncompatible(str(folder), f"made for {self.manifest.sample_rate} Hz; sound here is 16000 Hz")
        if not self.manifest.languages:
            raise ModelIncompatible(str(folder), "the manifest names no languages")
        if self.frames.stride != self.manifest.frame_stride:
            raise ModelIncompatible(str(folder), "the manifest's frame stride is not the product of its strides")
        if self._network.inputs != expected or not {"logits", "hidden"} <= outputs.keys():
            raise ModelIncompatible(path, f"expected inputs {sorted(expected)} and outputs logits, hidden")
        if outputs["logits"] != len(self.vocabulary):
            reason = f"gives {outputs['logits']} logits for {len(self.vocabulary)} tokens in the vocabulary"
            raise ModelIncompatible(path, reason)
        if outputs["hidden"] != states:
            raise ModelIncompatible(path, f"gives {outputs['hidden']} hidden states, the manifest says {states}")


def normalize(clip: Audio) -> Audio:
    """Return the clip with zero mean and unit variance, as Hugging Face's feature extractor does; float32."""
    scaled: Audio = ((clip - clip.mean()) / np.sqrt(clip.var() + EPSILON)).astype(np.float32)
    return scaled


def _device(asked: str, manifest: Manifest) -> Device:
    if asked == "auto" and manifest.quantization == "int8":
        return "cpu"  # CUDA has no kernels for dynamic quantization: 4.7 times slower there (espnet_onnx#69)
    return choose_device(asked, "onnxruntime")


def _grouping(manifest: Manifest) -> Grouping:
    if manifest.quantization == "int8":
        return Grouping.SINGLE
    return Grouping.MASKED if manifest.attention_mask else Grouping.EQUAL


def _check_compute_type(asked: str, manifest: Manifest) -> None:
    there = COMPUTE_TYPES.get(manifest.quantization, manifest.quantization)
    if asked not in ("default", "auto", there):
        raise OptionError(f"{manifest.name} was exported in {there}, not {asked}; export it again with --quantize")


def _check_options(options: DecodeOptions, manifest: Manifest) -> None:
    if options.task != "transcribe":
        raise OptionError(f"{manifest.name} cannot {options.task}; a CTC model only transcribes")
    if options.language and options.language not in manifest.languages:
        raise OptionError(f"{manifest.name} knows {', '.join(manifest.languages)}, not {options.language!r}")
    for name in ("initial_prompt", "temperature"):
        if getattr(options, name) != getattr(DEFAULTS, name):
            raise OptionError(f"{manifest.name} has no {name}; that is an option of Whisper models")
    if options.batch_size < 1:
        raise OptionError(f"a batch holds at least 1 clip, not {options.batch_size}")
