"""Fine-tune any wav2vec2/XLSR checkpoint on recordings with their texts; ends in a bundle with its proof.

    python export/finetune_ctc.py kresnik/wav2vec2-large-xlsr-korean train.tsv models/my-xlsr-ko --languages ko

The manifest (.tsv, .csv, .jsonl) has the columns `audio` and `text`. Checkpoints, the learning curve and what was left
out are kept in the work folder (OUT.work); a run that was stopped goes on from there when the same line is given again.
The best checkpoint by CER on the held-out clips becomes the bundle, and stays in the work folder as `best`.
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

from export.finetune.bundle import make_bundle
from export.finetune.clips import Clip
from export.finetune.curve import Curve
from export.finetune.flags import parse
from export.finetune.learner import checkpoints, forget
from export.finetune.model import Learned
from export.finetune.prepare import choose_spelling, find_clips, read_texts
from export.finetune.run import train
from export.finetune.settings import FILE, Settings, keep_or_compare
from malsori.bundles.manifest import Manifest
from malsori.cli.progress import Reporter
from malsori.errors import MalsoriError
from malsori.types import SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Learning:
    """What training leaves besides the model: the clips it is judged by, and what the manifest says of it."""

    held_out: list[Clip]
    facts: dict[str, Any]


def finetune(settings: Settings, reporter: Reporter) -> Manifest:
    """Run everything, from where an earlier run of the same settings stopped, and return the bundle's manifest.

    Raises `ExportRefused`, in one line, for whatever cannot be meant that way.
    """
    learning = learn(settings, reporter)
    reporter.say("making the bundle")
    return make_bundle(settings, learning.held_out, learning.facts)


def learn(settings: Settings, reporter: Reporter) -> Learning:
    """Train, or go on, to the best model in the work folder."""
    settings.check()
    if settings.training.threads:
        torch.set_num_threads(settings.training.threads)
    texts = read_texts(settings)
    _begin(settings)
    transformers.set_seed(settings.training.seed)  # a new head is drawn by chance
    new_head = settings.vocabulary.vocabulary != "keep"
    learned = Learned.load(settings.source, settings.revision, settings.model, new_head=new_head)
    speller = choose_spelling(learned, *texts, settings, reporter)
    clips, held_out = find_clips(*texts, speller, learned, settings, reporter)
    curve = train(learned, clips, held_out, settings, reporter)
    return Learning(held_out, _facts(settings, clips, curve))


def _begin(settings: Settings) -> None:
    """Make the work folder, or take up the one that is there; settings bind once a checkpoint was made with them."""
    settings.work.mkdir(parents=True, exist_ok=True)
    if not (settings.resume and checkpoints(settings.work)):
        forget(settings.work)
        (settings.work / FILE).unlink(missing_ok=True)
    keep_or_compare(settings)


def _facts(settings: Settings, clips: Sequence[Clip], curve: Curve) -> dict[str, Any]:
    """Return what the manifest says of the training; `before` is the model as it came, if its head was kept."""
    best, first = curve.best, curve.held_out[0]
    kept = settings.vocabulary.vocabulary == "keep"
    return {
        "clips": len(clips),
        "hours": round(sum(clip.samples for clip in clips) / SAMPLE_RATE / 3600, 3),
        "steps": curve.held_out[-1].step,
        "best_step": best.step,
        "before": {"cer": round(first.cer, 4), "wer": round(first.wer, 4)} if kept else None,
        "vocabulary": settings.vocabulary.vocabulary,
        "text": asdict(settings.text),
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
        print(
            "error: the GPU's memory is full; halve --batch-size and double --accumulate, or lower --max-seconds",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print(f"stopped; the same line goes on from the last checkpoint in {settings.work}", file=sys.stderr)
        return 130
    before, after = manifest.measured["training"]["before"], manifest.measured["held_out"]
    for rate in ("cer", "wer"):
        was = f"{before[rate]:.1%} before, " if before else ""
        print(f"held-out {rate.upper()}: {was}{after[rate]:.1%} after", file=sys.stderr)
    print(settings.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
