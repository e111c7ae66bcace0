"""What the loop asks of whatever is trained: what it reads, which model learns, and how it is judged and exported."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from export.progress import Reporter
from export.training.clips import Clip
from export.training.curve import Curve, Evaluation
from export.training.learner import ClipTrainer, Lesson, choose_device, choose_precision
from export.training.manifest import Row
from export.training.settings import Settings
from malsori.bundles.manifest import Manifest


class Subject(ABC):
    """One run about something. The loop calls the methods in the order in which they stand here."""

    script: ClassVar[str]  # the command, as the manifest names it
    settings_type: ClassVar[type[Settings]]
    evaluation: ClassVar[type[Evaluation]]
    schedule: ClassVar[str]  # of the learning rate behind the warm-up, as transformers names it
    relief: ClassVar[str] = "halve --batch-size and double --accumulate"  # what a full GPU needs

    def __init__(self, settings: Settings, reporter: Reporter) -> None:
        """Take up the settings. Raises `ExportRefused` for those that cannot be met here."""
        settings.check()
        self.settings = settings
        self.reporter = reporter
        self.device = choose_device(settings.training.device)
        self.precision = choose_precision(settings.training.precision, self.device)

    @abstractmethod
    def read(self) -> tuple[list[Row], list[Row]]:
        """Return the rows to train on and those held out, before anything is loaded or written."""

    @abstractmethod
    def prepare(self, rows: Sequence[Row], held_out: Sequence[Row]) -> tuple[list[Clip], list[Clip]]:
        """Load the model, and return the clips of both sides; what is left out is told."""

    @property
    def judged_together(self) -> int:
        """How many held-out clips are in a batch."""
        return 8

    @abstractmethod
    def learner(self, lesson: Lesson) -> ClipTrainer:
        """Return what trains the model."""

    @abstractmethod
    def save(self, checkpoint: Path, folder: Path) -> None:
        """Write a trainer's checkpoint as Hugging Face lays out a whole one."""

    @abstractmethod
    def facts(self, curve: Curve) -> dict[str, Any]:
        """Return what the manifest says of this training besides what it says of each."""

    @abstractmethod
    def export(self, checkpoint: Path, out: Path, **shared: Any) -> Manifest:
        """Make a bundle of a checkpoint, with the options that all exports take; return its manifest."""

    @abstractmethod
    def measure(self, bundle: Path, manifest: Manifest, clips: Sequence[Clip]) -> dict[str, Any]:
        """Return groups of figures of a finished bundle on held-out clips. Raises `ExportRefused` for bad ones."""

    @abstractmethod
    def told(self, measured: dict[str, Any]) -> list[str]:
        """Return what a manifest's figures say of before and after, in lines for the console."""
