"""Which options a Whisper model has: refused are those that it has not, told those that make no difference."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...bundles.languages import alternatives_to
from ...bundles.manifest import Manifest
from ...errors import OptionError
from ..base import HOTWORD_WEIGHT, DecodeOptions

DEFAULTS = DecodeOptions()
WIDEST = 100  # hypotheses; a beam takes memory before it takes time
CTC_ONLY = ("language_model", "lm_alpha", "lm_beta", "alternatives")


def check_options(manifest: Manifest, options: DecodeOptions) -> None:
    """Raise `OptionError` for what the model does not have."""
    name, languages, tasks = manifest.name, manifest.languages, manifest.tasks
    if options.language is not None and options.language not in languages:
        told = alternatives_to(options.language, languages, f"malsori models show {name}")
        raise OptionError(f"{name} does not know the language {options.language!r}{told}")
    if options.task not in tasks:
        raise OptionError(f"{name} does not do the task {options.task!r}; it does {', '.join(tasks)}")
    for option in CTC_ONLY:
        if getattr(options, option) != getattr(DEFAULTS, option):
            raise OptionError(f"{name} has no {option}; that is an option of CTC models")
    if options.beam_size is not None and not 1 <= options.beam_size <= WIDEST:
        raise OptionError(f"beam_size: expected 1 to {WIDEST}, found {options.beam_size}")
    if not options.temperature or not all(0 <= heat < math.inf for heat in options.temperature):
        raise OptionError(f"temperature: expected numbers of 0 or more, found {options.temperature}")
    options.whisper.check()


def left_out(options: DecodeOptions) -> Iterator[str]:
    """Yield a line for each part of the options that makes no difference."""
    if any(word.weight != HOTWORD_WEIGHT or word.text.endswith("*") for word in options.hotwords):
        yield "hot words lead Whisper as words said before; it has no weights for them, and no * for their endings"
    if options.whisper.multilingual and options.language is not None:
        yield f"multilingual tells no language where one is given, here {options.language}"
