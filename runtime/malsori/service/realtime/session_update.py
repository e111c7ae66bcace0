"""Updates of a session, in either dialect, checked as a whole before any of it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...bundles.manifest import Manifest
from ...errors import OptionError
from ...pipeline import TranscribeOptions
from ..refusal import Refusal, named_in
from ..registry import Registry
from .given_object import GivenObject, invalid, number, one_of, text, texts
from .session_config import (
    ALAW,
    BETA_FORMATS,
    LOGPROBS,
    MULAW,
    PCM,
    RATES,
    TELEPHONE,
    Hints,
    SessionConfig,
    SoundFormat,
)
from .turn_detection import SemanticVad, ServerVad, TurnDetection

SERVERS = ("id", "object", "expires_at")  # fields that clients send back as they got them
LATE, EARLY = 10_000, 5_000  # milliseconds of silence and of padding that may be asked for
MOST_KEYWORDS, MOST_LANGUAGES = 100, 20
DELAYS = ("minimal", "low", "medium", "high", "xhigh")
Parts = Mapping[str, tuple[str, Any]]
"""The parts of an update that are there, by their names in the newer dialect: the path, for errors, and the value."""

BETA = {
    "input_audio_format": "format",
    "input_audio_transcription": "transcription",
    "input_audio_noise_reduction": "noise_reduction",
    "turn_detection": "turn_detection",
    "include": "include",
}


def parts_of(session: Any) -> Parts:
    """Return the parts of a `session.update`. Raises `Refusal`."""
    given = GivenObject("session", session, ("type", "audio", "include"), SERVERS)
    if given.raw("type") not in (None, "transcription"):
        raise invalid("session.type", "expected transcription: this service writes down speech, and does not answer")
    found = {"include": ("session.include", given.raw("include"))} if "include" in given else {}
    if given.raw("audio") is None:
        return found
    audio = GivenObject("session.audio", given.raw("audio"), ("input",))
    if audio.raw("input") is None:
        return found
    path, names = "session.audio.input", ("format", "transcription", "noise_reduction", "turn_detection")
    heard = GivenObject(path, audio.raw("input"), names)
    return found | {name: (f"{path}.{name}", heard.raw(name)) for name in names if name in heard}


def beta_parts_of(session: Any) -> Parts:
    """Return the parts of a `transcription_session.update`. Raises `Refusal`."""
    given = GivenObject("session", session, tuple(BETA), (*SERVERS, "type", "modalities", "client_secret"))
    found: dict[str, tuple[str, Any]] = {}
    for name, part in BETA.items():
        if name in given:
            found[part] = (f"session.{name}", given.raw(name))
    if "format" in found:
        path, value = found["format"]
        word = "pcm16" if value is None else one_of(*BETA_FORMATS)(path, value)
        found["format"] = (path, {"type": BETA_FORMATS[word]})
    return found


def updated(config: SessionConfig, parts: Parts, registry: Registry) -> SessionConfig:
    """Return a configuration with the parts of an update put in. Raises `Refusal`; then nothing of it counts."""
    for name, (path, value) in parts.items():
        config = READERS[name](config, path, value, registry)
    path = parts["transcription"][0] if "transcription" in parts else "session"
    return _checked(config, registry.manifest(config.hints.model), path)


def _format(config: SessionConfig, path: str, value: Any, registry: Registry) -> SessionConfig:
    if value is None:
        return replace(config, sound=SoundFormat())
    given = GivenObject(path, value, ("type", "rate"))
    kind = given.get("type", config.sound.type, PCM, one_of(PCM, MULAW, ALAW))
    if kind != PCM:
        given.get("rate", TELEPHONE, TELEPHONE, number(TELEPHONE, TELEPHONE, whole=True))
        return replace(config, sound=SoundFormat(kind, TELEPHONE))
    current = config.sound.rate if config.sound.type == PCM else RATES[0]
    rate = given.get("rate", current, RATES[0], number(min(RATES), max(RATES), whole=True))
    if rate not in RATES:
        raise invalid(f"{path}.rate", f"expected {', '.join(map(str, sorted(RATES)))}, found {rate}")
    return replace(config, sound=SoundFormat(PCM, rate))


def _transcription(config: SessionConfig, path: str, value: Any, registry: Registry) -> SessionConfig:
    if value is None:
        return replace(config, hints=Hints(registry.default))
    given = GivenObject(path, value, ("model", "language", "languages", "keywords", "prompt", "delay"))
    now = config.hints
    model = given.get("model", now.model, registry.default, text)
    hints = Hints(
        _resolved(registry, model, f"{path}.model"),
        given.get("language", now.language, None, text) or None,
        given.get("languages", now.languages, (), texts(MOST_LANGUAGES)),
        given.get("keywords", now.keywords, (), texts(MOST_KEYWORDS)),
        given.get("prompt", now.prompt, None, text) or None,
        given.get("delay", now.delay, None, one_of(*DELAYS)),
    )
    return replace(config, hints=hints)


def _noise_reduction(config: SessionConfig, path: str, value: Any, registry: Registry) -> SessionConfig:
    """Check it, no more: models hear the sound as it is, and the session says so with null."""
    if value is not None:
        given = GivenObject(path, value, ("type", "strength"))
        given.get("type", "", "", one_of("near_field", "far_field"))
    return config


def _turn_detection(config: SessionConfig, path: str, value: Any, registry: Registry) -> SessionConfig:
    return replace(config, turns=None if value is None else turns_of(path, value, config.turns))


def turns_of(path: str, value: Any, now: TurnDetection | None) -> TurnDetection:
    """Return the turn detection asked for; fields that are absent stay where its type does. Raises `Refusal`."""
    own = ("threshold", "prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms", "eagerness")
    given = GivenObject(path, value, ("type", *own), ("create_response", "interrupt_response"))
    kind = given.raw("type") or ("semantic_vad" if isinstance(now, SemanticVad) else "server_vad")
    if one_of("server_vad", "semantic_vad")(f"{path}.type", kind) == "semantic_vad":
        before = now if isinstance(now, SemanticVad) else SemanticVad()
        words = one_of("low", "medium", "high", "auto")
        return SemanticVad(given.get("eagerness", before.eagerness, "auto", words))
    was, usual = now if isinstance(now, ServerVad) else ServerVad(), ServerVad()
    return ServerVad(
        given.get("threshold", was.threshold, usual.threshold, number(0.01, 1)),
        given.get("prefix_padding_ms", was.prefix_padding_ms, usual.prefix_padding_ms, number(0, EARLY, whole=True)),
        given.get(
            "silence_duration_ms", was.silence_duration_ms, usual.silence_duration_ms, number(0, LATE, whole=True)
        ),
        given.get("idle_timeout_ms", was.idle_timeout_ms, None, number(5_000, 30_000, whole=True)),
    )


def _include(config: SessionConfig, path: str, value: Any, registry: Registry) -> SessionConfig:
    wanted = () if value is None else texts(10)(path, value)
    for each in wanted:
        one_of(LOGPROBS)(path, each)
    return replace(config, logprobs=LOGPROBS in wanted)


READERS = {
    "format": _format,
    "transcription": _transcription,
    "noise_reduction": _noise_reduction,
    "turn_detection": _turn_detection,
    "include": _include,
}


def _resolved(registry: Registry, name: str, path: str) -> str:
    try:
        return registry.resolve(name)
    except Refusal as refusal:
        raise Refusal(refusal.status, refusal.code, refusal.message, path) from refusal


def _checked(config: SessionConfig, manifest: Manifest, path: str) -> SessionConfig:
    """Return the configuration without a prompt where the model takes none. Raises `Refusal` for what it cannot do."""
    if config.hints.prompt is not None and not _allows(manifest, initial_prompt=config.hints.prompt):
        config = replace(config, hints=replace(config.hints, prompt=None))
    try:
        for language in config.hints.languages:
            TranscribeOptions(language=language).check(manifest)
        config.options_for(manifest).check(manifest)
    except OptionError as error:
        field = {"hotwords": "keywords"}.get(named_in(str(error)) or "", "language")
        at = path if path == "session" else f"{path}.{field}"
        raise Refusal(400, "invalid_value", str(error), at) from error
    return config


def _allows(manifest: Manifest, **options: Any) -> bool:
    try:
        TranscribeOptions(**options).check(manifest)
    except OptionError:
        return False
    return True
