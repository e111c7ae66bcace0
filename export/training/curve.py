"""The learning curve of a run, as numbers (`curve.json`) and as a picture (`curve.png`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

from malsori.atomic import write_atomically

JSON, PICTURE = "curve.json", "curve.png"
INK, SECOND, THIRD, GREY = "#1f5f8b", "#c8553d", "#6b7f3a", "0.5"
Lines = dict[str, tuple[str, str]]
"""Figures to draw, each with its label and its colour."""


@dataclass(frozen=True, slots=True)
class Point:
    """The figures of one step; the loss is that of the steps since the last point."""

    step: int
    loss: float
    learning_rate: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of one evaluation on the held-out clips; a subject adds its own, and says what is best and drawn."""

    metric: ClassVar[str]  # what the best has least of
    digits: ClassVar[int]  # told of a loss
    losses: ClassVar[Lines]  # drawn above, and the name of their axis
    losses_axis: ClassVar[str]
    shares: ClassVar[Lines]  # drawn below, 0 to 1 and above, and the name of their axis, in percent
    shares_axis: ClassVar[str]

    step: int
    loss: float

    def told(self) -> str:
        """Return the figures that matter in one line."""
        raise NotImplementedError

    @classmethod
    def figures(cls) -> list[str]:
        """Return the names of the figures."""
        return [each.name for each in fields(cls)][1:]


@dataclass(frozen=True, slots=True)
class Curve:
    """Everything that was logged, oldest first."""

    training: tuple[Point, ...]
    held_out: tuple[Evaluation, ...]

    @classmethod
    def of(cls, history: Sequence[dict[str, Any]], evaluation: type[Evaluation]) -> Curve:
        """Read a trainer's history."""
        points = [Point(e["step"], e["loss"], e["learning_rate"]) for e in history if "loss" in e]
        judged = [e for e in history if "eval_loss" in e]
        found = [evaluation(e["step"], *(round(e[f"eval_{each}"], 5) for each in evaluation.figures())) for e in judged]
        return cls(tuple(points), tuple(found))

    @property
    def best(self) -> Evaluation:
        """The evaluation with the lowest metric, the first of several; the model as it came counts only when alone.

        The trainer takes the best checkpoint by the same rule, and before the first step it keeps none.
        """
        judged = [each for each in self.held_out if each.step] or self.held_out
        return min(judged, key=lambda each: getattr(each, each.metric))

    @property
    def fell(self) -> bool:
        """Whether the best checkpoint has a lower loss than the model as it came."""
        return self.best.loss < self.held_out[0].loss

    def newest(self) -> str:
        """Return the last figures for a line on the console, with a comma before each."""
        if not self.held_out:
            return ""
        last = self.held_out[-1]
        loss = f", loss {self.training[-1].loss:.{last.digits}f}" if self.training else ""
        return f"{loss}, held-out {last.told()}"

    def write(self, folder: Path) -> None:
        """Write both files; each appears when it is complete."""
        write_atomically(folder / JSON, json.dumps(asdict(self), indent=1).encode(), mode=0o644)
        write_atomically(folder / PICTURE, self.picture(), mode=0o644)

    def picture(self) -> bytes:
        """Draw the losses above and the shares below, by step; return a PNG."""
        from matplotlib.figure import Figure

        best = self.best
        figure = Figure(figsize=(8, 6.5), layout="constrained")
        losses, shares = figure.subplots(2, 1, sharex=True)
        losses.plot([each.step for each in self.training], [each.loss for each in self.training], INK, label="training")
        for axes, lines, scale in ((losses, best.losses, 1), (shares, best.shares, 100)):
            for name, (label, colour) in lines.items():
                values = [scale * getattr(each, name) for each in self.held_out]
                steps = [each.step for each in self.held_out]
                axes.plot(steps, values, "o-", color=colour, markersize=3, label=label)
            axes.grid(alpha=0.3)
            axes.legend(loc="upper right")
        shares.axvline(best.step, color="0.6", linestyle=":")
        shares.set_title(f"best: {best.told()} at step {best.step}", fontsize="medium")
        losses.set(ylabel=best.losses_axis, ylim=(0, None))
        shares.set(xlabel="step", ylabel=best.shares_axis, ylim=(0, None))
        png = BytesIO()
        figure.savefig(png, format="png", dpi=100)
        return png.getvalue()
