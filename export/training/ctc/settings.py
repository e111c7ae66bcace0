"""What a run of `finetune_ctc.py` can be asked for besides: texts, vocabulary, and what of the model learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from export.common import ExportRefused, percent_points
from export.training.options import flag, flags
from export.training.settings import STORED, BundleOptions, Settings
from export.wav2vec2_proof import TOLERANCES

Kind = Literal["keep", "syllables", "jamo", "characters"]
KINDS = "keep the checkpoint's, or new from the training texts; rows of tokens known before are kept"
COST = "most that quantizing may cost, CER in percent points"


@dataclass(frozen=True, slots=True)
class TextOptions:
    """What is changed in every text, training and held-out alike; NFC and single spaces always."""

    lowercase: bool = flag(False, "lower case for all texts")
    uppercase: bool = flag(False, "upper case for all texts")
    remove_punctuation: bool = flag(False, "drop Unicode's punctuation; dashes and slashes become spaces")
    keep_punctuation: str = flag("", "but not these", metavar="CHARACTERS")


@dataclass(frozen=True, slots=True)
class VocabularyOptions:
    """The checkpoint's own tokens, or new ones of a kind; characters without a token are an error or left out."""

    vocabulary: Kind = flag("keep", KINDS, choices=get_args(Kind))
    drop_unknown: bool = flag(False, "leave out characters without a token instead of stopping")


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What learns from when on, and SpecAugment's masks (arXiv:1904.08779): shares of frames and of features."""

    train_frontend: bool = flag(False, "let the convolutions learn too")
    freeze_encoder_steps: int = flag(0, "only the head learns in the first N steps", metavar="N")
    mask_time_prob: float = flag(0.05, "SpecAugment: share of frames masked, 0 for none", metavar="P")
    mask_time_length: int = flag(10, "frames in a mask", metavar="N")
    mask_feature_prob: float = flag(0.0, "share of features masked", metavar="P")
    mask_feature_length: int = flag(10, "features in a mask", metavar="N")


@dataclass(frozen=True, slots=True)
class CtcBundleOptions(BundleOptions):
    """A quantized bundle must gain time, unless it is wanted for its size."""

    quantize: str = flag("int8", STORED, choices=tuple(TOLERANCES))
    max_loss: float = flag(2.0, COST, type=percent_points, metavar="X")
    allow_slower: bool = flag(False, "keep a quantized bundle that is slower than float, for its size")


@dataclass(frozen=True, slots=True)
class CtcSettings(Settings):
    """A run that fine-tunes a CTC model."""

    text: TextOptions = flags("texts", TextOptions)
    vocabulary: VocabularyOptions = flags("vocabulary", VocabularyOptions)
    model: ModelOptions = flags("what learns", ModelOptions)
    bundle: CtcBundleOptions = flags("the bundle", CtcBundleOptions)

    def check(self) -> None:
        """Refuse what contradicts itself, before anything long begins. Raises `ExportRefused`."""
        Settings.check(self)
        if self.text.lowercase and self.text.uppercase:
            raise ExportRefused("--lowercase and --uppercase exclude each other; give one")
