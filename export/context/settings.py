"""What a run of `finetune_context.py` can be asked for, and what a resumed one must not change."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from export.common import ExportRefused, refuse_existing
from export.finetune import settings as finetune
from export.finetune.settings import FREE, check_share, with_contents

Learning = Literal["encoder", "decoder", "both"]
FULL = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class DataOptions:
    """Where the recordings are; texts are only judged by, and without `held_out` a share is kept for it."""

    manifest: Path
    held_out: Path | None = None
    held_out_share: float = 0.1
    audio_column: str = "audio"
    text_column: str | None = None
    min_seconds: float = 0.3
    max_seconds: float = 25.0


@dataclass(frozen=True, slots=True)
class ContextOptions:
    """The shortest window a clip is heard in, the clip and the margin but at least the floor, and what is matched."""

    floor: float = 5.0
    margin: float = 1.0
    hidden_weight: float = 1.0
    token_weight: float = 1.0
    train: Learning = "encoder"


@dataclass(frozen=True, slots=True)
class TrainingOptions(finetune.TrainingOptions):
    """The optimisation; what a model knows already wants smaller steps than a new head."""

    learning_rate: float = 3e-5


@dataclass(frozen=True, slots=True)
class BundleOptions:
    """What the finished bundle is and says of itself; None means what the source says. `max_loss` is CER, in points."""

    quantize: str = "int8"
    name: str | None = None
    languages: tuple[str, ...] | None = None
    licence: str | None = None
    description: str = ""
    max_loss: float = 2.0
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
    context: ContextOptions = field(default_factory=ContextOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    bundle: BundleOptions = field(default_factory=BundleOptions)

    def check(self) -> None:
        """Refuse what contradicts itself, before anything long begins. Raises `ExportRefused`."""
        context = self.context
        refuse_existing(self.out)
        check_share(self.data.held_out_share)
        self.training.check()
        if not 1 <= context.floor < FULL:
            raise ExportRefused(
                f"--floor: expected 1 to {FULL:g} seconds, below the full window, found {context.floor}"
            )
        if not 0 <= context.margin <= FULL - self.data.max_seconds:
            raise ExportRefused(
                f"--margin {context.margin:g} --max-seconds {self.data.max_seconds:g}: expected a margin of 0 or more, "
                f"and together at most {FULL:g} seconds"
            )
        weights = (context.hidden_weight, context.token_weight)
        if not (min(weights) >= 0 and sum(weights) > 0):
            raise ExportRefused("--hidden-weight and --token-weight: expected 0 or more, one of them above 0")
        if context.train == "decoder" and not context.token_weight:
            raise ExportRefused("--train decoder: the decoder learns from tokens; --token-weight above 0")

    def recorded(self) -> dict[str, Any]:
        """Return what makes a run this run: every choice that changes its weights, and the manifests' contents."""
        facts = asdict(self.data) | asdict(self.context)
        facts |= {name: value for name, value in asdict(self.training).items() if name not in FREE}
        return with_contents(facts | {"source": self.source, "revision": self.revision})
