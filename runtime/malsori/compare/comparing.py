"""`compare`: recordings through one model after another, each in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from statistics import median

from ..bundles import find_bundle
from ..bundles.families import FAMILIES
from ..errors import MalsoriError, OptionError
from ..option import non_defaults
from ..pipeline import TranscribeOptions
from ..pipeline.options import LOADING, Loading
from ..pipeline.trials.proof import Say
from ..pipeline.trials.speed import host
from ..sound_options import GateOptions
from .compared_model import ComparedModel
from .comparison import ComparedRecording, ModelComparison, ModelOutcome
from .model_process import messages_of
from .model_task import CUT_S, SHORT_S, HeardRecording, ModelDone, ModelFailed, ModelLoaded, ModelMessage, ModelTask

OPTIONS = TranscribeOptions()


@dataclass(frozen=True, slots=True)
class ComparisonSettings:
    """What is asked of all models: the options of `transcribe`, how they are loaded, how often each recording is heard.

    The median of the runs counts as the time, the first text as the text.
    """

    options: TranscribeOptions = OPTIONS
    loading: Loading = LOADING
    runs: int = 1


def compare(
    models: Sequence[ComparedModel],
    recordings: Sequence[ComparedRecording],
    settings: ComparisonSettings | None = None,
    *,
    say: Say = lambda label, done, total: None,
    run: Callable[[ModelTask], Iterator[ModelMessage]] = messages_of,
) -> ModelComparison:
    """Return what each model heard in each recording, how fast, and what it took; never two models run at a time.

    A model that lacks an option, fails or dies has its `trouble`, and the others go on. `say` is told of progress, in
    bytes of recordings; `run` starts the process of a model.

    Raises:
        OptionError: no models, no recordings, or a value that no model can have.
        ModelNotFound: a model that is not here.
    """
    settings = settings or ComparisonSettings()
    settings.options.check_values()
    if not models or not recordings:
        raise OptionError("a comparison needs at least one model and one recording that can be read")
    outcomes = [_known(model, settings) for model in models]
    sizes = [_size(each) for each in recordings]
    progress = Progressing(say, sizes, sum(not outcome.trouble for outcome in outcomes))
    done = [outcome if outcome.trouble else _run(outcome, recordings, settings, progress, run) for outcome in outcomes]
    return ModelComparison(
        tuple(_measured(recordings, done)), tuple(done), settings.runs, host(), tuple(_asked(settings))
    )


@dataclass(slots=True)
class Progressing:
    """Tells how far a comparison is, by the bytes of the recordings that were heard."""

    say: Say
    sizes: Sequence[int]
    models: int
    _begun: int = 0
    _done: float = 0.0

    def next_model(self, label: str) -> None:
        """Tell that the next model is loaded."""
        self._done = float(self._begun * sum(self.sizes))
        self._begun += 1
        self._tell(f"loading {label}")

    def heard(self, label: str, name: str, number: int) -> None:
        """Tell that recording `number` is done or, from -1 on, that the first is begun."""
        self._done += self.sizes[number] if number >= 0 else 0
        self._tell(f"{label} hears {name}" if name else label)

    def _tell(self, label: str) -> None:
        among = f" ({self._begun} of {self.models})" if self.models > 1 else ""
        self.say(label + among, self._done, float(self.models * sum(self.sizes)))


def _known(model: ComparedModel, settings: ComparisonSettings) -> ModelOutcome:
    """Return what is known of a model before it is loaded, with its trouble where the options rule it out."""
    found = find_bundle(model.name)
    outcome = ModelOutcome(model.label or model.name, model)
    try:
        manifest = found.manifest()
        outcome = replace(
            outcome,
            title=FAMILIES[manifest.kind].title,
            kind=manifest.kind,
            size=manifest.size,
            quantization=manifest.quantization,
            demonstration=manifest.demonstration,
        )
        settings.options.check(manifest)
    except MalsoriError as error:
        return replace(outcome, trouble=str(error))
    return outcome


def _run(
    outcome: ModelOutcome,
    recordings: Sequence[ComparedRecording],
    settings: ComparisonSettings,
    progress: Progressing,
    run: Callable[[ModelTask], Iterator[ModelMessage]],
) -> ModelOutcome:
    """Return the outcome with what the model's process told."""
    model, paths = outcome.model, tuple(each.path for each in recordings)
    task = ModelTask(model.name, model.compute_type, settings.loading, settings.options, paths, settings.runs)
    progress.next_model(outcome.label)
    with closing(run(task)) as messages:  # type: ignore[type-var]  # a generator
        for message in messages:
            outcome = _with(outcome, message, len(recordings))
            if isinstance(message, (ModelLoaded, HeardRecording)):
                number = message.number if isinstance(message, HeardRecording) else -1
                coming = recordings[number + 1].name if number + 1 < len(recordings) else ""
                progress.heard(outcome.label, coming, number)
    return outcome


def _with(outcome: ModelOutcome, message: ModelMessage, count: int) -> ModelOutcome:
    """Return the outcome with a message of the model's process put in."""
    if isinstance(message, ModelLoaded):
        return replace(
            outcome, load_s=message.load_s, device=message.device, compute_type=message.compute_type or outcome.stored
        )
    if isinstance(message, HeardRecording):
        heard = outcome.heard or (None,) * count
        return replace(outcome, heard=(*heard[: message.number], message, *heard[message.number + 1 :]))
    if isinstance(message, ModelFailed):
        return replace(outcome, trouble=message.reason)
    return _done(outcome, message)


def _done(outcome: ModelOutcome, message: ModelDone) -> ModelOutcome:
    """Return the outcome with peak memory and latency; one that could hear no recording has its trouble."""
    whole = [each for each in outcome.heard if each is not None and not each.error]
    short = [median(each.seconds) for each in whole if each.duration <= SHORT_S]
    trouble = "" if whole else "it could hear none of the recordings"
    latency, of = (
        (median(short), f"{len(short)} of at most {SHORT_S:g} s")
        if short
        else (message.latency_s, f"the first {CUT_S:g} s of one")
    )
    return replace(outcome, peak=message.peak, latency_s=latency, latency_of=of, trouble=trouble)


def _measured(recordings: Sequence[ComparedRecording], done: Sequence[ModelOutcome]) -> Iterator[ComparedRecording]:
    """Yield the recordings with their lengths, as the models that could read them tell."""
    for number, each in enumerate(recordings):
        lengths = [heard.duration for outcome in done if (heard := outcome.of(number))]
        yield replace(each, duration=max(lengths, default=0.0))


def _asked(settings: ComparisonSettings) -> Iterator[str]:
    """Yield the options that are not at their defaults, as people write them."""
    options, loading = settings.options, settings.loading
    values = {name: value for each in (options.source, options.speech, options.decoding) for name, value in _own(each)}
    values |= {name: getattr(loading, name) for name in ("device", "threads", "memory")}
    usual = {"device": LOADING.device, "threads": LOADING.threads, "memory": LOADING.memory}
    for name, value in values.items():
        if name not in usual or value != usual[name]:
            yield f"{name}={value}"


def _own(options: object) -> Iterator[tuple[str, str]]:
    for name, value in non_defaults(options).items():
        if isinstance(value, GateOptions):
            yield from _own(value)
        elif name != "cancelled":
            parts = value if isinstance(value, tuple) else (value,)
            yield name, ",".join(str(getattr(part, "text", part)) for part in parts)


def _size(recording: ComparedRecording) -> int:
    try:
        return max(1, os.path.getsize(recording.path))
    except OSError:
        return 1
