"""The one loop of all fine-tuning: from settings to a bundle, from the start or from a run's last checkpoint."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import transformers

from export.progress import Reporter
from export.training.arguments import arguments
from export.training.bundle import make_bundle
from export.training.callbacks import Patience, Watch, stale
from export.training.checkpoints import best_of, checkpoints, forget, state_of
from export.training.clips import Clip
from export.training.command_line import parse
from export.training.curve import Curve
from export.training.learner import Lesson
from export.training.settings import BEST, FILE, Settings
from export.training.subject import Subject
from malsori.bundles.manifest import Manifest
from malsori.errors import MalsoriError
from malsori.types import SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Outcome:
    """What training leaves besides the model: the clips it is judged by, and what the manifest says of it."""

    held_out: list[Clip]
    facts: dict[str, Any]


def main(subject: type[Subject], description: str, given: Sequence[str] | None = None) -> int:
    """Run as a command: the bundle's folder on stdout, everything else on stderr; return the exit code."""
    settings = parse(subject.settings_type, description, given)
    transformers.logging.set_verbosity_error()
    try:
        with Reporter() as reporter:
            run = subject(settings, reporter)
            manifest = finetune(run)
    except (MalsoriError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except torch.OutOfMemoryError:
        print(f"error: the GPU's memory is full; {subject.relief}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"stopped; the same line goes on from the last checkpoint in {settings.work}", file=sys.stderr)
        return 130
    print(*run.told(manifest.measured), sep="\n", file=sys.stderr)
    print(settings.out)
    return 0


def finetune(subject: Subject) -> Manifest:
    """Run everything, from where an earlier run of the same settings stopped, and return the bundle's manifest.

    Raises `ExportRefused`, in one line, for whatever cannot be meant that way.
    """
    outcome = learn(subject)
    subject.reporter.say("making the bundle")
    return make_bundle(subject, outcome.held_out, outcome.facts)


def learn(subject: Subject) -> Outcome:
    """Train, or go on, to the best model in the work folder."""
    training = subject.settings.training
    if training.threads:
        torch.set_num_threads(training.threads)
    rows, rows_held_out = subject.read()
    _begin(subject.settings)
    transformers.set_seed(training.seed)  # a new head is drawn by chance
    clips, held_out = subject.prepare(rows, rows_held_out)
    curve = train(subject, clips, held_out)
    facts = {
        "clips": len(clips),
        "hours": round(sum(clip.samples for clip in clips) / SAMPLE_RATE / 3600, 3),
        "steps": curve.held_out[-1].step,
        "best_step": curve.best.step,
        **subject.facts(curve),
        "learning_rate": training.learning_rate,
        "batch": training.batch_size * training.accumulate,
        "seed": training.seed,
    }
    return Outcome(held_out, facts)


def train(subject: Subject, clips: Sequence[Clip], held_out: Sequence[Clip]) -> Curve:
    """Train, or go on, until the steps or the patience are over; return the curve of the whole run.

    The model with the lowest metric on the held-out clips is saved in the work folder as `best`.
    """
    work, reporter, patience = subject.settings.work, subject.reporter, subject.settings.training.patience
    evaluation = subject.evaluation
    whole = checkpoints(work)
    forget(work, but=whole)  # one that a kill left half would count as the newest when old ones are removed
    last = whole[-1] if whole else None
    asked = arguments(subject, len(clips), begun=last is not None)
    state = state_of(last) if last else {}
    history: list[dict[str, Any]] = state.get("log_history", [])
    if last and (state["global_step"] >= asked.max_steps or stale(history, evaluation.metric) >= patience):
        reporter.warn(f"{last}: trained to the end already")
    else:
        if last:
            reporter.warn(f"going on from {last}")
        callbacks = [Patience(patience, evaluation.metric), Watch(work, reporter, evaluation)]
        learner = subject.learner(Lesson(clips, held_out, asked, callbacks))
        learner.train(resume_from_checkpoint=str(last) if last else None)
        history = learner.state.log_history
    subject.save(best_of(work), work / BEST)
    return Curve.of(history, evaluation)


def _begin(settings: Settings) -> None:
    """Make the work folder, or take up the one that is there; settings bind once a checkpoint was made with them."""
    settings.work.mkdir(parents=True, exist_ok=True)
    if not (settings.resume and checkpoints(settings.work)):
        forget(settings.work)
        (settings.work / FILE).unlink(missing_ok=True)
    settings.keep_or_compare()
