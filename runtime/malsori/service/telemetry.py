"""What the service counts and times, in the words of the service, and as Prometheus reads it.

It has a registry of its own: nothing that another library counts in this process is told, and nothing of ours there.
What can be asked when somebody reads (a queue's depth, the memory in use) is asked then and costs nothing before.
Labels have few values: what comes beyond `MOST_VALUES` of them counts as "other", so that no client makes series.
"""

from __future__ import annotations

import math
import os
import platform
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from .. import __version__

MOST_VALUES = 32
OTHER = "other"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # what `generate_latest` writes; its own constant says 1.0.0
TIMED = "/v1/"  # routes whose requests are timed; health, metrics and the page would be series that nobody reads

QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds
REQUEST = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)
LATENCY = (
    0.05,
    0.1,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.85,
    1,
    1.5,
    2,
    3,
    5,
)  # around 0.7 s, what a live client should get
FACTOR = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)  # seconds of work for a second of sound
LOAD = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180)


class Metrics:
    """All that is counted. Threads and the event loop may count at once."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._routes, self._codes = Values(), Values()
        self._causes, self._reasons = Values(), Values()
        self._speech_s = self._told_s = 0.0
        self._lock = threading.Lock()
        self._make_requests()
        self._make_sound()
        self._make_models()

    def _make_requests(self) -> None:
        self._requests = self._counter(
            "requests", "Requests answered, and sockets accepted or refused", "route", "code"
        )
        self._request_s = self._histogram(
            "request_seconds", "From the head of a request to its last byte", REQUEST, "route"
        )
        self._queue_depth = self._gauge("queue_depth", "Pieces of work that wait for an engine")
        self._queue_wait_s = self._histogram("queue_wait_seconds", "Time that work waited for an engine", QUICK)
        self._sessions = self._gauge("sessions_active", "Live sessions that are open")
        self._rejected = self._counter("sessions_rejected", "Live sessions that were refused", "reason")

    def _make_sound(self) -> None:
        self._audio_s = self._counter("audio_seconds", "Seconds of sound taken in, of files and live")
        self._dropped_s = self._counter("dropped_audio_seconds", "Seconds of sound that nobody heard", "cause")
        self._rtf = self._histogram("rtf", "Seconds of work for a second of sound, of files", FACTOR)
        self._first_partial_s = self._histogram(
            "first_partial_seconds", "From the beginning of an utterance to its first partial", LATENCY
        )
        self._final_s = self._histogram("final_latency_seconds", "From the end of speech to its final", LATENCY)
        ratio = self._gauge("vad_speech_ratio", "Part of the sound that was speech, since the start")
        ratio.set_function(lambda: self._speech_s / self._told_s if self._told_s else 0.0)

    def _make_models(self) -> None:
        self._load_s = self._histogram("model_load_seconds", "Time to load a model and warm it up", LOAD)
        self._loaded = self._gauge("models_loaded", "Models in memory")
        self._gauge("rss_bytes", "Memory of the process that is resident").set_function(_resident)
        about = self._gauge("build_info", "1; the labels say what runs", "version", "python")
        about.labels(__version__, platform.python_version()).set(1)
        ProcessCollector(namespace="malsori", registry=self.registry)  # processor time, open files; Linux only

    def request(self, route: str, code: int, seconds: float | None = None) -> None:
        """Count a request by the template of its route, `/v1/models/{id:path}` say; sockets have no `seconds`."""
        route = self._routes(route)
        self._requests.labels(route, self._codes(str(code))).inc()
        if seconds is not None and route.startswith(TIMED):
            self._request_s.labels(route).observe(seconds)

    def waited(self, seconds: float) -> None:
        """Count the time that a piece of work waited for an engine."""
        self._queue_wait_s.observe(seconds)

    def transcribed(self, audio_s: float, work_s: float) -> None:
        """Count a file that was transcribed: its length, and the time that it took once it was begun."""
        self._audio_s.inc(audio_s)
        if audio_s > 0:
            self._rtf.observe(work_s / audio_s)

    def heard(self, audio_s: float, speech_s: float | None = None) -> None:
        """Count sound that came live. `speech_s` says how much of it was speech, where that is known."""
        self._audio_s.inc(audio_s)
        if speech_s is not None:
            self.speech(audio_s, speech_s)

    def speech(self, audio_s: float, speech_s: float) -> None:
        """Count how much of some sound was speech, for `vad_speech_ratio` alone."""
        with self._lock:
            self._told_s += audio_s
            self._speech_s += speech_s

    def first_partial(self, latency_s: float) -> None:
        """Count the time from the beginning of an utterance to its first partial."""
        self._first_partial_s.observe(latency_s)

    def final(self, latency_s: float) -> None:
        """Count the time from the end of speech to its final."""
        self._final_s.observe(latency_s)

    def dropped(self, cause: str, audio_s: float) -> None:
        """Count sound that nobody heard."""
        self._dropped_s.labels(self._causes(cause)).inc(audio_s)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Count a live session as open while the `with` lasts."""
        with self._sessions.track_inprogress():
            yield

    def rejected(self, reason: str) -> None:
        """Count a live session that was refused, by the code that the client was told."""
        self._rejected.labels(self._reasons(reason)).inc()

    def loaded(self, seconds: float) -> None:
        """Count a model that was loaded."""
        self._load_s.observe(seconds)

    def watch(self, queue_depth: Callable[[], float], models_loaded: Callable[[], float]) -> None:
        """Say whom to ask for what is not counted; called only when somebody reads."""
        self._queue_depth.set_function(queue_depth)
        self._loaded.set_function(models_loaded)

    def exposition(self) -> tuple[bytes, str]:
        """Return all of it as text for Prometheus, and the content type of that."""
        return generate_latest(_Without("_created", self.registry)), CONTENT_TYPE

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace="malsori", registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, namespace="malsori", registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, text, labels, namespace="malsori", registry=self.registry, buckets=buckets)


class _Without(Collector):
    """A registry without the samples of a suffix: when each series was made is read by nobody."""

    def __init__(self, suffix: str, registry: CollectorRegistry) -> None:
        self._suffix, self._registry = suffix, registry

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith(self._suffix)]
            yield family


class Values:
    """The values that a label has had: the first `MOST_VALUES` are themselves, any further one is "other"."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """Return the value, or "other"."""
        if value not in self._known:
            if len(self._known) >= MOST_VALUES:
                return OTHER
            self._known.add(value)
        return value


def _resident() -> float:
    """Return the resident memory of this process in bytes, not a number where /proc is not there."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return float(int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
    except OSError:
        return math.nan
