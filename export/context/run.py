"""One run of training, from the start or from its last checkpoint, to the best model in the work folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import WhisperForConditionalGeneration

from export.context.curve import Curve, stale
from export.context.learner import ContextLearner
from export.context.matching import Matcher
from export.context.model import set_learning
from export.context.settings import Settings
from export.finetune.callbacks import Patience, Watch
from export.finetune.clips import Clip
from export.finetune.learner import arguments, checkpoints, forget, state_of
from export.finetune.settings import BEST
from export.whisper_checkpoint import Checkpoint
from malsori.cli.progress import Reporter


def train(
    checkpoint: Checkpoint,
    matcher: Matcher,
    clips: Sequence[Clip],
    held_out: Sequence[Clip],
    settings: Settings,
    reporter: Reporter,
) -> Curve:
    """Train, or go on, until the steps or the patience are over; return the curve of the whole run.

    The model with the lowest held-out loss is saved in the work folder as `best`.
    """
    options, work = settings.training, settings.work
    whole = checkpoints(work)
    forget(work, but=whole)  # one that a kill left half would count as the newest when old ones are removed
    last = whole[-1] if whole else None
    begun = last is not None
    asked = arguments(work, options, len(clips), masked=True, begun=begun, metric="loss", schedule="cosine")
    state = state_of(last) if last else {}
    history: list[dict[str, Any]] = state.get("log_history", [])
    if last and (state["global_step"] >= asked.max_steps or stale(history) >= options.patience):
        reporter.warn(f"{last}: trained to the end already")
    else:
        if last:
            reporter.warn(f"going on from {last}")
        set_learning(checkpoint.model, settings.context.train)
        callbacks = [Patience(options.patience, stale), Watch(work, reporter, Curve)]
        learner = ContextLearner(checkpoint.model, matcher, settings.context, clips, held_out, asked, callbacks)
        learner.train(resume_from_checkpoint=str(last) if last else None)
        history = learner.state.log_history
    _keep_best(checkpoint, settings)
    return Curve.of(history)


def _keep_best(checkpoint: Checkpoint, settings: Settings) -> None:
    there = checkpoints(settings.work)
    step = state_of(there[-1])["best_global_step"]
    best = next(path for path in there if path.name == f"checkpoint-{step}")
    model = WhisperForConditionalGeneration.from_pretrained(best)
    model.save_pretrained(settings.work / BEST)
    checkpoint.tokenizer.save_pretrained(settings.work / BEST)
    checkpoint.extractor.save_pretrained(settings.work / BEST)
