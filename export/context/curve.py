"""The learning curve of a run, as numbers (`curve.json`) and as a picture (`curve.png`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from export.finetune.curve import INK, JSON, PICTURE, SECOND, THIRD, Point
from malsori.atomic import write_atomically

FIGURES = ("loss", "hidden", "tokens", "same")


@dataclass(frozen=True, slots=True)
class Score:
    """Held-out clips at their shortest windows: the loss, its parts, and the share whose tokens are the teacher's."""

    step: int
    loss: float
    hidden: float
    tokens: float
    same: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Everything that was logged, oldest first."""

    training: tuple[Point, ...]
    held_out: tuple[Score, ...]

    @classmethod
    def of(cls, history: Sequence[dict[str, Any]]) -> Curve:
        """Read a trainer's history."""
        points = [Point(e["step"], e["loss"], e["learning_rate"]) for e in history if "loss" in e]
        scores = [
            Score(e["step"], *(round(e[f"eval_{name}"], 5) for name in FIGURES)) for e in history if "eval_same" in e
        ]
        return cls(tuple(points), tuple(scores))

    @property
    def best(self) -> Score:
        """The evaluation with the lowest loss, the first of several; the model as it came counts only when alone."""
        return min([score for score in self.held_out if score.step] or self.held_out, key=lambda score: score.loss)

    @property
    def fell(self) -> bool:
        """Whether the best checkpoint has a lower loss than the model as it came."""
        return self.best.loss < self.held_out[0].loss

    def newest(self) -> str:
        """Return the last figures for a line on the console, with a comma before each."""
        loss = f", loss {self.training[-1].loss:.4f}" if self.training else ""
        score = self.held_out[-1] if self.held_out else None
        return loss + (f", held-out loss {score.loss:.4f}, same tokens {score.same:.1%}" if score else "")

    def write(self, folder: Path) -> None:
        """Write both files; each appears when it is complete."""
        write_atomically(folder / JSON, json.dumps(asdict(self), indent=1).encode(), mode=0o644)
        write_atomically(folder / PICTURE, self.picture(), mode=0o644)

    def picture(self) -> bytes:
        """Draw the losses above and the share of clips with the teacher's tokens below, by step; return a PNG."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 6.5), layout="constrained")
        losses, shares = figure.subplots(2, 1, sharex=True)
        steps = [score.step for score in self.held_out]
        losses.plot([p.step for p in self.training], [p.loss for p in self.training], color=INK, label="training")
        for name, colour in (("loss", SECOND), ("hidden", THIRD), ("tokens", "0.5")):
            values = [getattr(score, name) for score in self.held_out]
            losses.plot(steps, values, "o-", color=colour, markersize=3, label=f"held out, {name}")
        shares.plot(steps, [100 * score.same for score in self.held_out], "o-", color=INK, markersize=3)
        if self.held_out:
            shares.axvline(self.best.step, color="0.6", linestyle=":")
            shares.set_title(f"best: loss {self.best.loss:.4f} at step {self.best.step}", fontsize="medium")
        losses.set(ylabel="distance from the teacher", ylim=(0, None))
        losses.legend(loc="upper right")
        shares.set(xlabel="step", ylabel="held-out clips with the same tokens, %", ylim=(0, 101))
        for axes in (losses, shares):
            axes.grid(alpha=0.3)
        png = BytesIO()
        figure.savefig(png, format="png", dpi=100)
        return png.getvalue()


def stale(history: list[dict[str, Any]]) -> int:
    """Return how many evaluations came after the one with the lowest loss."""
    losses = [entry["eval_loss"] for entry in history if "eval_same" in entry]
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0
