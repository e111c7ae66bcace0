"""What a bundle says of itself: `manifest.json` as typed values. Reading it is in `parse.py`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

MANIFEST = "manifest.json"
FORMAT = 1  # raised when a reader of the old shape would misread the new one


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a bundle: its size in bytes and its sha256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contract between `export/` and the runtime.

    `kind` is one of `families.FAMILIES`; `sizes` holds the architecture's numbers as its config spells them
    (`hidden_size`, `num_mel_bins`, ...); `frame_stride` is samples per frame of the logits (wav2vec2) or of the encoder
    (Whisper); `audio_context` is how short the window may be that Whisper's encoder hears, in seconds: `{"floor_s":
    10.0, "margin_s": 2.0}` never less than 10 s and at least 2 s more than the speech, empty always the full 30 s;
    `measured` holds figures, each group with the date it was taken; `lower_case` is a CTC model's whose tokens are
    capitals and whose text is not; a `demonstration` model knows a small domain and serves to show that everything
    works.
    """

    name: str
    kind: str
    source: str
    revision: str
    licence: str
    languages: tuple[str, ...]
    description: str
    quantization: str
    sample_rate: int
    frame_stride: int
    files: dict[str, FileEntry]
    sizes: dict[str, Any]
    normalize: bool = False
    attention_mask: bool = False
    conv_kernels: tuple[int, ...] = ()
    conv_strides: tuple[int, ...] = ()
    blank: str = ""
    word_delimiter: str = ""
    tasks: tuple[str, ...] = ("transcribe",)
    audio_context: dict[str, float] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)
    lower_case: bool = False
    demonstration: bool = False
    format: int = FORMAT

    @property
    def only_language(self) -> str | None:
        """The language of a model that knows a single one, None where it has to be told or heard."""
        return self.languages[0] if len(self.languages) == 1 else None

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(entry.size for entry in self.files.values())

    @property
    def digest(self) -> str:
        """The sha256 of its files' names, sizes and sums, in hex: two bundles with one digest have the same files."""
        lines = (f"{name}\t{entry.size}\t{entry.sha256}\n" for name, entry in sorted(self.files.items()))
        return sha256("".join(lines).encode()).hexdigest()

    def to_json(self) -> str:
        """Return the text of `manifest.json`: stable order, readable, non-ASCII kept."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"


def is_safe(name: str) -> bool:
    """Return whether `name`, with `/` between folders, stays inside its bundle on every system and is no manifest."""
    parts = PurePosixPath(name).parts
    plain = bool(parts) and "/".join(parts) == name and ".." not in parts and not name.startswith("/")
    return plain and not any(mark in name for mark in "\\:\0") and name != MANIFEST
