"""The command line of `finetune_ctc.py`: one flag per field of the settings, named like it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar, get_args

from export.common import comma_separated
from export.finetune.settings import (
    BundleOptions,
    DataOptions,
    Kind,
    ModelOptions,
    Precision,
    Settings,
    TextOptions,
    TrainingOptions,
    VocabularyOptions,
)
from export.wav2vec2 import TOLERANCES
from malsori.cli.model_flags import percent_points

Options = TypeVar("Options")


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
        text=part(TextOptions, asked),
        vocabulary=part(VocabularyOptions, asked),
        model=part(ModelOptions, asked),
        training=part(TrainingOptions, asked),
        bundle=part(BundleOptions, asked),
    )


def part(kind: type[Options], asked: argparse.Namespace) -> Options:
    """Return the options of one group."""
    return kind(**{each.name: getattr(asked, each.name) for each in fields(kind)})  # type: ignore[arg-type]


def _parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="a checkpoint's folder, or its name on the Hugging Face hub")
    parser.add_argument("manifest", type=Path, help="the recordings to learn from: .tsv, .csv or .jsonl")
    parser.add_argument("out", type=Path, help="the bundle folder to make; it must not exist")
    parser.add_argument("--work", type=Path, metavar="DIR", help="checkpoints, curve, what was left out (OUT.work)")
    parser.add_argument("--revision", help="hub revision: branch, tag or commit")
    resume = "go on from the work folder's last checkpoint, if there is one; --no-resume forgets them"
    parser.add_argument("--resume", action=argparse.BooleanOptionalAction, default=True, help=f"{resume} (%(default)s)")
    _data(Group(parser, "recordings", DataOptions))
    _texts(Group(parser, "texts", TextOptions), Group(parser, "vocabulary", VocabularyOptions))
    _model(Group(parser, "what learns", ModelOptions))
    training_flags(Group(parser, "training", TrainingOptions))
    _bundle(Group(parser, "the bundle", BundleOptions))
    return parser


class Group:
    """A group of flags whose defaults are those of a dataclass."""

    def __init__(self, parser: argparse.ArgumentParser, title: str, kind: type[Any]) -> None:
        self._group = parser.add_argument_group(title)
        self._defaults = {each.name: None if each.default is MISSING else each.default for each in fields(kind)}

    def add(self, flag: str, text: str, **shape: Any) -> None:
        """Add one flag; a default that says something is shown."""
        default = self._defaults[flag.removeprefix("--").replace("-", "_")]
        if default is False:
            shape["action"] = "store_true"
        shown = "" if default is None or default is False or default == "" else " (%(default)s)"
        self._group.add_argument(flag, default=default, help=text + shown, **shape)


def _data(group: Group) -> None:
    group.add("--held-out", "a manifest of clips to be judged by", type=Path, metavar="MANIFEST")
    group.add("--held-out-share", "without it, the share of the texts held out", type=float, metavar="SHARE")
    group.add("--audio-column", "the manifest's column of paths", metavar="NAME")
    group.add("--text-column", "the manifest's column of texts", metavar="NAME")
    group.add("--min-seconds", "shorter clips are left out, and counted", type=float, metavar="S")
    group.add("--max-seconds", "longer clips are left out, and counted", type=float, metavar="S")


def _texts(group: Group, vocabulary: Group) -> None:
    group.add("--lowercase", "lower case for all texts")
    group.add("--uppercase", "upper case for all texts")
    group.add("--remove-punctuation", "drop Unicode's punctuation; dashes and slashes become spaces")
    group.add("--keep-punctuation", "but not these", metavar="CHARACTERS")
    kinds = "keep the checkpoint's, or new from the training texts; rows of tokens known before are kept"
    vocabulary.add("--vocabulary", kinds, choices=get_args(Kind))
    vocabulary.add("--drop-unknown", "leave out characters without a token instead of stopping")


def _model(group: Group) -> None:
    group.add("--train-frontend", "let the convolutions learn too")
    group.add("--freeze-encoder-steps", "only the head learns in the first N steps", type=int, metavar="N")
    group.add("--mask-time-prob", "SpecAugment: share of frames masked, 0 for none", type=float, metavar="P")
    group.add("--mask-time-length", "frames in a mask", type=int, metavar="N")
    group.add("--mask-feature-prob", "share of features masked", type=float, metavar="P")
    group.add("--mask-feature-length", "features in a mask", type=int, metavar="N")


def training_flags(group: Group, better: str = "CER") -> None:
    """Add the flags of `TrainingOptions`; `better` is what patience waits for."""
    group.add("--epochs", "times through the recordings", type=float, metavar="N")
    group.add("--steps", "weight updates, instead of epochs", type=int, metavar="N")
    group.add("--batch-size", "clips in a batch", type=int, metavar="N")
    group.add("--accumulate", "batches in a weight update", type=int, metavar="N")
    group.add("--learning-rate", "at its peak", type=float, metavar="RATE")
    group.add("--warmup", "share of the steps in which the rate rises; then it falls to 0", type=float, metavar="SHARE")
    group.add("--weight-decay", "AdamW's", type=float, metavar="RATE")
    group.add("--precision", "auto: bf16 or fp16 on a GPU, fp32 on a CPU", choices=get_args(Precision))
    group.add("--device", "where to train", choices=("auto", "cpu", "cuda"))
    group.add("--evaluate-every", "steps between evaluations, each with a checkpoint", type=int, metavar="N")
    group.add("--patience", f"evaluations without a better {better} before it stops", type=int, metavar="N")
    group.add("--seed", "of everything drawn by chance", type=int)
    group.add("--threads", "CPU threads (all cores)", type=int, metavar="N")
    group.add("--workers", "processes that decode; 0 decodes between the steps", type=int, metavar="N")


def _bundle(group: Group) -> None:
    group.add("--quantize", "how the weights are stored", choices=tuple(TOLERANCES))
    group.add("--name", "the bundle's name (the folder's)")
    group.add("--languages", "ISO 639-1 codes, separated by commas (what the checkpoint says)", type=comma_separated)
    group.add("--licence", "SPDX identifier of the weights' licence (what the model card says)")
    group.add("--description", "one sentence for `malsori models show`")
    group.add("--max-loss", "most that quantizing may cost, CER in percent points", type=percent_points, metavar="X")
    group.add("--allow-slower", "keep a quantized bundle that is slower than float, for its size")
    group.add("--force", "keep a bundle that is outside the tolerance")
