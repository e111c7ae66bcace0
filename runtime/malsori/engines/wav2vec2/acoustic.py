"""From clips to logits and hidden states: normalisation, batches, and windows over clips too long for one pass.

    frames of a long clip     0 ........ 1250 ........ 2500 ........ 3600
    first window              [0 ............ 1500)           keeps    0 .. 1350
    second                          [1200 ............ 2700)  keeps 1350 .. 2550
    last, as long as all                   [2100 ............ 3600)  keeps 2550 .. 3600

A window's outermost frames lack context on one side, so they are dropped (`SIDE`). The kept frames are concatenated
before decoding, so that no word is cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...bundles.manifest import Manifest
from ...errors import OptionError
from ...types import SAMPLE_RATE, Audio
from ..base import Memory
from ..ctc.frames import Frames
from ..machine.devices import Device
from .batches import Grouping, plan
from .graphs import DYNAMIC, PLAIN, Graphs, SingleGraph, SplitGraphs, single

EPSILON = 1e-7  # added to the variance, as in Wav2Vec2FeatureExtractor
WINDOW = 30 * SAMPLE_RATE  # samples; time and memory of attention grow with the square of it
SIDE = 3 * SAMPLE_RATE  # samples dropped at each end of a window


@dataclass(frozen=True, slots=True)
class Window:
    """Frames `[start, stop)` go through the encoder, `[keep, until)` of them are kept."""

    start: int
    stop: int
    keep: int
    until: int


@dataclass(frozen=True, slots=True)
class AcousticModel:
    """The graphs of one bundle, and how clips share their calls; `largest_batch` bounds the callers' batch sizes."""

    graphs: Graphs
    frames: Frames
    normalizes: bool
    grouping: Grouping
    largest_batch: int | None = None

    def run(self, outputs: Sequence[str], clips: Sequence[Audio], batch_size: int) -> list[list[NDArray[np.float32]]]:
        """Return for each clip its outputs in the order asked for, each float32 `(frames, width)`.

        A clip too short for a frame gives arrays without rows, a long one is run in windows.
        """
        normal = [normalize(clip) if self.normalizes and len(clip) else clip for clip in clips]
        counts = [self.frames.count(len(clip)) for clip in normal]
        windows = [(index, window) for index, count in enumerate(counts) for window in self._windows(count)]
        parts = [self._cut(normal[index], window) for index, window in windows]
        results: list[list[list[NDArray[np.float32]]]] = [[[] for _ in outputs] for _ in clips]
        for position, arrays in sorted(self._batches(outputs, parts, batch_size)):
            index, window = windows[position]
            for collected, array in zip(results[index], arrays, strict=True):
                collected.append(array[window.keep - window.start : window.until - window.start])
        return [
            [np.concatenate(parts) if parts else self._none(name) for name, parts in zip(outputs, result, strict=True)]
            for result in results
        ]

    def _batches(
        self, outputs: Sequence[str], parts: Sequence[Audio], batch_size: int
    ) -> Iterator[tuple[int, tuple[NDArray[np.float32], ...]]]:
        """Yield the position of each part and its outputs, batch after batch."""
        limit = min(batch_size, self.largest_batch or batch_size)
        for batch in plan([len(part) for part in parts], self.grouping, limit):
            results = self.graphs.run(outputs, [parts[position] for position in batch])
            yield from zip(batch, zip(*results, strict=True), strict=True)

    def _windows(self, count: int) -> list[Window]:
        if not count:
            return []
        return windows(count, self.frames.count(WINDOW), SIDE // self.frames.stride)

    def _cut(self, clip: Audio, window: Window) -> Audio:
        if window.start == 0 and window.stop == self.frames.count(len(clip)):
            return clip  # with the samples behind the last frame, which count in a group norm
        span = self.frames.samples(window.start, window.stop)
        return clip[span.start : span.stop]

    def _none(self, output: str) -> NDArray[np.float32]:
        return np.zeros((0, int(self.graphs.outputs[output])), np.float32)


def open_graphs(folder: Path, manifest: Manifest, device: Device, threads: int, memory: Memory) -> Graphs:
    """Return the graphs that the manifest lists.

    Raises `ModelIncompatible` when they do not fit it, `OptionError` for TensorRT where there is no graph for it.
    """
    if device == "tensorrt" and PLAIN not in manifest.files:
        needs = "which comes with --quantize float16 of export/wav2vec2.py"
        raise OptionError(f"{manifest.name} has no {PLAIN} for TensorRT, {needs}; or use --device cuda")
    if single(manifest):
        return SingleGraph(folder, manifest, device, threads, memory)
    if device != "cpu" and manifest.quantization not in DYNAMIC:
        from .on_gpu import BoundGraphs

        return BoundGraphs(folder, manifest, device, threads, memory)
    return SplitGraphs(folder, manifest, device, threads, memory)


def windows(frames: int, longest: int, side: int) -> list[Window]:
    """Return windows of `longest` frames over `frames`, whose outer `side` frames are dropped at a neighbour.

    Every frame is kept once, in order. All windows are equally long, so the last one may drop more.
    """
    if frames <= longest:
        return [Window(0, frames, 0, frames)]
    starts = [*range(0, frames - longest, longest - 2 * side), frames - longest]
    ends = [*(start + longest - side for start in starts[:-1]), frames]
    return [
        Window(start, start + longest, keep, until)
        for start, keep, until in zip(starts, [0, *ends], ends, strict=False)
    ]


def normalize(clip: Audio) -> Audio:
    """Return the clip with zero mean and unit variance, as Hugging Face's feature extractor does; float32."""
    scaled: Audio = ((clip - clip.mean()) / np.sqrt(clip.var() + EPSILON)).astype(np.float32)
    return scaled
