"""What a comparison has found: the recordings, and of each model what it heard and what it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median
from typing import Any

from .compared_model import ComparedModel
from .differences import by_character
from .model_task import HeardRecording


@dataclass(frozen=True, slots=True)
class ComparedRecording:
    """A recording: its path, its name in results, what was `said` in it if that is known, its length in seconds."""

    path: str
    name: str
    said: str | None = None
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelOutcome:
    """A model, what it heard in each recording (None where it did not come to that), and what it took.

    `size` are the bytes of its files, `peak` the most memory of its process; `latency_s` the seconds for a short clip,
    `latency_of` which; `stored` how weights are stored, `compute_type` what it computes in. With a `trouble` it has no
    figures.
    """

    label: str
    model: ComparedModel
    kind: str = ""
    title: str = ""
    size: int = 0
    quantization: str = ""
    demonstration: bool = False
    device: str = ""
    compute_type: str = ""
    load_s: float = 0.0
    peak: int | None = None
    latency_s: float | None = None
    latency_of: str = ""
    heard: tuple[HeardRecording | None, ...] = ()
    trouble: str = ""

    @property
    def stored(self) -> str:
        """How its weights are stored, as people call it."""
        return "float32" if self.quantization == "none" else self.quantization

    def of(self, number: int) -> HeardRecording | None:
        """Return what it heard in a recording, None where it heard nothing for an error."""
        heard = self.heard[number] if number < len(self.heard) else None
        return None if heard is None or heard.error else heard

    @property
    def silent(self) -> bool:
        """Whether it heard nothing at all, for its trouble."""
        return bool(self.trouble) and not any(each is not None and not each.error for each in self.heard)

    def error(self, number: int) -> str:
        """Return why it did not hear a recording, "" where it did."""
        heard = self.heard[number] if number < len(self.heard) else None
        return (self.trouble or "not heard") if heard is None else heard.error


@dataclass(frozen=True)
class ModelComparison:
    """Several models on the same recordings, each heard `runs` times, on the machine `host`.

    `asked` are the options that were asked of all, such as `language=ko`. What goes through all texts or recordings is
    kept, since a page asks for it with each text; so the class has no slots.
    """

    recordings: tuple[ComparedRecording, ...]
    models: tuple[ModelOutcome, ...]
    runs: int = 1
    host: Mapping[str, Any] = field(default_factory=dict)
    asked: tuple[str, ...] = ()

    @property
    def ready(self) -> tuple[ModelOutcome, ...]:
        """The models that have figures."""
        return tuple(model for model in self.models if not model.trouble)

    @cached_property
    def counted(self) -> tuple[int, ...]:
        """The numbers of the recordings that all of these models heard: figures are of the same sound for all."""
        numbers = range(len(self.recordings))
        return tuple(number for number in numbers if all(model.of(number) for model in self.ready) and self.ready)

    @property
    def baseline(self) -> ModelOutcome | None:
        """The model with whose texts the others' are compared where it is not known what was said: the first."""
        return next(iter(self.ready), None)

    @property
    def scored(self) -> bool:
        """Whether it is known of any counted recording what was said."""
        return any(self.recordings[number].said is not None for number in self.counted)

    @cached_property
    def characters(self) -> bool:
        """Whether errors are counted in characters without spaces (Korean, Japanese, Chinese, ...), else in words."""
        said = [each.said for each in self.recordings if each.said]
        heard = (model.of(number) for model in self.ready for number in range(len(self.recordings)))
        return by_character(said or [each.text for each in heard if each is not None])

    @property
    def metric(self) -> str:
        """What errors are counted in, as the field calls it."""
        return "CER" if self.characters else "WER"

    @property
    def sound_s(self) -> float:
        """The seconds of sound of the counted recordings."""
        return sum(self.recordings[number].duration for number in self.counted)

    def reference(self, number: int) -> str | None:
        """Return the text that others are compared with: what was said, else what the baseline heard, else None."""
        said = self.recordings[number].said
        heard = self.baseline.of(number) if self.baseline else None
        return said if said is not None or heard is None else heard.text

    def seconds(self, model: ModelOutcome) -> float:
        """Return the seconds that a model took for the counted recordings, the median of the runs of each."""
        heard = (model.of(number) for number in self.counted)
        return sum(median(each.seconds) for each in heard if each is not None)
