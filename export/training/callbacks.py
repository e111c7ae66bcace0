"""What happens beside the training steps: the run stops when nothing improves, and the curve is drawn."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from export.common import ExportRefused
from export.progress import Reporter
from export.training.curve import Curve, Evaluation

LEARNED = 0.5  # CER


class Patience(TrainerCallback):
    """Stop after so many evaluations without a better one. It reads the history, which a checkpoint carries."""

    def __init__(self, patience: int, metric: str) -> None:
        self._patience = patience
        self._metric = metric

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Evaluate after the last step too, and log the loss wherever the curve has error rates."""
        control.should_evaluate |= state.global_step >= state.max_steps
        control.should_log |= control.should_evaluate

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Stop when patience has run out."""
        control.should_training_stop |= stale(state.log_history, self._metric) >= self._patience


def stale(history: list[dict[str, Any]], metric: str) -> int:
    """Return how many evaluations came after the best one, the first with the lowest `metric`.

    A new CTC head babbles at first and then falls silent, at a CER of 1, while its loss already falls: until the metric
    has come below `LEARNED`, a lower loss counts as better too.
    """
    scores = [entry for entry in history if "eval_loss" in entry]
    if not scores:
        return 0
    judged, losses = ([score[f"eval_{name}"] for score in scores] for name in (metric, "loss"))
    best = judged.index(min(judged))
    if min(judged) > LEARNED:
        best = max(best, losses.index(min(losses)))
    return len(scores) - 1 - best


class Watch(TrainerCallback):
    """Show how far the run is, keep its curve on disk, and stop it when the loss is no longer a number."""

    def __init__(self, work: Path, reporter: Reporter, evaluation: type[Evaluation]) -> None:
        self._work = work
        self._evaluation = evaluation
        self._reporter = reporter
        self._shown = ""

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Show where it begins: an evaluation comes before the first step."""
        self._move(state)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Move the bar."""
        self._move(state)

    def _move(self, state: TrainerState) -> None:
        label = f"step {state.global_step} of {state.max_steps}{self._shown}"
        self._reporter.say(label, state.global_step, state.max_steps)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **parts: Any) -> None:
        """Remember the figures for the bar. Raises `ExportRefused` for a loss that is infinite or not a number."""
        curve = Curve.of(state.log_history, self._evaluation)
        self._shown = curve.newest()
        if not math.isfinite(parts["logs"].get("loss", 0.0)):
            raise ExportRefused(
                f"the loss is {parts['logs']['loss']} at step {state.global_step}; try a lower --learning-rate, "
                "--precision fp32, or --no-resume when it was so from the start"
            )

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Write the curve, and a line with the figures."""
        curve = Curve.of(state.log_history, self._evaluation)
        curve.write(self._work)
        self._reporter.warn(f"step {state.global_step}{curve.newest()}")
