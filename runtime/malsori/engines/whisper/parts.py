"""What a Whisper bundle is made of, and whether its parts fit together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...bundles.manifest import Manifest
from ...errors import ModelIncompatible
from ...types import SAMPLE_RATE
from .features import HOP, STRIDE
from .network import Network
from .tokens import FILE as TOKENIZER
from .tokens import Tokens

FILES = ("model.bin", "config.json")
FEATURES = "preprocessor_config.json"
VOCABULARIES = ("vocabulary.json", "vocabulary.txt")  # one of them, as CTranslate2 reads it
SOUND = {"sampling_rate": SAMPLE_RATE, "hop_length": HOP, "n_fft": 400}  # what the features are made for


def needed(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    """Return the files that such a bundle must list: those it cannot be without, and those that would be read."""
    vocabulary = next((name for name in VOCABULARIES if name in manifest.files), VOCABULARIES[0])
    read = [name for name in (FEATURES, TOKENIZER) if name in manifest.files or (folder / name).exists()]
    return (*FILES, vocabulary, *read)


def mels_of(folder: Path) -> int | None:
    """Return the mel bands of the bundle's features, None where no file says so; refuse other features."""
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
        # CTranslate2 tells by the vocabulary's size: 51,865 entries or more are multilingual
        raise ModelIncompatible(str(folder), "the manifest's languages do not fit the model's vocabulary")
    if tokens.multilingual != network.multilingual:
        raise ModelIncompatible(str(folder), "the tokenizer is that of a model with other languages")
    if not network.multilingual and manifest.tasks != ("transcribe",):
        raise ModelIncompatible(str(folder), "a model that knows English only transcribes, the manifest has more")
    unknown = [code for code in manifest.languages if tokens.language(code) is None]
    if unknown and network.multilingual:
        raise ModelIncompatible(str(folder), f"the tokenizer has no token for the languages {', '.join(unknown)}")
