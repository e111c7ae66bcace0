"""What people call the published Whisper models: one table from every such name to the one of our recipes.

A name is `base`, `whisper-base`, `openai/whisper-base`, or that of a repository with the CTranslate2 form of it
(`Systran/faster-whisper-base`), with or without its owner. Where such a model is on this machine, `find.py` knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Named:
    """One published model: its recipe's name, what else it is called, and where the hub has it for CTranslate2.

    `english` models know nothing but English, also those whose vocabulary has other languages.
    """

    name: str
    aliases: tuple[str, ...]
    repositories: tuple[str, ...]
    english: bool = False

    @property
    def short(self) -> str:
        """What people type."""
        return self.aliases[0]

    @property
    def names(self) -> tuple[str, ...]:
        """All names that a folder with it may have, ours first."""
        return (self.name, *self.aliases, *(repository.partition("/")[2] for repository in self.repositories))


def _whisper(size: str, *aliases: str, english: bool = False) -> Named:
    repositories = (f"Systran/faster-whisper-{size}", f"guillaumekln/faster-whisper-{size}")
    return Named(f"whisper-{size}", (size, *aliases, f"openai/whisper-{size}"), repositories, english)


def _distil(size: str, repository: str = "") -> Named:
    found = repository or f"Systran/faster-distil-whisper-{size}"
    checkpoint = f"distil-whisper/distil-{size}"
    return Named(f"distil-{size}", (f"distil-{size}", f"distil-whisper-{size}", checkpoint), (found,), english=True)


TURBO = ("mobiuslabsgmbh/faster-whisper-large-v3-turbo", "deepdml/faster-whisper-large-v3-turbo-ct2")
# The most accurate first, where it is known (see catalog.py); of one size the English one reads English better.
NAMES = (
    _whisper("large-v3", "large"),
    _whisper("large-v2"),
    _whisper("large-v1"),
    Named("whisper-large-v3-turbo", ("turbo", "large-v3-turbo", "openai/whisper-large-v3-turbo"), TURBO),
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


def known(text: str) -> Named | None:
    """Return the published model of that name, however it is spelled, None for any other text."""
    return _BY_NAME.get(text.lower())


def pull_line(text: str) -> str:
    """Return the command that gets a published model, empty for a name that is none."""
    named = known(text)
    return f"malsori models pull {named.short}" if named else ""


def near(text: str, most: int = 3) -> list[str]:
    """Return what people call the published models whose names are spelled most like `text`, the nearest first."""
    spelled = {name.lower(): named for named in NAMES for name in named.names}
    close = dict.fromkeys(spelled[name].short for name in get_close_matches(text.lower(), spelled, n=2 * most))
    return list(close)[:most]


# Seconds: no window shorter than the first, and at least the second more than the speech.
WINDOWS = {
    "whisper-large-v3": (10.0, 2.0),
    "whisper-large-v3-turbo": (10.0, 2.0),
    "whisper-base": (12.0, 2.0),
    "whisper-tiny.en": (12.0, 2.0),
}


def audio_context(name: str) -> dict[str, float]:
    """Return what a manifest says of the window of the model with this recipe's name; empty for the full 30 s."""
    floor, margin = WINDOWS.get(name, (0.0, 0.0))
    return {"floor_s": floor, "margin_s": margin} if floor else {}
