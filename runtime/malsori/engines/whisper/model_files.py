"""The files of a Whisper bundle, the types in which weights are stored and computed, and options that models have."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ...bundles.infer.ct2_folder import FEATURES, NEEDED, TOKENIZER, VOCABULARIES
from ...bundles.manifest import Manifest
from ...errors import ModelIncompatible, OptionError
from ...types import SAMPLE_RATE
from ..machine.devices import Device, compute_types
from ..options import HOTWORD_WEIGHT, DecodeOptions, check_asked
from .features import HOP, STRIDE
from .network import Network
from .tokens import Tokens

TYPES = ("int8", "int8_float16", "int8_bfloat16", "int8_float32", "float16", "bfloat16", "int16", "float32")
FLOATS = ("float16", "bfloat16", "float32")
# Never narrower: CTranslate2 by itself would compute 16-bit weights in 8 bits where it has no 16-bit products.
WIDER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "int8": ("int8_float32",),
        "int8_float16": ("int8_float32",),
        "int8_bfloat16": ("int8_float32",),
        "float16": ("float32",),
        "bfloat16": ("float32",),
        "int16": ("float32",),
    }
)
SOUND = {"sampling_rate": SAMPLE_RATE, "hop_length": HOP, "n_fft": 400}  # the features that `features.py` computes
WIDEST = 100  # hypotheses; a beam takes memory before it takes time


def computing(stored: str, there: Collection[str]) -> str | None:
    """Return the type in which weights `stored` in one of `TYPES` are computed on a device that has the types `there`.

    None where it has none for them.
    """
    return next((kind for kind in (stored, *WIDER.get(stored, ())) if kind in there), None)


def describe(there: Collection[str]) -> str:
    """Return a line for users: the types that a device has, and in which ones the others are computed.

    Example: `int8, int8_float32, float32; computed wider: float16, bfloat16, int16 in float32`.
    """
    widened: dict[str, list[str]] = {}
    for kind in TYPES:
        if kind not in there and (wider := computing(kind, there)):
            widened.setdefault(wider, []).append(kind)
    lost = ", ".join(kind for kind in TYPES if computing(kind, there) is None)
    parts = [
        ", ".join([*(kind for kind in TYPES if kind in there), *sorted(set(there) - set(TYPES))]) or "no compute type",
        f"computed wider: {', '.join(f'{_and(kinds)} in {wider}' for wider, kinds in widened.items())}" * bool(widened),
        f"not to be had: {lost}" * bool(there and lost),
    ]
    return "; ".join(part for part in parts if part)


def _and(kinds: list[str]) -> str:
    return " and ".join([*([", ".join(kinds[:-1])] if kinds[:-1] else []), kinds[-1]])


def compute_type_for(asked: str, stored: str, device: Device) -> str:
    """Return CTranslate2's compute type; by itself, it would write on stderr when it cannot compute as stored.

    By default the type of the stored weights, but int8 for floats on a CPU, which has no products of 16-bit floats and
    takes longer and four times the memory in 32 bits. Raises `OptionError` for a type that the device does not have.
    """
    there = compute_types(device)
    if asked == "default" and device == "cpu" and stored in FLOATS and "int8" in there:
        return "int8"
    if asked == "default":
        return computing(stored, there) or "auto"
    if asked not in (*there, "auto"):
        choices = ", ".join(["default", "auto", *there])
        raise OptionError(f"compute type {asked!r} is not to be had on {device} here; there are {choices}")
    return asked


def needed(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    """Return the files that such a bundle must list: the necessary ones, and optional ones that are there."""
    vocabulary = next((name for name in VOCABULARIES if name in manifest.files), VOCABULARIES[0])
    read = [name for name in (FEATURES, TOKENIZER) if name in manifest.files or (folder / name).exists()]
    return (*NEEDED, vocabulary, *read)


def mels_of(folder: Path) -> int | None:
    """Return the number of mel filters in the bundle's settings, None without a file of settings.

    Raises `ModelIncompatible` for other features than Whisper's.
    """
    path = folder / FEATURES
    if not path.is_file():
        return None
    try:
        settings: Any = json.loads(path.read_text("utf-8"))
        found = {name: settings.get(name, usual) for name, usual in SOUND.items()}
        mels = int(settings.get("feature_size", 80))
    except (ValueError, AttributeError, TypeError) as error:
        raise ModelIncompatible(str(path), f"is not the settings of Whisper's features ({error})") from error
    if found != SOUND:
        raise ModelIncompatible(str(path), f"expected the features {SOUND}, found {found}")
    return mels


def check_parts(folder: Path, manifest: Manifest, network: Network, tokens: Tokens, mels: int) -> None:
    """Raise `ModelIncompatible` for a bundle whose parts contradict each other."""
    if manifest.sample_rate != SAMPLE_RATE or manifest.frame_stride != STRIDE:
        raise ModelIncompatible(str(folder), f"Whisper takes {SAMPLE_RATE} Hz and has {STRIDE} samples per frame")
    if network.n_mels != mels:
        raise ModelIncompatible(str(folder), f"the network takes {network.n_mels} mels, the features have {mels}")
    if not manifest.languages or (len(manifest.languages) > 1 and not network.multilingual):
        # by the vocabulary's size in CTranslate2: 51,865 entries or more are multilingual
        raise ModelIncompatible(str(folder), "the manifest's languages do not fit the model's vocabulary")
    if tokens.multilingual != network.multilingual:
        raise ModelIncompatible(str(folder), "the tokenizer is that of a model with other languages")
    if not network.multilingual and manifest.tasks != ("transcribe",):
        raise ModelIncompatible(str(folder), "a model that knows English only transcribes, the manifest has more")
    unknown = [code for code in manifest.languages if tokens.language(code) is None]
    if unknown and network.multilingual:
        raise ModelIncompatible(str(folder), f"the tokenizer has no token for the languages {', '.join(unknown)}")


def check_options(manifest: Manifest, options: DecodeOptions) -> None:
    """Raise `OptionError` for what the model does not have."""
    if options.beam_size is not None and not 1 <= options.beam_size <= WIDEST:
        raise OptionError(f"beam_size: expected 1 to {WIDEST}, found {options.beam_size}")
    check_asked(manifest, options, "Whisper")


def left_out(options: DecodeOptions) -> Iterator[str]:
    """Yield a line for each part of the options that makes no difference."""
    if any(word.weight != HOTWORD_WEIGHT or word.text.endswith("*") for word in options.hotwords):
        yield "hot words lead Whisper as words said before; it has no weights for them, and no * for their endings"
    if options.whisper.multilingual and options.language is not None:
        yield f"multilingual tells no language where one is given, here {options.language}"
