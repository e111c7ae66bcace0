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

from ..errors import ModelCorrupt, ModelIncompatible
from .infer import ct2_folder, onnx_export
from .infer.strangers import stranger
from .manifest import Manifest

NAMED_FILES = 6  # of a folder that is no model, in its message


class PlainForm(Protocol):
    """One form of folders without a manifest: how it is recognised and read. A module in `infer/` is one."""

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
    manifest, in each of its forms; models with `logits` score tokens in each frame, so that words can be placed by
    them; `windowed` ones hear windows of one length, which `models calibrate` makes shorter.
    """

    engine: str
    title: str
    library: Literal["onnxruntime", "ctranslate2", ""] = ""
    script: str = ""
    plain: tuple[PlainForm, ...] = ()
    logits: bool = False
    windowed: bool = False


# Of all forms in this order, the first whose `is_begun` is true of a plain folder reads it.
FAMILIES: dict[str, Family] = {
    "whisper": Family(
        "malsori.engines.whisper.engine:WhisperEngine",
        "Whisper",
        "ctranslate2",
        "export/whisper.py",
        (ct2_folder,),
        windowed=True,
    ),
    "wav2vec2-ctc": Family(
        "malsori.engines.wav2vec2.engine:Wav2Vec2Engine",
        "a CTC model",
        "onnxruntime",
        "export/wav2vec2.py",
        (onnx_export,),
        logits=True,
    ),
}


def is_plain(folder: Path) -> bool:
    """Return whether `folder` looks like a model that runs as it is. Reads nothing but names."""
    return any(form.is_whole(folder) for form in _forms())


def inferred(folder: Path, name: str) -> Manifest:
    """Return what a manifest of this folder would say, with the size of its files and no sums: `sha256` is empty.

    `seal` and `adopt` give them sums. Raises:
        ModelCorrupt: a file that is cut short or is not what its name says.
        ModelIncompatible: no model, or one of a kind that does not run: what it is and how to get one that does.
    """
    try:
        for form in _forms():
            if form.is_begun(folder):
                return form.manifest(folder, name)
        raise ModelIncompatible(str(folder), stranger(folder) or _nothing(folder))
    except OSError as error:
        path = str(error.filename or folder)
        raise ModelCorrupt(path, "a readable file", error.strerror or str(error)) from error


def _forms() -> list[PlainForm]:
    return [form for family in FAMILIES.values() for form in family.plain]


def _nothing(folder: Path) -> str:
    there = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    names = ", ".join(there[:NAMED_FILES]) or "nothing"
    names += f" and {len(there) - NAMED_FILES} more" if len(there) > NAMED_FILES else ""
    looked_for = ", ".join(["manifest.json (a bundle)", *(form.LOOKED_FOR for form in _forms())])
    return f"is no model: looked for {looked_for}; there is {names}"
