"""What a run of `finetune_context.py` can be asked for besides: the windows, and what learns from what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from export.common import ExportRefused, percent_points
from export.training.options import flag, flags
from export.training.settings import STORED, BundleOptions, DataOptions, Settings, TrainingOptions
from export.whisper import QUANTIZATIONS
from malsori.engines.whisper.features import MEL_RATE, WINDOW
from malsori.engines.whisper.window import Context

Learning = Literal["encoder", "decoder", "both"]
FULL = WINDOW / MEL_RATE  # seconds of the full window: 30
NO_TEXTS = "a column of texts, to report error rates; none is needed"
COST = "most that the short window may cost, CER in percent points"


@dataclass(frozen=True, slots=True)
class ContextDataOptions(DataOptions):
    """Texts are only judged by; clips must leave room for the margin in the full window."""

    held_out_share: float = flag(0.1, "without it, the share of the recordings held out", metavar="SHARE")
    text_column: str | None = flag(None, NO_TEXTS, metavar="NAME")
    max_seconds: float = flag(25.0, "longer clips are left out, and counted", metavar="S")


@dataclass(frozen=True, slots=True)
class ContextOptions:
    """The shortest window a clip is heard in, the clip and the margin but at least the floor, and what is matched."""

    floor: float = flag(5.0, "the shortest window, in seconds", metavar="S")
    margin: float = flag(1.0, "silence behind a clip, at least, in seconds", metavar="S")
    hidden_weight: float = flag(1.0, "of the encoder's states in the loss", metavar="W")
    token_weight: float = flag(1.0, "of the decoder's distributions in the loss", metavar="W")
    train: Learning = flag("encoder", "what learns", choices=get_args(Learning))

    @property
    def short(self) -> Context:
        """The windows that the model learns, as the runtime chooses them."""
        return Context(self.floor, self.margin)


@dataclass(frozen=True, slots=True)
class ContextTrainingOptions(TrainingOptions):
    """What a model knows already wants smaller steps than a new head."""

    steps: int | None = flag(None, "weight updates, instead of epochs", type=int, metavar="N", also=("--max-steps",))
    learning_rate: float = flag(3e-5, "at its peak", metavar="RATE")
    patience: int = flag(10, "evaluations without a better loss before it stops", metavar="N")


@dataclass(frozen=True, slots=True)
class ContextBundleOptions(BundleOptions):
    """It is stored as CTranslate2 stores it, and judged at its short windows."""

    quantize: str = flag("int8", STORED, choices=QUANTIZATIONS)
    max_loss: float = flag(2.0, COST, type=percent_points, metavar="X")


@dataclass(frozen=True, slots=True)
class ContextSettings(Settings):
    """A run that teaches a Whisper model short windows."""

    checkpoint: ClassVar[str] = "a Whisper checkpoint"

    data: ContextDataOptions = flags("recordings", ContextDataOptions)
    context: ContextOptions = flags("windows", ContextOptions)
    training: ContextTrainingOptions = flags("training", ContextTrainingOptions)
    bundle: ContextBundleOptions = flags("the bundle", ContextBundleOptions)

    def check(self) -> None:
        """Refuse what contradicts itself, before anything long begins. Raises `ExportRefused`."""
        Settings.check(self)
        context = self.context
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
