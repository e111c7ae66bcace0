"""What may be asked of CTC's decoding, beside what every family takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...kinds import Count, FilePath, Number
from ...option import option

MOST_BEAM = 256  # hypotheses; on flat logits as many take half a second for ten seconds of sound


@dataclass(frozen=True, slots=True)
class CtcOptions:
    """How a CTC model decodes with a beam.

    language_model: file of a KenLM language model, ARPA or binary.
    lm_alpha: weight of the language model. It multiplies the natural log-probabilities that the language model gives.
    lm_beta: score that each word gains beside that of the language model.
    alternatives: texts with scores that a segment carries, in json. These are the likeliest; 1 is the text alone.
    """

    language_model: Path | None = option(None, FilePath(or_none=True), "--lm", "--language-model")
    lm_alpha: float = option(0.5, Number(0, finite=True))
    lm_beta: float = option(1.5, Number(finite=True, expected="a finite number"))
    alternatives: int = option(1, Count(MOST_BEAM))
