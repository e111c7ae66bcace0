"""Errors of the models of a comparison, and how fast they were; every figure is over the same recordings for all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from ..pipeline.trials.figures import edit_distance, word_distance
from ..pipeline.trials.verdict import Errors
from .comparison import ModelComparison, ModelOutcome
from .differences import normal

LEAST_PAIRS = 5  # recordings
NORMALISED = (
    "Case, punctuation and symbols do not count, hyphens and slashes are spaces, Unicode is composed (NFC). Numbers "
    "are compared as they are written: 26 is not twenty-six."
)


@dataclass(frozen=True, slots=True)
class TextErrors:
    """Errors of texts in words, in characters with spaces, and in characters without (`unspaced`)."""

    words: Errors = Errors()
    characters: Errors = Errors()
    unspaced: Errors = Errors()

    def __add__(self, other: TextErrors) -> TextErrors:
        return TextErrors(self.words + other.words, self.characters + other.characters, self.unspaced + other.unspaced)


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """The figures of a model.

    `said` are errors against what was said, `differing` differences from the baseline's texts in recordings of which
    that is not known; each None where there are no such recordings. `seconds` were taken for `sound_s` of sound;
    `edits` are the errors that count most in each recording of which it is known what was said.
    """

    said: TextErrors | None
    differing: TextErrors | None
    seconds: float
    sound_s: float
    edits: tuple[int, ...] = ()

    @property
    def rtf(self) -> float:
        """The real-time factor: seconds of work for a second of sound."""
        return self.seconds / max(self.sound_s, 1e-9)

    @property
    def rtfx(self) -> float:
        """How many times as fast as speech it was."""
        return self.sound_s / max(self.seconds, 1e-9)

    def errors(self, *, characters: bool) -> Errors | None:
        """Return the errors that count most, None where nothing could be compared."""
        told = self.said or self.differing
        return None if told is None else told.unspaced if characters else told.words


def text_errors(said: str, heard: str) -> TextErrors:
    """Return the errors of one text."""
    ours, theirs = normal(said), normal(heard)
    bare, other = ours.replace(" ", ""), theirs.replace(" ", "")
    return TextErrors(
        Errors(word_distance(ours, theirs), len(ours.split())),
        Errors(edit_distance(ours, theirs), len(ours)),
        Errors(edit_distance(bare, other), len(bare)),
    )


def surely_more(ours: Sequence[int], theirs: Sequence[int]) -> bool:
    """Return whether the first has more errors than chance explains: paired by recording, two standard errors.

    Of fewer than `LEAST_PAIRS` recordings nothing is sure.
    """
    if len(ours) < LEAST_PAIRS:
        return False
    more = [own - other for own, other in zip(ours, theirs, strict=True)]
    return mean(more) > 2 * stdev(more) / math.sqrt(len(more))


def score(comparison: ModelComparison) -> dict[str, ModelFigures]:
    """Return the figures of the models that have some, by their labels."""
    return {model.label: _figures(comparison, model) for model in comparison.ready}


def _figures(comparison: ModelComparison, model: ModelOutcome) -> ModelFigures:
    said: list[TextErrors] = []
    differing: list[TextErrors] = []
    for number in comparison.counted:
        heard, reference = model.of(number), comparison.reference(number)
        assert heard is not None
        assert reference is not None
        known = comparison.recordings[number].said is not None
        (said if known else differing).append(text_errors(reference, heard.text))
    alone = len(comparison.ready) == 1
    return ModelFigures(
        said=_sum(said),
        differing=None if alone else _sum(differing),
        seconds=comparison.seconds(model),
        sound_s=comparison.sound_s,
        edits=tuple((each.unspaced if comparison.characters else each.words).edits for each in said),
    )


def _sum(errors: Iterable[TextErrors]) -> TextErrors | None:
    told = list(errors)
    return sum(told, TextErrors()) if told else None
