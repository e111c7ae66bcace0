"""What a client is told of the models: Wyoming's `info`, made once of the manifests, without loading a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from ... import __version__
from ...bundles.manifest import Manifest
from ...languages import LANGUAGES
from ...types import UNKNOWN
from ...urls import is_url

DOMAINS = ("tts", "handle", "intent", "wake", "mic", "snd")  # of other services, which this is none of


class ModelNames(Protocol):
    """The models of a service, such as its `Registry`: names, the default one first, and manifests."""

    @property
    def names(self) -> Iterable[str]:
        """The names of the models."""
        ...

    def manifest(self, name: str) -> Manifest:
        """Return the manifest of one of them."""
        ...


def wyoming_info(models: ModelNames) -> dict[str, Any]:
    """Return the data of `info`: one program with all models.

    Clients build their objects of these fields: without `attribution`, `installed`, `description` or `version` of a
    model, or of the program, theirs is a TypeError. Home Assistant offers the languages of all installed models
    together.
    """
    program = {
        "name": "malsori",
        "attribution": {"name": "malsori", "url": ""},
        "installed": True,
        "description": "speech to text with wav2vec2 and Whisper",
        "version": __version__,
        "models": [_model(models.manifest(name)) for name in models.names],
        "supports_transcript_streaming": True,
        # Home Assistant ends a command itself only where this is true: where it is false, it waits for a transcript
        # that comes before the end of the sound.
        "requires_external_vad": True,
    }
    return {"asr": [program], **{domain: [] for domain in DOMAINS}}


def languages_of(manifest: Manifest) -> tuple[str, ...]:
    """Return the languages that a model may be told; one that names none takes any, and a client must see some."""
    named = tuple(code for code in manifest.languages if code != UNKNOWN)
    return named or LANGUAGES


def _model(manifest: Manifest) -> dict[str, Any]:
    source = manifest.source
    return {
        "name": manifest.name,
        "attribution": {"name": source, "url": source if is_url(source) else ""},
        "installed": True,
        "description": manifest.description or manifest.name,
        "version": manifest.revision or None,
        "languages": list(languages_of(manifest)),
    }
