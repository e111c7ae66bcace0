"""Which options a CTC model has, as far as its manifest tells; what its vocabulary rules out is in `decoder.py`."""

from __future__ import annotations

from ...bundles.manifest import Manifest
from ...errors import OptionError
from ...option import given
from ..options import DecodeOptions, check_asked
from .hotwords import MOST as MOST_HOTWORDS
from .options import MOST_BEAM

BEAM = 16  # where hot words, a language model or alternatives ask for a beam and nobody said how wide


def check_options(manifest: Manifest, options: DecodeOptions) -> None:
    """Raise `OptionError` for what the model does not have."""
    check_beam(options)
    check_asked(manifest, options, "CTC")


def beam_width(options: DecodeOptions) -> int:
    """Return the width asked for, or else 1, which is greedy, unless something needs a beam."""
    if options.beam_size is not None:
        return options.beam_size
    searched = options.hotwords or options.ctc.language_model is not None or options.ctc.alternatives > 1
    return max(BEAM, options.ctc.alternatives) if searched else 1


def check_beam(options: DecodeOptions) -> None:
    """Raise `OptionError` for a beam that does not serve what is asked for, and for weights of no language model."""
    width, alternatives = beam_width(options), options.ctc.alternatives
    if not 1 <= width <= MOST_BEAM:
        raise OptionError(f"beam_size: expected 1 to {MOST_BEAM} for a CTC model, found {width}")
    if alternatives > width:
        raise OptionError(f"alternatives: a beam_size of {width} gives at most as many, found {alternatives}")
    if len(options.hotwords) > MOST_HOTWORDS:
        raise OptionError(f"hotwords: expected at most {MOST_HOTWORDS}, found {len(options.hotwords)}")
    for name, value in (("hotwords", options.hotwords), ("language_model", options.ctc.language_model)):
        if width == 1 and value:
            raise OptionError(f"{name} needs a beam_size of 2 or more, found 1; left out, it is {BEAM}")
    for name in given(options.ctc):
        if options.ctc.language_model is None and name.startswith("lm_"):
            raise OptionError(f"{name} weighs a language model, and language_model names none")
