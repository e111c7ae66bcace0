"""How many words were heard wrong, after Whisper's own normalisers; characters where words have no clear bounds.

English goes through the normaliser that openai-whisper publishes with its figures, other languages through its basic
one. Only these two files of the package are used: `pip install --no-deps openai-whisper; pip install more-itertools
regex`, without torch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import jiwer

BY_CHARACTER = ("ja", "ko", "zh")
NORMALIZERS = "whisper/normalizers/__init__.py"  # inside the openai-whisper distribution


@dataclass(frozen=True, slots=True)
class Errors:
    """Words or characters that were said, and how many of them were heard wrong, missed, or heard besides."""

    said: int = 0
    replaced: int = 0
    missed: int = 0
    added: int = 0

    @property
    def wrong(self) -> int:
        """All errors."""
        return self.replaced + self.missed + self.added

    @property
    def rate(self) -> float:
        """Errors in percent of what was said."""
        return round(100 * self.wrong / max(self.said, 1), 2)

    def __add__(self, other: Errors) -> Errors:
        """Return both together."""
        return Errors(
            self.said + other.said,
            self.replaced + other.replaced,
            self.missed + other.missed,
            self.added + other.added,
        )


def total(errors: Iterable[Errors]) -> Errors:
    """Return all together."""
    return sum(errors, Errors())


def metric(language: str | None) -> str:
    """Return what errors are counted in: WER, or CER."""
    return "CER" if language in BY_CHARACTER else "WER"


def compare(said: str, heard: str, language: str | None) -> Errors:
    """Return the errors of one clip."""
    normal = normaliser(language)
    wanted, found = normal(said), normal(heard)
    if metric(language) == "CER":
        wanted, found = wanted.replace(" ", ""), found.replace(" ", "")
    units = len(wanted) if metric(language) == "CER" else len(wanted.split())
    if not wanted.strip():
        raise ValueError(f"nothing to compare with: {said!r} has no words")
    count = jiwer.process_characters if metric(language) == "CER" else jiwer.process_words
    result = count(wanted, found)
    return Errors(units, result.substitutions, result.deletions, result.insertions)


@cache
def normaliser(language: str | None) -> Callable[[str], str]:
    """Return Whisper's normaliser for a language.

    Raises:
        SystemExit: with the line that installs it.
    """
    package = _normalizers()
    made = package.EnglishTextNormalizer() if language == "en" else package.BasicTextNormalizer()
    return lambda text: str(made(text)).strip()


@cache
def _normalizers() -> Any:
    """Return openai-whisper's package of normalisers; the package around it would import torch."""
    try:
        path = Path(str(metadata.distribution("openai-whisper").locate_file(NORMALIZERS)))
        name = "whisper_normalizers"
        spec = spec_from_file_location(name, path, submodule_search_locations=[str(path.parent)])
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
        return import_module(name)
    except ImportError as error:
        line = "pip install --no-deps openai-whisper; pip install more-itertools regex"
        raise SystemExit(f"the normalisers of openai-whisper are not there ({error}); {line}") from error
