"""The options of malsori that a form may name, beside OpenAI's fields, and how far from outside.

What names files, other models or memory is for whoever runs the service, and not among them.
"""

from __future__ import annotations

from typing import Any

from ...engines.options import DecodeOptions
from ...option import options_of
from ...output.cues import CueOptions
from ...pipeline.options import ALIASES
from ...sound_options import SourceOptions, SpeechOptions
from .fields import FormFields, invalid

# A list of those that may, not of those that may not: a new option is closed until somebody has thought about it.
ALLOWED = frozenset(
    "allow_truncated track start_at_zero vad clip_timestamps word_timestamps initial_prompt beam_size "
    "lm_alpha lm_beta alternatives audio_context window_guards best_of patience length_penalty "
    "repetition_penalty no_repeat_ngram_size compression_ratio_threshold log_prob_threshold no_speech_threshold "
    "condition_on_previous_text prompt_reset_on_temperature carry_initial_prompt prefix suppress_blank "
    "suppress_tokens time_tokens without_timestamps max_initial_timestamp max_new_tokens prepend_punctuations "
    "append_punctuations multilingual language_detection_segments language_detection_threshold "
    "hallucination_silence_threshold".split()
)
# Those that OpenAI's fields, or `chunking.py`, read in their own way.
ELSEWHERE = frozenset("language languages temperature hotwords gate".split())
# batch_size is how much memory a call may take, the task is the address, and a model's own file is a path. Channels
# would each take as long as an upload, and OpenAI's replies have no speakers.
KEPT_BACK = frozenset(
    "channels speakers sample_rate max_seconds task batch_size language_model cancelled cut_prompt".split()
)
MOST_ASKED = {"beam_size": 16, "best_of": 16, "alternatives": 16, "patience": 4.0, "language_detection_segments": 60}
LONG = frozenset("initial_prompt prefix clip_timestamps suppress_tokens".split())  # texts and lists of any length
CUES = frozenset(options_of(CueOptions))
OPTIONS = {
    name: kept
    for group in (SourceOptions, SpeechOptions, DecodeOptions, CueOptions)
    for name, kept in options_of(group).items()
}
NAMES = {name: name for name in (*ALLOWED, *CUES)} | {other: name for other, name in ALIASES.items() if name in ALLOWED}


def own_options(fields: FormFields) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of malsori's options in a form, and of each the field that said it. Raises `Refusal`."""
    values: dict[str, Any] = {}
    said_by: dict[str, str] = {}
    for field, name in NAMES.items():
        value = fields.value(field, OPTIONS[name].kind, None if name in LONG else 200)
        if value is None:
            continue
        if name in values:
            raise invalid(field, f"the same was said by {said_by[name]}; send one of them")
        if name in MOST_ASKED and value > MOST_ASKED[name]:
            raise invalid(field, f"expected at most {MOST_ASKED[name]:g} in a request, found {value:g}")
        values[name], said_by[name] = value, field
    return values, said_by
