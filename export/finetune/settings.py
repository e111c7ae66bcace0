"""What a fine-tuning run can be asked for, by the part that reads it, and what a resumed run must not change."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from export.common import ExportRefused, refuse_existing
from malsori.atomic import write_atomically

Kind = Literal["keep", "syllables", "jamo", "characters"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
FILE = "settings.json"
BEST = "best"  # the checkpoint, in the work folder, that becomes the bundle
FREE = frozenset({"steps", "epochs", "patience", "workers", "threads"})  # a resumed run may be asked for others


@dataclass(frozen=True, slots=True)
class DataOptions:
    """Where the recordings and their texts are; without `held_out` a share of the training texts is kept for it."""

    manifest: Path
    held_out: Path | None = None
    held_out_share: float = 0.1
    audio_column: str = "audio"
    text_column: str = "text"
    min_seconds: float = 0.3
    max_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class TextOptions:
    """What is changed in every text, training and held-out alike; NFC and single spaces always."""

    lowercase: bool = False
    uppercase: bool = False
    remove_punctuation: bool = False
    keep_punctuation: str = ""


@dataclass(frozen=True, slots=True)
class VocabularyOptions:
    """The checkpoint's own tokens, or new ones of a kind; characters without a token are an error or left out."""

    vocabulary: Kind = "keep"
    drop_unknown: bool = False


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What learns from when on, and SpecAugment's masks (arXiv:1904.08779): shares of frames and of features."""

    train_frontend: bool = False
    freeze_encoder_steps: int = 0
    mask_time_prob: float = 0.05
    mask_time_length: int = 10
    mask_feature_prob: float = 0.0
    mask_feature_length: int = 10


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """The optimisation; `steps` are weight updates and win over `epochs`, `warmup` is a share of them."""

    steps: int | None = None
    epochs: float = 30.0
    batch_size: int = 8
    accumulate: int = 1
    learning_rate: float = 1e-4
    warmup: float = 0.1
    weight_decay: float = 0.005
    precision: Precision = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    evaluate_every: int = 200
    patience: int = 10
    seed: int = 1
    threads: int | None = None
    workers: int = 0

    def check(self) -> None:
        """Raise `ExportRefused` for counts that are none."""
        counts = {name: getattr(self, name) for name in ("batch_size", "accumulate", "evaluate_every", "patience")}
        if wrong := [name for name, count in counts.items() if count < 1]:
            raise ExportRefused(f"--{wrong[0].replace('_', '-')}: expected 1 or more, found {counts[wrong[0]]}")
        if (self.steps if self.steps is not None else self.epochs) <= 0:
            raise ExportRefused("--steps and --epochs: expected more than none")


@dataclass(frozen=True, slots=True)
class BundleOptions:
    """What the finished bundle is and says of itself; None means what the source says."""

    quantize: str = "int8"
    name: str | None = None
    languages: tuple[str, ...] | None = None
    licence: str | None = None
    description: str = ""
    max_loss: float = 2.0
    allow_slower: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """One run: from `source` (a folder or a hub name) to the bundle `out`, with everything in between under `work`."""

    source: str
    out: Path
    work: Path
    data: DataOptions
    revision: str | None = None
    resume: bool = True
    text: TextOptions = field(default_factory=TextOptions)
    vocabulary: VocabularyOptions = field(default_factory=VocabularyOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    bundle: BundleOptions = field(default_factory=BundleOptions)

    def check(self) -> None:
        """Refuse what contradicts itself, before anything long begins. Raises `ExportRefused`."""
        refuse_existing(self.out)
        if self.text.lowercase and self.text.uppercase:
            raise ExportRefused("--lowercase and --uppercase exclude each other; give one")
        check_share(self.data.held_out_share)
        self.training.check()

    def recorded(self) -> dict[str, Any]:
        """Return what makes a run this run: every choice that changes its weights, and the manifests' contents."""
        parts = {"data": self.data, "text": self.text, "vocabulary": self.vocabulary, "model": self.model}
        facts = {name: value for part in parts.values() for name, value in asdict(part).items()}
        facts |= {name: value for name, value in asdict(self.training).items() if name not in FREE}
        return with_contents(facts | {"source": self.source, "revision": self.revision})


class Recorded(Protocol):
    """A run's settings, of whichever kind of fine-tuning: where it works, and what must not change when it resumes."""

    @property
    def work(self) -> Path:
        """Return the work folder."""

    def recorded(self) -> dict[str, Any]:
        """Return every choice that changes the weights."""


def check_share(share: float) -> None:
    """Raise `ExportRefused` for a held-out share that leaves one side empty."""
    if not 0 < share < 1:
        raise ExportRefused(f"--held-out-share: expected a share above 0 and below 1, found {share}")


def with_contents(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts with what the manifests hold in the place of where they are."""
    paths = {name: facts[name] for name in ("manifest", "held_out")}
    sums = {name: path and hashlib.sha256(path.read_bytes()).hexdigest()[:16] for name, path in paths.items()}
    return facts | sums


def keep_or_compare(settings: Recorded) -> None:
    """Write the settings of a new run to its work folder, or hold those there against them.

    Raises `ExportRefused` when a choice differs: half a run of one kind and half of another is neither.
    """
    path, asked = settings.work / FILE, settings.recorded()
    if path.exists():
        begun = json.loads(path.read_text("utf-8"))
        if changed := [name for name in asked if begun.get(name) != asked[name]]:
            first = changed[0]
            raise ExportRefused(
                f"{settings.work}: begun with another {', '.join(changed)} ({first}: {begun.get(first)!r}, now "
                f"{asked[first]!r}); give the same, or another --work, or --no-resume to start from the beginning"
            )
        return
    write_atomically(path, (json.dumps(asked, ensure_ascii=False, indent=2) + "\n").encode(), mode=0o644)
