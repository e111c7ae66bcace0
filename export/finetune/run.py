"""One run of training, from the start or from its last checkpoint, to the best model in the work folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import Wav2Vec2ForCTC

from export.finetune.callbacks import Patience, Thaw, Watch, stale
from export.finetune.clips import Clip
from export.finetune.curve import Curve
from export.finetune.learner import Learner, arguments, checkpoints, forget, state_of
from export.finetune.model import Learned, set_learning
from export.finetune.settings import BEST, Settings
from malsori.cli.progress import Reporter


def train(
    learned: Learned, clips: Sequence[Clip], held_out: Sequence[Clip], settings: Settings, reporter: Reporter
) -> Curve:
    """Train, or go on, until the steps or the patience are over; return the curve of the whole run.

    The model with the lowest held-out CER is saved in the work folder as `best`.
    """
    options, work = settings.training, settings.work
    whole = checkpoints(work)
    forget(work, but=whole)  # one that a kill left half would count as the newest when old ones are removed
    last = whole[-1] if whole else None
    asked = arguments(work, options, len(clips), masked=learned.masked, begun=last is not None)
    state = state_of(last) if last else {}
    history: list[dict[str, Any]] = state.get("log_history", [])
    if last and (state["global_step"] >= asked.max_steps or stale(history) >= options.patience):
        reporter.warn(f"{last}: trained to the end already")
    else:
        if last:
            reporter.warn(f"going on from {last}")
        set_learning(learned.model, replace(settings.model, freeze_encoder_steps=0), 0)  # what the optimizer must hold
        callbacks = [Thaw(settings.model), Patience(options.patience, stale), Watch(work, reporter)]
        learner = Learner(learned, clips, held_out, asked, callbacks)
        learner.train(resume_from_checkpoint=str(last) if last else None)
        history = learner.state.log_history
    _keep_best(learned, work)
    return Curve.of(history)


def _keep_best(learned: Learned, work: Path) -> None:
    there = checkpoints(work)
    step = state_of(there[-1])["best_global_step"]
    best = next(path for path in there if path.name == f"checkpoint-{step}")
    learned.model = Wav2Vec2ForCTC.from_pretrained(best)
    learned.save(work / BEST)
