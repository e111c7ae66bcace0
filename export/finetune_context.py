"""Teach a Whisper checkpoint to hear short windows as it hears 30 s; ends in a bundle with its proof.

    python export/finetune_context.py openai/whisper-small speech.tsv models/small-short --floor 5 --margin 1

The model as it came is the teacher: for windows from the clip and the margin, at least the floor, up to 30 s, the
encoder's states and the decoder's distributions are matched to those it has at 30 s. The manifest (.tsv, .csv, .jsonl)
needs the column `audio` and no texts. Checkpoints, the learning curve, what the teacher heard and what was left out are
kept in the work folder (OUT.work); a run that was stopped goes on from there when the same line is given again. The
checkpoint with the lowest loss on held-out clips becomes the bundle, with the windows it learned in its manifest.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

if not __package__:  # run as a file: this folder must not be searched for modules, its names shadow real packages
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import torch
import transformers

from export.common import model_card
from export.context.bundle import make_bundle
from export.context.curve import Curve
from export.context.flags import parse
from export.context.listening import Listener
from export.context.matching import Matcher
from export.context.model import Teacher
from export.context.prepare import find_clips, split_rows
from export.context.run import train
from export.context.settings import Settings
from export.context.sound import LogMel
from export.finetune.clips import Clip
from export.finetune.learner import checkpoints, choose_device, choose_precision, forget
from export.finetune.settings import FILE, keep_or_compare
from export.whisper_checkpoint import Checkpoint
from malsori.bundles.manifest import Manifest
from malsori.cli.progress import Reporter
from malsori.errors import MalsoriError
from malsori.types import SAMPLE_RATE


@dataclass(frozen=True)
class Learned:
    """What training leaves: the checkpoint it began with, the features, the held-out clips, facts for the manifest."""

    checkpoint: Checkpoint
    mel: LogMel
    held_out: list[Clip]
    facts: dict[str, Any]


def finetune(settings: Settings, reporter: Reporter) -> Manifest:
    """Run everything, from where an earlier run of the same settings stopped, and return the bundle's manifest.

    Raises `ExportRefused`, in one line, for whatever cannot be meant that way.
    """
    learned = learn(settings, reporter)
    reporter.say("making the bundle")
    return make_bundle(settings, learned.checkpoint, learned.mel, learned.held_out, learned.facts, reporter)


def learn(settings: Settings, reporter: Reporter) -> Learned:
    """Train, or go on, to the best model in the work folder."""
    settings.check()
    training = settings.training
    if training.threads:
        torch.set_num_threads(training.threads)
    device = choose_device(training.device)
    precision = choose_precision(training.precision, device)
    rows = split_rows(settings)
    _begin(settings)
    transformers.set_seed(training.seed)
    checkpoint = _load(settings)
    mel = LogMel(checkpoint.extractor.mel_filters).to(device)
    teacher = Teacher.of(checkpoint.model, settings.context.train)
    teacher.to(torch.device(device))
    clips, held_out = find_clips(*rows, Listener(teacher, checkpoint, mel, device, precision), settings, reporter)
    matcher = Matcher(teacher, mel, len(checkpoint.prompt()), settings.context, device, precision)
    curve = train(checkpoint, matcher, clips, held_out, settings, reporter)
    if not curve.fell:
        reporter.warn("the held-out loss did not fall: the model as it came is no worse; more steps, another rate?")
    return Learned(checkpoint, mel, held_out, _facts(settings, clips, curve))


def _load(settings: Settings) -> Checkpoint:
    """Load the checkpoint, for the languages asked for, or those of its card that it has tokens for."""
    checkpoint = Checkpoint.load(settings.source, settings.revision, settings.bundle.languages)
    stated = model_card(str(checkpoint.folder), None)["language"]
    if settings.bundle.languages or not set(stated) <= set(checkpoint.languages):
        return checkpoint
    return Checkpoint.load(settings.source, settings.revision, stated)


def _begin(settings: Settings) -> None:
    """Make the work folder, or take up the one that is there; settings bind once a checkpoint was made with them."""
    settings.work.mkdir(parents=True, exist_ok=True)
    if not (settings.resume and checkpoints(settings.work)):
        forget(settings.work)
        (settings.work / FILE).unlink(missing_ok=True)
    keep_or_compare(settings)


def _facts(settings: Settings, clips: Sequence[Clip], curve: Curve) -> dict[str, Any]:
    """Return what the manifest says of the training; `before` is the model as it came, at the short windows."""
    first, best = (
        {name: value for name, value in asdict(score).items() if name != "step"}
        for score in (curve.held_out[0], curve.best)
    )
    return {
        "clips": len(clips),
        "hours": round(sum(clip.samples for clip in clips) / SAMPLE_RATE / 3600, 3),
        "steps": curve.held_out[-1].step,
        "best_step": curve.best.step,
        "before": first,
        "after": best,
        "context": asdict(settings.context),
        "learning_rate": settings.training.learning_rate,
        "batch": settings.training.batch_size * settings.training.accumulate,
        "seed": settings.training.seed,
    }


def main(given: Sequence[str] | None = None) -> int:
    """Run as a command: the bundle's folder on stdout, everything else on stderr; return the exit code."""
    settings = parse(__doc__, given)
    transformers.logging.set_verbosity_error()
    try:
        with Reporter() as reporter:
            manifest = finetune(settings, reporter)
    except (MalsoriError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except torch.OutOfMemoryError:
        print("error: the GPU's memory is full; halve --batch-size and double --accumulate", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"stopped; the same line goes on from the last checkpoint in {settings.work}", file=sys.stderr)
        return 130
    _tell(manifest)
    print(settings.out)
    return 0


def _tell(manifest: Manifest) -> None:
    training, heard = manifest.measured["training"], manifest.measured["audio_context"]
    before, after = training["before"]["loss"], training["after"]["loss"]
    print(f"held-out loss: {before:.4f} before, {after:.4f} after", file=sys.stderr)
    for name, what in (("same_tokens", "clips with the tokens of 30 s"), ("cer", "CER against 30 s")):
        figures = [heard[when][name] for when in ("short_before", "short_after", "full_after")]
        told = "{:.1%} before, {:.1%} after; {:.1%} after at 30 s".format(*figures)
        print(f"short window, {what}: {told}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
