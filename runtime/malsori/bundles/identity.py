"""Whether a model may be the published one that a name means: by its family, its sizes and its vocabulary.

Two models of one size are told apart by nothing here: a fine-tuned base may be called base.
"""

from __future__ import annotations

from .infer.whisper import DISTILLED, MELS_SINCE_V3, MULTILINGUAL, SHORTENED
from .manifest import Manifest
from .names import Named

# Width of the encoder (arXiv 2212.04356, table 1), by what the name has in it.
WIDTHS = {"tiny": 384, "base": 512, "small": 768, "medium": 1024, "large": 1280}
DECODERS = {"turbo": SHORTENED, "distil-large": DISTILLED}  # layers; smaller ones of distil have 2 or 4
FEWER = ("turbo", "distil")  # than in the encoder
WITH_128_MELS = ("large-v3",)


def may_be(manifest: Manifest, named: Named) -> bool:
    """Return whether what a manifest says is true of that published model; what it leaves out may be anything."""
    if manifest.kind != "whisper":
        return False
    sizes = manifest.sizes
    expected = {
        "d_model": next(width for size, width in WIDTHS.items() if size in named.name),
        "num_mel_bins": MELS_SINCE_V3 if any(part in named.name for part in WITH_128_MELS) else 80,
    }
    if any(sizes.get(name, value) != value for name, value in expected.items()):
        return False
    if sizes.get("vocab_size", 0) and (sizes["vocab_size"] < MULTILINGUAL) != named.name.endswith(".en"):
        return False
    encoder, decoder = sizes.get("encoder_layers", 0), sizes.get("decoder_layers", 0)
    if not (encoder and decoder):
        return True
    own = next((layers for part, layers in DECODERS.items() if part in named.name), decoder)
    return bool(own == decoder and (decoder < encoder) == any(part in named.name for part in FEWER))


def described(manifest: Manifest) -> str:
    """Return what a model is in a few words: `Whisper, 10 M parameters, 99 languages`."""
    family = "Whisper" if manifest.kind == "whisper" else "a CTC model"
    count = manifest.sizes.get("parameters")
    weights = f", {count / 1e6:.0f} M parameters" if count else ""
    languages = manifest.languages
    return f"{family}{weights}, {languages[0] if len(languages) == 1 else f'{len(languages)} languages'}"
