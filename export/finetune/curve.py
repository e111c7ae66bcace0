"""The learning curve of a run, as numbers (`curve.json`) and as a picture (`curve.png`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from malsori.atomic import write_atomically

JSON, PICTURE = "curve.json", "curve.png"
INK, SECOND, THIRD = "#1f5f8b", "#c8553d", "#6b7f3a"


@dataclass(frozen=True, slots=True)
class Point:
    """The figures of one step; the loss is that of the steps since the last point, per token."""

    step: int
    loss: float
    learning_rate: float


@dataclass(frozen=True, slots=True)
class Score:
    """The figures of one evaluation on the held-out clips; rates are shares, 0 to 1 and above."""

    step: int
    loss: float
    cer: float
    wer: float
    exact: float


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
            Score(e["step"], *(round(e[f"eval_{name}"], 5) for name in ("loss", "cer", "wer", "exact")))
            for e in history
            if "eval_cer" in e
        ]
        return cls(tuple(points), tuple(scores))

    @property
    def best(self) -> Score:
        """The evaluation with the lowest CER, the first of several; the model as it came counts only when it is alone.

        The trainer takes the best checkpoint by the same rule, and before the first step it keeps none.
        """
        return min([score for score in self.held_out if score.step] or self.held_out, key=lambda score: score.cer)

    def newest(self) -> str:
        """Return the last figures for a line on the console, with a comma before each."""
        loss = f", loss {self.training[-1].loss:.3f}" if self.training else ""
        score = self.held_out[-1] if self.held_out else None
        return loss + (f", held-out CER {score.cer:.1%} WER {score.wer:.1%}" if score else "")

    def write(self, folder: Path) -> None:
        """Write both files; each appears when it is complete."""
        write_atomically(folder / JSON, json.dumps(asdict(self), indent=1).encode(), mode=0o644)
        write_atomically(folder / PICTURE, self.picture(), mode=0o644)

    def picture(self) -> bytes:
        """Draw the loss above and the error rates below, by step; return a PNG."""
        from io import BytesIO

        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 6.5), layout="constrained")
        losses, errors = figure.subplots(2, 1, sharex=True)
        losses.plot(*_line(self.training, "loss"), color=INK, label="training")
        losses.plot(*_line(self.held_out, "loss"), "o-", color=SECOND, markersize=3, label="held out")
        errors.plot(*_line(self.held_out, "cer", 100), "o-", color=INK, markersize=3, label="CER")
        errors.plot(*_line(self.held_out, "wer", 100), "o-", color=THIRD, markersize=3, label="WER")
        if self.held_out:
            best = self.best
            errors.axvline(best.step, color="0.6", linestyle=":")
            errors.set_title(f"best: CER {best.cer:.1%}, WER {best.wer:.1%} at step {best.step}", fontsize="medium")
        losses.set(ylabel="CTC loss per token", ylim=(0, None))
        errors.set(xlabel="step", ylabel="held-out errors, %", ylim=(0, None))
        for axes in (losses, errors):
            axes.grid(alpha=0.3)
            axes.legend(loc="upper right")
        png = BytesIO()
        figure.savefig(png, format="png", dpi=100)
        return png.getvalue()


def _line(points: Sequence[Any], name: str, scale: float = 1) -> tuple[list[int], list[float]]:
    return [point.step for point in points], [scale * getattr(point, name) for point in points]
