"""Which options a CTC model has, as far as its manifest tells; what its vocabulary rules out is in `decoder.py`."""

from __future__ import annotations

import math
from dataclasses import fields

from ...bundles.manifest import Manifest, knows
from ...errors import OptionError
from ..base import DecodeOptions
from .hotwords import MOST as MOST_HOTWORDS

DEFAULTS = DecodeOptions()
BEAM = 16  # where hot words, a language model or alternatives ask for a beam and nobody said how wide
MOST = 256  # of a beam; on flat logits one of this width takes half a second for ten seconds of sound


def check_options(manifest: Manifest, options: DecodeOptions) -> None:
    """Raise `OptionError` for what the model does not have."""
    if options.task != "transcribe":
        raise OptionError(f"{manifest.name} cannot {options.task}; a CTC model only transcribes")
    if options.language and not knows(manifest.languages, options.language):
        raise OptionError(f"{manifest.name} knows {', '.join(manifest.languages)}, not {options.language!r}")
    for name in ("initial_prompt", "temperature"):
        if getattr(options, name) != getattr(DEFAULTS, name):
            raise OptionError(f"{manifest.name} has no {name}; that is an option of Whisper models")
    for spec in fields(options.whisper):
        if getattr(options.whisper, spec.name) != getattr(DEFAULTS.whisper, spec.name):
            raise OptionError(f"{manifest.name} has no {spec.name}; that is an option of Whisper models")
    if options.batch_size < 1:
        raise OptionError(f"a batch holds at least 1 clip, not {options.batch_size}")
    check_beam(options)
    check_weights(options)


def beam_width(options: DecodeOptions) -> int:
    """Return the width asked for, or else 1, which is greedy, unless something needs a beam."""
    if options.beam_size is not None:
        return options.beam_size
    searched = options.hotwords or options.language_model is not None or options.alternatives > 1
    return max(BEAM, options.alternatives) if searched else 1


def check_beam(options: DecodeOptions) -> None:
    """Raise `OptionError` for a beam of a width that cannot be, or that does not serve what is asked for."""
    width = beam_width(options)
    if not 1 <= options.alternatives <= MOST:
        raise OptionError(f"alternatives: expected 1 to {MOST}, found {options.alternatives}")
    if not 1 <= width <= MOST:
        raise OptionError(f"beam_size: expected 1 to {MOST} for a CTC model, found {width}")
    if options.alternatives > width:
        raise OptionError(f"alternatives: a beam_size of {width} gives at most as many, found {options.alternatives}")
    if len(options.hotwords) > MOST_HOTWORDS:
        raise OptionError(f"hotwords: expected at most {MOST_HOTWORDS}, found {len(options.hotwords)}")
    for name in ("hotwords", "language_model"):
        if width == 1 and getattr(options, name):
            raise OptionError(f"{name} needs a beam_size of 2 or more, found 1; left out, it is {BEAM}")


def check_weights(options: DecodeOptions) -> None:
    """Raise `OptionError` for weights of a language model that cannot be, and for those of none."""
    if not (math.isfinite(options.lm_alpha) and options.lm_alpha >= 0):
        raise OptionError(f"lm_alpha: expected a number of 0 or more, found {options.lm_alpha}")
    if not math.isfinite(options.lm_beta):
        raise OptionError(f"lm_beta: expected a finite number, found {options.lm_beta}")
    for name in ("lm_alpha", "lm_beta"):
        if options.language_model is None and getattr(options, name) != getattr(DEFAULTS, name):
            raise OptionError(f"{name} weighs a language model, and language_model names none")
