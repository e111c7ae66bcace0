"""Whether a model may be the published one that a name means: by its family, its sizes and its vocabulary.

Two models of one size are told apart by nothing here: a fine-tuned base may be called base.
"""

from __future__ import annotations

import re

from .infer.whisper import MELS_SINCE_V3, MULTILINGUAL, PUBLISHED, SHAPE
from .manifest import Manifest
from .names import Named

WITH_128_MELS = "large-v3"  # turbo and its distilled ones have it in their names too


def may_be(manifest: Manifest, named: Named) -> bool:
    """Return whether what a manifest says is true of that published model; what it leaves out may be anything."""
    if manifest.kind != "whisper":
        return False
    sizes = manifest.sizes
    expected = dict(zip(SHAPE, _shape(named), strict=True))
    expected["num_mel_bins"] = MELS_SINCE_V3 if WITH_128_MELS in named.name else 80
    if any((sizes.get(name) or value) != value for name, value in expected.items()):
        return False
    vocabulary = sizes.get("vocab_size")
    return not vocabulary or (vocabulary < MULTILINGUAL) == named.name.endswith(".en")


def _shape(named: Named) -> tuple[int, int, int]:
    """Return width and layers of a published model, by its name without a version where several share them."""
    name = named.name.removeprefix("whisper-").removesuffix(".en")
    return next(shape for shape, size in PUBLISHED.items() if re.fullmatch(rf"{size}(-v[\d.]+)?", name))


def described(manifest: Manifest) -> str:
    """Return what a model is in a few words: `Whisper, 10 M parameters, 99 languages`."""
    family = "Whisper" if manifest.kind == "whisper" else "a CTC model"
    count = manifest.sizes.get("parameters")
    weights = f", {count / 1e6:.0f} M parameters" if count else ""
    languages = manifest.languages
    return f"{family}{weights}, {languages[0] if len(languages) == 1 else f'{len(languages)} languages'}"
