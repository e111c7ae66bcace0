"""The outcome of a calibration: what is written into the manifest, and what is to be said about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...engines.whisper.window import Context
from ...types import SAMPLE_RATE
from .choice import WITNESSES, Limits, choose, objection, unseen
from .figures import Figures

FEW_CLIPS, FEW_SECONDS = 20, 60.0  # below which an outcome may be chance


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a bundle heard in each window. `same` has, by setting, all those that gave every clip the same window."""

    model: str
    takes: int
    transcripts: int
    unread: int
    samples: int
    limits: Limits
    full: Figures
    settings: tuple[Figures, ...]
    same: dict[Context, tuple[Context, ...]]
    host: dict[str, Any] = field(default_factory=dict)

    @property
    def chosen(self) -> Figures:
        """The fastest safe setting; the full window where there is none, or none that is faster."""
        return choose(self.full, self.settings, self.limits)

    @property
    def seen(self) -> bool:
        """Whether clips were short enough to tell anything."""
        return not all(unseen(each) for each in self.settings)

    @property
    def audio_context(self) -> dict[str, float]:
        """What the manifest is to say; empty is the full window."""
        context = self.chosen.context
        return {} if self.chosen is self.full else {"floor_s": context.floor_s, "margin_s": context.margin_s}

    @property
    def seconds(self) -> float:
        """Seconds of speech."""
        return self.samples / SAMPLE_RATE

    def objection(self, figures: Figures) -> str:
        """Return why a setting is not to be recommended, or ""."""
        return objection(figures, self.limits)

    def warnings(self) -> list[str]:
        """Return a line for each reason to trust the outcome less."""
        lines = []
        clips, chosen = self.full.clips, self.chosen
        if clips < FEW_CLIPS or self.seconds < FEW_SECONDS:
            lines.append(
                f"{clips} clips with {self.seconds:.0f} s of speech say little; give {FEW_CLIPS} clips and "
                f"{FEW_SECONDS:.0f} s or more"
            )
        if self.unread:
            lines.append(f"{self.unread} recordings left out: the full window misses more than half of their words too")
        if chosen is not self.full and chosen.at_margin < WITNESSES:
            lines.append(
                f"{chosen.at_margin} clips were long enough for the margin of {chosen.context.margin_s:g} s to matter; "
                "longer ones would show it"
            )
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as they stand in a manifest and in JSON; rates and shares from 0 to 1."""
        return {
            "recordings": self.takes,
            "transcripts": self.transcripts,
            **({"not_understood": self.unread} if self.unread else {}),
            "clips": self.full.clips,
            "seconds_of_speech": round(self.seconds, 2),
            "host": self.host,
            "max_loss": self.limits.max_loss,
            "max_retries": self.limits.max_retries,
            "chosen": label(self.chosen.context),
            "windows": {label(each.context): self._row(each) for each in (self.full, *self.settings)},
        }

    def _row(self, figures: Figures) -> dict[str, Any]:
        why = "" if figures is self.full else self.objection(figures)
        row = figures.to_dict()
        if figures is self.full:
            del row["clips_at_floor"]
        return {**row, **({"not_safe": why} if why else {})}


def label(context: Context) -> str:
    """Return what a setting is called in tables."""
    if context == Context():
        return "full, 30 s"
    return f"floor {context.floor_s:g} s, margin {context.margin_s:g} s"
