"""What a client of /v1/listen asks for in its first message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import MalsoriError, OptionError
from ..option import nearest, options_of, put
from ..pipeline import TranscribeOptions
from ..pipeline.live.options import LIVE, LiveOptions
from ..sound_options import DEFAULT_GATE, GateOptions
from .pcm import ENCODINGS
from .refusal import Refusal, refusal_of
from .rest.own_options import MOST_ASKED

MOST_CHANNELS = 8
GATE = tuple(options_of(GateOptions))
# Options of malsori that a client may give by their names, beside those of the table in docs/listen.md.
OPTIONS = ("language", "task", "word_timestamps", "initial_prompt", "hotwords", "beam_size", "temperature")
SHAPE = ("encoding", "sample_rate", "channels", "interim", "words", "vad", "model")


@dataclass(frozen=True, slots=True)
class ListenConfig:
    """A live session as a client wants it.

    encoding: of the sound, one of `ENCODINGS`.
    channels: interleaved channels of the sound.
    interim: whether partials are told.
    """

    model: str | None
    encoding: str
    channels: int
    interim: bool
    options: TranscribeOptions
    live: LiveOptions


def config_of(message: Mapping[str, Any], language: str | None = None) -> ListenConfig:
    """Return the configuration of a first message; `language` is that of a client that names none.

    Raises `Refusal`, 400, which names the field at fault.
    """
    fields = {name: value for name, value in message.items() if name not in ("type", "event_id") and value is not None}
    if message.get("type") != "config":
        found = message.get("type")
        raise Refusal(400, "config_required", f"type: expected 'config' as the first message, found {found!r}", "type")
    for name in fields:
        if name not in (*SHAPE, *OPTIONS):
            shown, hint = ascii(name[:80])[1:-1], nearest(name, [*SHAPE, *OPTIONS])
            raise Refusal(400, "invalid_value", f"{shown}: there is no such field{hint}", shown)
    model, encoding = _text(fields, "model"), fields.get("encoding", "pcm_s16le")
    if encoding not in ENCODINGS:
        expected = ", ".join(ENCODINGS)
        raise Refusal(400, "invalid_value", f"encoding: expected one of {expected}, found {encoding!r}", "encoding")
    channels = fields.get("channels", 1)
    if not isinstance(channels, int) or isinstance(channels, bool) or not 1 <= channels <= MOST_CHANNELS:
        message_ = f"channels: expected 1 to {MOST_CHANNELS}, found {channels!r}"
        raise Refusal(400, "invalid_value", message_, "channels")
    try:
        options, live = _options(fields, language)
    except MalsoriError as error:
        raise refusal_of(error, "sample_rate") from error
    interim = _switch(fields, "interim", True)
    return ListenConfig(model, encoding, channels, interim, options, live)


def _options(fields: Mapping[str, Any], language: str | None) -> tuple[TranscribeOptions, LiveOptions]:
    asked = {name: fields[name] for name in OPTIONS if name in fields}
    asked["word_timestamps"] = _switch(fields, "words", bool(asked.get("word_timestamps", False)))
    asked.setdefault("language", language)
    options = TranscribeOptions(gate=_gate(fields.get("vad", {})), **asked)
    options.check_values()
    if options.decoding.beam_size is not None and options.decoding.beam_size > MOST_ASKED["beam_size"]:
        most, found = MOST_ASKED["beam_size"], options.decoding.beam_size
        raise OptionError(f"beam_size: expected at most {most:g} in a session, found {found}")
    return options, put(LIVE, {"sample_rate": fields.get("sample_rate", LIVE.sample_rate)})


def _gate(asked: Any) -> GateOptions:
    if not isinstance(asked, dict):
        raise OptionError(f"vad: expected an object with {', '.join(GATE)}, found {asked!r}")
    if unknown := [name for name in asked if name not in GATE]:
        raise OptionError(f"vad: there is no {unknown[0]!r}{nearest(unknown[0], GATE)}")
    return put(DEFAULT_GATE, dict(asked))


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise Refusal(400, "invalid_value", f"{name}: expected a text, found {value!r}", name)
    return value


def _switch(fields: Mapping[str, Any], name: str, default: bool) -> bool:
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise Refusal(400, "invalid_value", f"{name}: expected true or false, found {value!r}", name)
    return value
