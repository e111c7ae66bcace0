"""Which options a Whisper model has: refused are those that it has not, told those that make no difference."""

from __future__ import annotations

from collections.abc import Iterator

from ...bundles.manifest import Manifest
from ...errors import OptionError
from ..options import HOTWORD_WEIGHT, DecodeOptions, check_asked

WIDEST = 100  # hypotheses; a beam takes memory before it takes time


def check_options(manifest: Manifest, options: DecodeOptions) -> None:
    """Raise `OptionError` for what the model does not have."""
    if options.beam_size is not None and not 1 <= options.beam_size <= WIDEST:
        raise OptionError(f"beam_size: expected 1 to {WIDEST}, found {options.beam_size}")
    check_asked(manifest, options, "Whisper")


def left_out(options: DecodeOptions) -> Iterator[str]:
    """Yield a line for each part of the options that makes no difference."""
    if any(word.weight != HOTWORD_WEIGHT or word.text.endswith("*") for word in options.hotwords):
        yield "hot words lead Whisper as words said before; it has no weights for them, and no * for their endings"
    if options.whisper.multilingual and options.language is not None:
        yield f"multilingual tells no language where one is given, here {options.language}"
