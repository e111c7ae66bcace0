"""`chunking_strategy` of OpenAI and `vad_parameters` of faster-whisper: what a form says about where speech is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...errors import OptionError
from ...kinds import Kind
from ...option import nearest, non_defaults, options_of, put
from ...sound_options import DEFAULT_GATE, FASTER_WHISPERS, GateOptions, Milliseconds
from .fields import FormFields, invalid, read

STRATEGY, GATE = "chunking_strategy", "vad_parameters"
SERVER_VAD = {"threshold": "threshold", "prefix_padding_ms": "padding_ms", "silence_duration_ms": "min_silence_ms"}
TYPES = ("server_vad", "auto")


def gate_of(fields: FormFields) -> GateOptions | None:
    """Return how speech is to be found, None where the form says nothing about it; raises `Refusal`.

    What `vad_parameters` say goes before the strategy.
    """
    gate: GateOptions | None = None
    strategy, example = fields.members(STRATEGY), '{"type": "server_vad"}'
    if isinstance(strategy, str) and strategy.strip() != "auto":
        raise invalid(STRATEGY, f"expected 'auto' or an object such as {example}, found {strategy!r}")
    if isinstance(strategy, dict):
        kind = strategy.pop("type", "server_vad")
        if kind not in TYPES:
            raise invalid(STRATEGY, f"type: expected {' or '.join(TYPES)}, found {kind!r}")
        gate = _gate(STRATEGY, strategy, SERVER_VAD)
    for name in (GATE, "gate"):
        parameters = fields.members(name)
        if isinstance(parameters, str):
            raise invalid(name, f'expected an object such as {{"threshold": 0.4}}, found {parameters!r}')
        if parameters is not None:
            own = {each: each for each in options_of(GateOptions)}
            asked = _gate(name, parameters, FASTER_WHISPERS | own)
            gate = asked if gate is None else replace(gate, **non_defaults(asked))
    return gate


def _gate(name: str, members: dict[str, Any], known: dict[str, str]) -> GateOptions:
    values: dict[str, Any] = {}
    options = options_of(GateOptions)
    for key, value in members.items():
        if key not in known:
            raise invalid(name, f"there is no {key!r}{nearest(key, known) or '; there are ' + ', '.join(known)}")
        kind = options[known[key]].kind
        values[known[key]] = _member(name, key, kind, value)
    try:
        return put(DEFAULT_GATE, values)
    except OptionError as error:
        raise invalid(name, str(error)) from error


def _member(name: str, key: str, kind: Kind, value: Any) -> Any:
    """Return a member's value: of JSON as it is, of a form from its text."""
    if isinstance(value, str):
        # Clients write whole milliseconds as 200.0.
        value = value.removesuffix(".0") if isinstance(kind, Milliseconds) else value
        return read(name, kind, value)
    try:
        kind.check(key, value)
    except OptionError as error:
        raise invalid(name, str(error)) from error
    return value
