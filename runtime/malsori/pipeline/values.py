"""What the value of an option may be, where that needs no model to be told."""

from __future__ import annotations

import math
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.limits import DEFAULT_LIMITS
from ..engines.ctc.asked import MOST as WIDEST  # of all models; Whisper keeps fewer hypotheses
from ..engines.ctc.language_model import check_file
from ..engines.whisper.options import WhisperOptions
from ..errors import OptionError
from ..numeric import is_finite, is_whole
from ..vad import GateOptions

LATEST = 1e9  # seconds, 31 years
FLAGS = ("word_timestamps", "vad", "allow_truncated", "start_at_zero")


def check_types(options: Any) -> None:
    """Raise `OptionError` for what is no text, path, switch, function or group of options where one is wanted."""
    for name in FLAGS:
        if not isinstance(getattr(options, name), (bool, np.bool_)):
            raise OptionError(f"{name} must be True or False, found {getattr(options, name)!r}")
    if options.language is not None and not (isinstance(options.language, str) and options.language.strip()):
        raise OptionError(
            f"language must be a code or an English name, such as ko or Korean, found {options.language!r}"
        )
    if not isinstance(options.initial_prompt, (str, type(None))):
        raise OptionError(f"initial_prompt must be a text, found {options.initial_prompt!r}")
    if not isinstance(options.language_model, (str, os.PathLike, type(None))):
        raise OptionError(f"language_model must be a path, found {options.language_model!r}")
    if not isinstance(options.gate, GateOptions):
        raise OptionError(f"gate must be GateOptions, such as malsori.endpointing('eager'), found {options.gate!r}")
    if not isinstance(options.whisper, WhisperOptions):
        raise OptionError(f"whisper must be WhisperOptions, found {options.whisper!r}")
    if options.cancelled is not None and not callable(options.cancelled):
        raise OptionError(f"cancelled must be a function without arguments, found {options.cancelled!r}")
    if options.language_model is not None:
        try:
            check_file(Path(options.language_model))
        except OptionError as error:
            raise OptionError(f"language_model: {error}") from error


def check_numbers(options: Any) -> None:
    """Raise `OptionError` for what is no number where one is wanted, and for one that is out of its range."""
    for name in ("batch_size", "beam_size", "alternatives"):
        value = getattr(options, name)
        if name == "beam_size" and value is None:
            continue
        if not (is_whole(value) and value >= 1):
            raise OptionError(f"{name} must be a whole number of at least 1, found {value!r}")
        if value > WIDEST and name != "batch_size":
            raise OptionError(f"{name} must be at most {WIDEST}, found {value!r}")
    for name in ("lm_alpha", "lm_beta"):
        if not is_finite(getattr(options, name)):
            raise OptionError(f"{name} must be a finite number, found {getattr(options, name)!r}")
    if options.lm_alpha < 0:
        raise OptionError(f"lm_alpha must be 0 or more, found {options.lm_alpha!r}")
    heats = options.temperature if isinstance(options.temperature, (tuple, list)) else (options.temperature,)
    if not heats or not all(is_finite(heat) and heat >= 0 for heat in heats):
        raise OptionError(f"temperature must be 0 or more, or several such numbers, found {options.temperature!r}")
    _check_rate(options.sample_rate)
    _check_clips(options.clip_timestamps)


def _check_rate(rate: object) -> None:
    """Refuse a rate that no sound has. `samples.py` says which numbers are whole."""
    least, most = DEFAULT_LIMITS.min_rate, DEFAULT_LIMITS.max_rate
    number = float(rate) if is_finite(rate) else math.nan
    if rate is None or (number.is_integer() and least <= number <= most):
        return
    raise OptionError(f"sample_rate must be a whole number of Hz from {least} to {most}, found {rate!r}")


def _check_clips(times: object) -> None:
    if not isinstance(times, (list, tuple)) or not all(is_finite(time) and 0 <= time <= LATEST for time in times):
        raise OptionError(f"clip_timestamps: expected seconds of 0 or more, found {times!r}")
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise OptionError(f"clip_timestamps: expected ascending seconds, found {times!r}")
