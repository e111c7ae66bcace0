"""What several probabilities are together."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

LEAST = 1e-30  # keeps the logarithm of a probability finite


def mean_probability(probabilities: Sequence[float]) -> float:
    """Return the geometric mean, which does not punish a word for being long; 0 for none."""
    if not probabilities:
        return 0.0
    return exp(sum(log(max(probability, LEAST)) for probability in probabilities) / len(probabilities))
