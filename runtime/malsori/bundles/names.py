"""Names of the published Whisper models, to that of our recipe, and how short a window each model bears.

A name is `base`, `whisper-base`, `openai/whisper-base`, or that of a repository with the model for CTranslate2
(`Systran/faster-whisper-base`), with or without its owner. `find.py` finds such models on this machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class PublishedName:
    """The names of one published model: its recipe's, others in use, and the hub's repositories of it for CTranslate2.

    `english` models know English only, though the vocabulary of some has other languages.
    """

    name: str
    aliases: tuple[str, ...]
    repositories: tuple[str, ...]
    english: bool = False

    @property
    def short(self) -> str:
        """The name to type."""
        return self.aliases[0]

    @property
    def names(self) -> tuple[str, ...]:
        """All names that its folder may have, the recipe's first."""
        return (self.name, *self.aliases, *(repository.partition("/")[2] for repository in self.repositories))


def _whisper(size: str, *aliases: str, english: bool = False) -> PublishedName:
    repositories = (f"Systran/faster-whisper-{size}", f"guillaumekln/faster-whisper-{size}")
    return PublishedName(f"whisper-{size}", (size, *aliases, f"openai/whisper-{size}"), repositories, english)


def _distil(size: str, repository: str = "") -> PublishedName:
    found = repository or f"Systran/faster-distil-whisper-{size}"
    checkpoint = f"distil-whisper/distil-{size}"
    return PublishedName(
        f"distil-{size}", (f"distil-{size}", f"distil-whisper-{size}", checkpoint), (found,), english=True
    )


TURBO = ("mobiuslabsgmbh/faster-whisper-large-v3-turbo", "deepdml/faster-whisper-large-v3-turbo-ct2")
# The most accurate first, as far as known (see catalog.py); of one size the English one reads English better.
NAMES = (
    _whisper("large-v3", "large"),
    _whisper("large-v2"),
    _whisper("large-v1"),
    PublishedName("whisper-large-v3-turbo", ("turbo", "large-v3-turbo", "openai/whisper-large-v3-turbo"), TURBO),
    _distil("large-v3.5", "distil-whisper/distil-large-v3.5-ct2"),
    _distil("large-v3"),
    _distil("large-v2"),
    _whisper("medium.en", english=True),
    _whisper("medium"),
    _distil("medium.en"),
    _whisper("small.en", english=True),
    _whisper("small"),
    _distil("small.en"),
    _whisper("base.en", english=True),
    _whisper("base"),
    _whisper("tiny.en", english=True),
    _whisper("tiny"),
)
_BY_NAME = {
    name.lower(): named
    for named in NAMES
    for name in (*named.names, *named.repositories, named.aliases[-1].rpartition("/")[2])
}


def known(text: str) -> PublishedName | None:
    """Return the published model of that name in any case, None for any other text."""
    return _BY_NAME.get(text.lower())


def pull_line(text: str) -> str:
    """Return the command that gets a published model, "" for any other name."""
    named = known(text)
    return f"malsori models pull {named.short}" if named else ""


def near(text: str, most: int = 3) -> list[str]:
    """Return the short names of the published models with names most like `text`, the nearest first."""
    spelled = {name.lower(): named for named in NAMES for name in named.names}
    close = dict.fromkeys(spelled[name].short for name in get_close_matches(text.lower(), spelled, n=2 * most))
    return list(close)[:most]


# Floor and margin in seconds: the shortest window, and how much longer than the speech it is at least.
WINDOWS = {
    "whisper-large-v3": (10.0, 2.0),
    "whisper-large-v3-turbo": (10.0, 2.0),
    "whisper-base": (12.0, 2.0),
    "whisper-tiny.en": (12.0, 2.0),
}


def audio_context(name: str) -> dict[str, float]:
    """Return the `audio_context` of a manifest for the model with this recipe's name; empty for the full 30 s."""
    floor, margin = WINDOWS.get(name, (0.0, 0.0))
    return {"floor_s": floor, "margin_s": margin} if floor else {}
