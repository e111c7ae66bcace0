"""Hidden states of a whole recording, by layer, pooled or by frame."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..audio import AudioSource, decode
from ..engines.base import Engine, Layer
from ..errors import EmptyAudio, OptionError


def embedded(
    engine: Engine, source: AudioSource, layer: Layer, *, pooled: bool, sample_rate: float | None
) -> NDArray[np.float32]:
    """Return the hidden states that `Transcriber.embed` describes, of one layer or all of them. Raises as it does."""
    audio = decode(source, sample_rate=sample_rate)
    states = engine.embed(audio.samples, layer)
    if not pooled:
        return states
    if not states.shape[-2]:
        raise EmptyAudio(audio.name, "at least one frame of sound to pool", f"{len(audio.samples)} samples at 16 kHz")
    mean: NDArray[np.float32] = states.mean(axis=-2)
    return mean


def layer_of(layer: int, layers: Literal["all"] | None) -> Layer:
    """Return the engine's layer. Raises `OptionError` for `layers` other than "all", and for both at once."""
    if layers is None:
        return layer
    if layers != "all":
        raise OptionError(f"layers: expected 'all', found {layers!r}; a single one is layer=N")
    if layer != -1:
        raise OptionError(f"expected a layer or all layers, found layer={layer} and layers='all'")
    return "all"
