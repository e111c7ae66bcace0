"""Which setting is safe, and which of the safe ones is taken: pure functions of the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .figures import Figures

WITNESSES = 3  # clips heard in the floor's own window without which nothing is known of it
TIE = 1.05  # of seconds encoded: a twentieth less is not worth a shorter window


@dataclass(frozen=True, slots=True)
class Limits:
    """What a shorter window may cost: percent points of characters lost, per cent of clips read again."""

    max_loss: float = 0.5
    max_retries: float = 10.0


def objection(figures: Figures, limits: Limits) -> str:
    """Return why a setting is not to be recommended, or "" where it is safe."""
    if unseen(figures):
        return "too few clips that short" if figures.at_floor else "no clip that short"
    if figures.loss * 100 > limits.max_loss:
        return f"loses {figures.loss * 100:.2f} points"
    if figures.retries * 100 > limits.max_retries:
        return f"{figures.retries:.0%} read again"
    return ""


def unseen(figures: Figures) -> bool:
    """Whether too few clips were short enough for the floor to be heard at all."""
    return figures.at_floor < WITNESSES


def choose(full: Figures, settings: Sequence[Figures], limits: Limits) -> Figures:
    """Return the safe setting that encodes the least, of those that encode about as much the one of longest windows.

    It goes by seconds of window, which are the same in every run, where the clock's are not. `full` if none is safe.
    """
    safe = [full, *(each for each in settings if not objection(each, limits))]
    least = min(each.encoded for each in safe)
    near = [each for each in safe if each.encoded <= least * TIE]
    return max(near, key=lambda each: (each.window, each.context.floor_s, each.context.margin_s))
