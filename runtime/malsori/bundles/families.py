"""The families of models that there are, by the kind that a manifest names: the one file that knows all of them.

A new family is a folder in `engines/` with the class that runs it, and a line in `FAMILIES`. The class is named here
and not imported: bundles are listed, shown and adopted without engines, and of engines only the one asked for is
imported, by `engines/load.py`. Where the family's folders are to be read as people have them, without a manifest, a
file beside those in `infer/` does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from .infer import ct2_folder, onnx_export
from .manifest import Manifest


class PlainForm(Protocol):
    """How a family's folders are told and read that have no manifest. A module in `infer/` is one."""

    LOOKED_FOR: str
    """The files that make such a folder, for people."""

    def is_begun(self, folder: Path) -> bool:
        """Return whether the folder is of this form and no other, though files may be missing."""
        ...

    def is_whole(self, folder: Path) -> bool:
        """Return whether it has all that such a model must have. Reads nothing but names."""
        ...

    def manifest(self, folder: Path, name: str) -> Manifest:
        """Return what its manifest would say, without sums. Raises `ModelError` for what cannot run."""
        ...


@dataclass(frozen=True, slots=True)
class Family:
    """What is known of all models of a kind before one is loaded.

    `engine` is the class that runs them, as `module:class` (see `engines/load.py`); `library` what it computes with;
    `title` what people call such a model; `script` makes a bundle of a checkpoint; `plain` reads folders without a
    manifest; models with `logits` score tokens in each frame, so that words can be placed by them; `windowed` ones
    hear windows of one length, which `models calibrate` makes shorter.
    """

    engine: str
    title: str
    library: Literal["onnxruntime", "ctranslate2", ""] = ""
    script: str = ""
    plain: PlainForm | None = None
    logits: bool = False
    windowed: bool = False


# A plain folder is read in the form of the first family that it has begun to be of.
FAMILIES: dict[str, Family] = {
    "whisper": Family(
        "malsori.engines.whisper.engine:WhisperEngine",
        "Whisper",
        "ctranslate2",
        "export/whisper.py",
        ct2_folder,
        windowed=True,
    ),
    "wav2vec2-ctc": Family(
        "malsori.engines.wav2vec2.engine:Wav2Vec2Engine",
        "a CTC model",
        "onnxruntime",
        "export/wav2vec2.py",
        onnx_export,
        logits=True,
    ),
}
