"""What a scorer of the beam search gives to one sequence of tokens. No tests here."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from malsori.engines.ctc.beam import Scorer


def gained(scorer: Scorer, tokens: Iterable[int]) -> list[float]:
    """Return what was gained after each token, and at the end."""
    state, total, steps = np.zeros(1, np.int64), 0.0, []
    for token in tokens:
        total += float(scorer.gains(state, np.array([token]))[0, 0])
        state = scorer.advance(state, np.array([token]))
        steps.append(total)
    return [*steps, total + float(scorer.finish(state)[0])]
