"""The two graphs on a GPU: features stay in its memory between them, and only the requested outputs are copied back.

Where the model masks its padding, clips are padded to one of a few lengths (`bucket`), so that memory is allocated and
algorithms are chosen for a few shapes only.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...bundles.manifest import Manifest
from ...bundles.places import cache_folder
from ...types import SAMPLE_RATE, Audio
from ..base import Memory
from ..ctc.frames import Frames
from ..machine.devices import Device
from ..onnx.graph import Graph
from ..onnx.providers import TensorRtSettings, bucket
from .graphs import ENCODER, FRONTEND, LAYERS, PLAIN, WEIGHTS, expect, states

# Samples that go through the front-end at once: in float16 its first convolution gives 205 bytes for each of them,
# which it holds about three times.
AT_ONCE = 60 * SAMPLE_RATE


class BoundGraphs:
    """`SplitGraphs` on a GPU: whole batches go through the front-end, not clip by clip."""

    def __init__(self, folder: Path, manifest: Manifest, device: Device, threads: int, memory: Memory) -> None:
        self._frames = Frames(manifest.conv_kernels, manifest.conv_strides)
        self._masked = manifest.attention_mask
        self._folder, self._device, self._options = folder, device, (threads, memory)
        self._frontend = Graph(folder / FRONTEND, device, *self._options)
        expect(self._frontend, {"audio"}, {"features"})
        self._channels = int(self._frontend.outputs["features"])
        self._encoder = self._open_encoder(manifest)
        expect(self._encoder, {"features", "mask"} if self._masked else {"features"}, {"logits", "hidden"})
        self._states = states(manifest, self._encoder)
        self.outputs = self._encoder.outputs | self._states

    @cached_property
    def _layers(self) -> Graph:
        network = Graph(self._folder / LAYERS, self._device, *self._options)
        expect(network, self._encoder.inputs, {*self._encoder.outputs, *self._states})
        return network

    def run(self, outputs: Sequence[str], clips: Sequence[Audio]) -> list[NDArray[np.float32]]:
        """Return one array per output name; rows are as long as the longest clip's bucket."""
        counts = [self._frames.count(len(clip)) for clip in clips]
        frames, audio = self._audio(clips, max(counts))
        features = self._frontend.empty((len(clips), frames, self._channels))
        step = max(1, AT_ONCE // audio.shape[1])
        for start in range(0, len(clips), step):
            rows = slice(start, min(start + step, len(clips)))
            self._frontend.fill("features", features, rows, {"audio": audio[rows]})
        mask = (np.arange(frames) < np.array(counts)[:, None]).astype(np.int32)
        known = set(outputs) <= self._encoder.outputs.keys()
        network = self._encoder if known else self._layers
        return network.read(outputs, {"features": features}, {"mask": mask} if self._masked else {})

    def _audio(self, clips: Sequence[Audio], count: int) -> tuple[int, NDArray[np.float32]]:
        """Return the frames of a padded clip, and the clips, `(batch, samples)`."""
        if not self._masked:  # the clips are equally long, since padding would change the front-end's statistics
            return count, np.stack(clips)
        frames = bucket(count)
        audio = np.zeros((len(clips), self._frames.samples(0, frames).stop), np.float32)
        for row, clip in zip(audio, clips, strict=True):
            row[: len(clip)] = clip[: len(row)]  # samples behind the last frame are not used
        return frames, audio

    def _open_encoder(self, manifest: Manifest) -> Graph:
        if self._device != "tensorrt":
            return Graph(self._folder / ENCODER, self._device, *self._options)
        inputs: dict[str, tuple[str | int, ...]] = {"features": ("batch", "frames", self._channels)}
        inputs |= {"mask": ("batch", "frames")} if self._masked else {}
        settings = TensorRtSettings(inputs, created(engine_folder(cache_folder(), manifest)))
        return Graph(self._folder / PLAIN, self._device, *self._options, settings)


def engine_folder(cache: Path | None, manifest: Manifest) -> Path | None:
    """Return the folder for a bundle's TensorRT engines, None without a cache.

    Named by the content of graph and weights: ONNX Runtime goes by the graph's name, and would run the engine of
    another model with the same name (onnxruntime#32254).
    """
    if cache is None:
        return None
    digests = [manifest.files[name].sha256[:16] for name in (PLAIN, WEIGHTS)]
    return cache / "tensorrt" / "-".join(digests)


def created(folder: Path | None) -> Path | None:
    """Create a folder with its parents, which TensorRT does not, and return it; None where that fails."""
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder
