"""The options of the service, and its limits. No numpy and no server here: help and docs/options.md read them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engines.machine.devices import DEVICES
from ..errors import OptionError
from ..kinds import Choice, Count, FilePath, Kind, Number, Switch, Whole
from ..option import check, group, option, options_of

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MIB = 1 << 20


class Names(Kind):
    """Several texts; in a text with commas between."""

    expected, metavar = "texts with commas between", "NAME,..."
    schema: Mapping[str, Any] = {"type": "array", "items": {"type": "string"}}

    def read(self, text: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())

    def plain(self, value: Any) -> Any:
        return self.read(value) if isinstance(value, str) else value

    def allows(self, value: Any) -> bool:
        return isinstance(value, tuple) and all(isinstance(each, str) for each in value)


def _bytes(default: int, flag: str) -> Any:
    return option(default, Whole(), flag)


def _seconds(default: float, flag: str) -> Any:
    return option(default, Number(0, unit="seconds", finite=True), flag)


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """What the service takes from clients. 0 switches a limit off.

    upload_bytes: bytes of an uploaded file. Reading stops there, whatever its header says.
    received_bytes: bytes of all recordings that are held at a time, in memory and on the disk. Further ones get 429.
    audio_seconds: seconds of sound in an uploaded file.
    request_seconds: seconds that an upload may wait and be heard.
    uploads: uploads that wait or are heard at a time. Further ones get 429.
    streams: live sessions at a time (measured at the start). Further ones get 429, or close code 1013.
    connections: open connections. Further ones are closed at once.
    head_seconds: seconds within which the head of a request must be there.
    body_seconds: seconds within which the body of a request must be there, and one more for each `body_rate` bytes.
    body_rate: bytes a second that a body must have once `body_seconds` are over.
    write_seconds: seconds that a client may leave what is sent to it unread.
    config_seconds: seconds within which a socket must say what it wants.
    idle_seconds: seconds without sound after which a live session ends.
    stream_seconds: seconds that a live session may last.
    backlog_seconds: seconds of a live session's speech that may wait. The socket is not read while more does.
    listen_bytes: bytes of a message on /v1/listen.
    realtime_bytes: bytes of a message on /v1/realtime. 15 MiB of sound in base64 pass.
    text_bytes: bytes of a message in JSON that has no sound in it, and of a field of a form.
    json_depth: how deep JSON may be nested.
    drain_seconds: seconds that running work has after SIGTERM.
    load_seconds: seconds that a client waits for a model that is being loaded. Then it gets 503.
    """

    upload_bytes: int = _bytes(25 * MIB, "--max-upload-bytes")
    received_bytes: int = _bytes(512 * MIB, "--max-received-bytes")
    audio_seconds: float = _seconds(7_200.0, "--max-audio-seconds")
    request_seconds: float = _seconds(600.0, "--max-request-seconds")
    uploads: int = option(32, Whole(), "--max-uploads")
    streams: int | None = option(None, Whole(or_none=True), "--max-streams")
    connections: int = option(2_000, Whole(), "--max-connections")
    head_seconds: float = _seconds(10.0, "--head-seconds")
    body_seconds: float = _seconds(60.0, "--body-seconds")
    body_rate: int = option(64 << 10, Whole(), "--body-rate")
    write_seconds: float = _seconds(10.0, "--write-seconds")
    config_seconds: float = _seconds(10.0, "--config-seconds")
    idle_seconds: float = _seconds(60.0, "--idle-seconds")
    stream_seconds: float = _seconds(7_200.0, "--max-stream-seconds")
    backlog_seconds: float = option(30.0, Number(1, 1_800, "seconds"), "--backlog-seconds")
    listen_bytes: int = _bytes(MIB, "--max-listen-bytes")
    realtime_bytes: int = _bytes(20 * MIB + (64 << 10), "--max-realtime-bytes")
    text_bytes: int = _bytes(64 << 10, "--max-text-bytes")
    json_depth: int = option(32, Whole(), "--max-json-depth")
    drain_seconds: float = _seconds(20.0, "--drain-seconds")
    load_seconds: float = _seconds(60.0, "--load-seconds")

    def to_dict(self) -> dict[str, Any]:
        """Return the limits by name, as /v1/limits does; one that is off is None."""
        return {name: getattr(self, name) or None for name in options_of(ServiceLimits)}


def within(limit: float) -> float:
    """Return a limit that 0 switches off as the most there may be: infinity for none."""
    return limit or math.inf


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How the service runs.

    host: address to listen on. Any but this machine's own wants a key, or `insecure`.
    port: port to listen on. 0 takes a free one, which the first line of the log names.
    model: model that is taken where a client names none ($MALSORI_MODEL, or the most accurate that is here).
    partials: model of what is being said in live sessions (that of the finals).
    models: models that clients may name (all that are here when the service starts).
    loaded: models that are in memory at a time, beside the default ones.
    idle_unload: seconds without work after which a model is unloaded (0: never). The next request loads it again.
    api_key_file: file with the keys that clients need, one a line.
    key_in_query: take a key as ?api_key= on sockets, too. A key in an address ends up in logs of proxies.
    insecure: listen on any address without a key.
    allow_host: names under which clients may call, such as box.local. Where the address is this machine's own; others
        are refused, so that no web page reaches the service under a name that it owns.
    allow_origin: web pages that may call, such as https://app.example. The service's own page always may.
    wyoming: address for Home Assistant, such as tcp://127.0.0.1:10300 or unix:///run/malsori.sock.
    names: file with names of rooms and devices, one a line, which Wyoming's requests listen for.
    zeroconf: name under which Wyoming is announced on the network. Empty is the machine's.
    device: where models run.
    compute_type: what models compute in.
    threads: CPU threads of a model (the cores that this process may use).
    memory: low takes less of it, and is slower.
    verify: check the sha256 sums of models as they are loaded.
    language: language of requests that name none (detected).
    context_s: most seconds before an utterance that live finals are read with (5). Less is quicker. Models that read
        utterances by themselves have none.
    log_format: text, or json with one object a line.
    log_level: what is logged.
    metrics_key: ask for a key at /metrics as well, where there are keys.
    """

    host: str = option("127.0.0.1", Kind())
    port: int = option(8_000, Whole(0, 65_535))
    model: str | None = option(None, Kind(or_none=True), "--model", "-m")
    partials: str | None = option(None, Kind(or_none=True))
    models: tuple[str, ...] = option((), Names())
    loaded: int = option(2, Count(), "--max-loaded")
    idle_unload: float = option(0.0, Number(0, unit="seconds", finite=True))
    api_key_file: Path | None = option(None, FilePath(or_none=True))
    key_in_query: bool = option(False, Switch())
    insecure: bool = option(False, Switch())
    allow_host: tuple[str, ...] = option((), Names())
    allow_origin: tuple[str, ...] = option((), Names())
    wyoming: str | None = option(None, Kind(or_none=True))
    names: Path | None = option(None, FilePath(or_none=True))
    zeroconf: str | None = option(None, Kind(or_none=True))
    device: str = option("auto", Choice(*DEVICES))
    compute_type: str = option("default", Kind())
    threads: int | None = option(None, Count(or_none=True))
    memory: str = option("normal", Choice("normal", "low"))
    verify: bool = option(True, Switch(), "--no-verify")
    language: str | None = option(None, Kind(or_none=True), "--language", "-l")
    context_s: float | None = option(None, Number(0, 15, "seconds", or_none=True), "--context")
    log_format: str = option("text", Choice("text", "json"))
    log_level: str = option("info", Choice("debug", "info", "warning", "error"))
    metrics_key: bool = option(False, Switch())
    limits: ServiceLimits = group(ServiceLimits())

    def __post_init__(self) -> None:
        check(self)
        if not self.is_local and self.api_key_file is None and not self.insecure:
            raise OptionError(
                f"--host {self.host}: other machines reach this address, and there is no key; --api-key-file FILE "
                "asks for one, --insecure does without"
            )
        if self.zeroconf is not None and self.wyoming is None:
            raise OptionError("--zeroconf announces Wyoming; --wyoming tcp://0.0.0.0:10300 starts it")
        if self.names is not None and self.wyoming is None:
            raise OptionError("--names is for Wyoming; --wyoming tcp://127.0.0.1:10300 starts it")

    @property
    def is_local(self) -> bool:
        """Whether the address is one that only this machine reaches."""
        return self.host in LOOPBACK or self.host.startswith("127.")
