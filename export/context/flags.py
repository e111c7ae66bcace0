"""The command line of `finetune_context.py`: one flag per field of the settings, named like it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from export.common import comma_separated
from export.context.settings import (
    BundleOptions,
    ContextOptions,
    DataOptions,
    Learning,
    Settings,
    TrainingOptions,
)
from export.finetune.flags import Group, part, training_flags
from export.whisper import QUANTIZATIONS
from malsori.cli.model_flags import percent_points


def parse(description: str, given: Sequence[str] | None = None) -> Settings:
    """Return what was asked for."""
    asked = _parser(description).parse_args(given)
    return Settings(
        source=asked.source,
        out=asked.out,
        work=asked.work or asked.out.with_name(f"{asked.out.name}.work"),
        data=part(DataOptions, asked),
        revision=asked.revision,
        resume=asked.resume,
        context=part(ContextOptions, asked),
        training=part(TrainingOptions, asked),
        bundle=part(BundleOptions, asked),
    )


def _parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="a Whisper checkpoint's folder, or its name on the Hugging Face hub")
    parser.add_argument("manifest", type=Path, help="the recordings to learn from: .tsv, .csv or .jsonl")
    parser.add_argument("out", type=Path, help="the bundle folder to make; it must not exist")
    parser.add_argument("--work", type=Path, metavar="DIR", help="checkpoints, curve, what was left out (OUT.work)")
    parser.add_argument("--revision", help="hub revision: branch, tag or commit")
    resume = "go on from the work folder's last checkpoint, if there is one; --no-resume forgets them"
    parser.add_argument("--resume", action=argparse.BooleanOptionalAction, default=True, help=f"{resume} (%(default)s)")
    _data(Group(parser, "recordings", DataOptions))
    _context(Group(parser, "windows", ContextOptions))
    training = Group(parser, "training", TrainingOptions)
    training_flags(training, "loss")
    parser.add_argument(
        "--max-steps", dest="steps", type=int, metavar="N", default=argparse.SUPPRESS, help="--steps, by another name"
    )
    _bundle(Group(parser, "the bundle", BundleOptions))
    return parser


def _data(group: Group) -> None:
    group.add("--held-out", "a manifest of clips to be judged by", type=Path, metavar="MANIFEST")
    group.add("--held-out-share", "without it, the share of the recordings held out", type=float, metavar="SHARE")
    group.add("--audio-column", "the manifest's column of paths", metavar="NAME")
    group.add("--text-column", "a column of texts, to report error rates; none is needed", metavar="NAME")
    group.add("--min-seconds", "shorter clips are left out, and counted", type=float, metavar="S")
    group.add("--max-seconds", "longer clips are left out, and counted", type=float, metavar="S")


def _context(group: Group) -> None:
    group.add("--floor", "the shortest window, in seconds", type=float, metavar="S")
    group.add("--margin", "silence behind a clip, at least, in seconds", type=float, metavar="S")
    group.add("--hidden-weight", "of the encoder's states in the loss", type=float, metavar="W")
    group.add("--token-weight", "of the decoder's distributions in the loss", type=float, metavar="W")
    group.add("--train", "what learns", choices=get_args(Learning))


def _bundle(group: Group) -> None:
    group.add("--quantize", "how the weights are stored", choices=QUANTIZATIONS)
    group.add("--name", "the bundle's name (the folder's)")
    group.add("--languages", "ISO 639-1 codes, separated by commas (what the checkpoint says)", type=comma_separated)
    group.add("--licence", "SPDX identifier of the weights' licence (what the model card says)")
    group.add("--description", "one sentence for `malsori models show`")
    group.add(
        "--max-loss", "most that the short window may cost, CER in percent points", type=percent_points, metavar="X"
    )
    group.add("--force", "keep a bundle that is outside the tolerance")
