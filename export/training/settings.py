"""What every fine-tuning run can be asked for, and what a resumed run must not change; a subject adds its own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from export.common import ExportRefused, comma_separated, percent_points, refuse_existing
from export.training.options import flag, flags, groups
from malsori.atomic import write_atomically

Precision = Literal["auto", "fp32", "bf16", "fp16"]
Device = Literal["auto", "cpu", "cuda"]
FILE = "settings.json"
BEST = "best"  # the checkpoint, in the work folder, that becomes the bundle
FREE = frozenset({"steps", "epochs", "patience", "workers", "threads"})  # a resumed run may be asked for others
STORED = "how the weights are stored"


@dataclass(frozen=True, slots=True)
class DataOptions:
    """Where the recordings and their texts are; without a manifest `held_out` a share of them is held out."""

    manifest: Path
    held_out: Path | None = flag(None, "a manifest of clips to be judged by", type=Path, metavar="MANIFEST")
    held_out_share: float = flag(0.1, "without it, the share of the texts held out", metavar="SHARE")
    audio_column: str = flag("audio", "the manifest's column of paths", metavar="NAME")
    text_column: str | None = flag("text", "the manifest's column of texts", metavar="NAME")
    min_seconds: float = flag(0.3, "shorter clips are left out, and counted", metavar="S")
    max_seconds: float = flag(20.0, "longer clips are left out, and counted", metavar="S")


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """The optimisation; `steps` are weight updates and win over `epochs`, `warmup` is a share of them."""

    epochs: float = flag(30.0, "times through the recordings", metavar="N")
    steps: int | None = flag(None, "weight updates, instead of epochs", type=int, metavar="N")
    batch_size: int = flag(8, "clips in a batch", metavar="N")
    accumulate: int = flag(1, "batches in a weight update", metavar="N")
    learning_rate: float = flag(1e-4, "at its peak", metavar="RATE")
    warmup: float = flag(0.1, "share of the steps in which the rate rises; then it falls to 0", metavar="SHARE")
    weight_decay: float = flag(0.005, "AdamW's", metavar="RATE")
    precision: Precision = flag("auto", "auto: bf16 or fp16 on a GPU, fp32 on a CPU", choices=get_args(Precision))
    device: Device = flag("auto", "where to train", choices=get_args(Device))
    evaluate_every: int = flag(200, "steps between evaluations, each with a checkpoint", metavar="N")
    patience: int = flag(10, "evaluations without a better CER before it stops", metavar="N")
    seed: int = flag(1, "of everything drawn by chance")
    threads: int | None = flag(None, "CPU threads (all cores)", type=int, metavar="N")
    workers: int = flag(0, "processes that decode; 0 decodes between the steps", metavar="N")

    def check(self) -> None:
        """Raise `ExportRefused` for counts that are none."""
        counts = {name: getattr(self, name) for name in ("batch_size", "accumulate", "evaluate_every", "patience")}
        if wrong := [name for name, count in counts.items() if count < 1]:
            raise ExportRefused(f"--{wrong[0].replace('_', '-')}: expected 1 or more, found {counts[wrong[0]]}")
        if (self.steps if self.steps is not None else self.epochs) <= 0:
            raise ExportRefused("--steps and --epochs: expected more than none")


@dataclass(frozen=True, slots=True)
class BundleOptions:
    """What the finished bundle is and says of itself; None means what the source says. `max_loss` is CER, in points."""

    quantize: str = flag("int8", STORED)
    name: str | None = flag(None, "the bundle's name (the folder's)")
    languages: tuple[str, ...] | None = flag(
        None, "ISO 639-1 codes, separated by commas (what the checkpoint says)", type=comma_separated
    )
    licence: str | None = flag(None, "SPDX identifier of the weights' licence (what the model card says)")
    description: str = flag("", "one sentence for `malsori models show`")
    max_loss: float = flag(2.0, "most that it may cost, CER in percent points", type=percent_points, metavar="X")
    force: bool = flag(False, "keep a bundle that is outside the tolerance")


@dataclass(frozen=True, slots=True)
class Settings:
    """One run: from `source` (a folder or a hub name) to the bundle `out`, with everything in between under `work`."""

    checkpoint: ClassVar[str] = "a checkpoint"  # what the source is, in a help text

    source: str
    out: Path
    work: Path
    revision: str | None = None
    resume: bool = True
    data: DataOptions = flags("recordings", DataOptions)
    training: TrainingOptions = flags("training", TrainingOptions)
    bundle: BundleOptions = flags("the bundle", BundleOptions)

    def check(self) -> None:
        """Refuse what contradicts itself, before anything long begins. Raises `ExportRefused`."""
        refuse_existing(self.out)
        if not 0 < self.data.held_out_share < 1:
            raise ExportRefused(
                f"--held-out-share: expected a share above 0 and below 1, found {self.data.held_out_share}"
            )
        self.training.check()

    def recorded(self) -> dict[str, Any]:
        """Return what makes a run this run: every choice that changes its weights, and the manifests' contents."""
        facts: dict[str, Any] = {}
        for part in groups(type(self)):
            if part.name != "bundle":
                facts |= asdict(getattr(self, part.name))
        paths = {name: facts[name] for name in ("manifest", "held_out")}
        sums = {name: path and hashlib.sha256(path.read_bytes()).hexdigest()[:16] for name, path in paths.items()}
        facts |= {**sums, "source": self.source, "revision": self.revision}
        return {name: value for name, value in facts.items() if name not in FREE}

    def keep_or_compare(self) -> None:
        """Write the settings of a new run to its work folder, or hold those there against them.

        Raises `ExportRefused` when a choice differs: half a run of one kind and half of another is neither.
        """
        path, asked = self.work / FILE, self.recorded()
        if path.exists():
            begun = json.loads(path.read_text("utf-8"))
            if changed := [name for name in asked if begun.get(name) != asked[name]]:
                first = changed[0]
                raise ExportRefused(
                    f"{self.work}: begun with another {', '.join(changed)} ({first}: {begun.get(first)!r}, now "
                    f"{asked[first]!r}); give the same, or another --work, or --no-resume to start from the beginning"
                )
            return
        write_atomically(path, (json.dumps(asked, ensure_ascii=False, indent=2) + "\n").encode(), mode=0o644)
