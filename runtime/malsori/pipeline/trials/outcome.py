"""The outcome of a calibration: figures for the manifest, and warnings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...engines.whisper.window import Context
from ...joining import counted
from ...types import SAMPLE_RATE
from .figures import Figures
from .search import LEAST_AT_FLOOR, CalibrationLimits, choose, objection

FEW_CLIPS, FEW_SECONDS = 20, 60.0  # below which an outcome may be chance


@dataclass(frozen=True, slots=True)
class Calibration:
    """The figures of a bundle in the full window and in each setting.

    `same` has for each setting all that gave every clip the same window; `settings` are those tried to the end,
    `given_up` those with too many retries; `seen` is whether there were clips short enough for any floor.
    """

    model: str
    takes: int
    transcripts: int
    unread: int
    samples: int
    limits: CalibrationLimits
    full: Figures
    settings: tuple[Figures, ...]
    same: dict[Context, tuple[Context, ...]]
    seen: bool
    given_up: tuple[Context, ...] = ()
    host: dict[str, Any] = field(default_factory=dict)

    @property
    def chosen(self) -> Figures:
        """The safe setting that encodes the least; the full window where there is none."""
        return choose(self.full, self.settings, self.limits)

    @property
    def audio_context(self) -> dict[str, float]:
        """The value for the manifest; empty for the full window."""
        context = self.chosen.context
        return {} if self.chosen is self.full else {"floor_s": context.floor_s, "margin_s": context.margin_s}

    @property
    def seconds(self) -> float:
        """Seconds of speech."""
        return self.samples / SAMPLE_RATE

    def objection(self, figures: Figures) -> str:
        """Return why a setting is not to be recommended, or ""."""
        return objection(figures, self.limits)

    @property
    def thin(self) -> str:
        """Why the outcome may be chance, or "" where there was enough speech."""
        clips = self.full.clips
        if clips >= FEW_CLIPS and self.seconds >= FEW_SECONDS:
            return ""
        few, say = counted(clips, "clip"), "says" if clips == 1 else "say"
        enough = f"{FEW_CLIPS} clips and {FEW_SECONDS:.0f} s"
        return f"{few} with {self.seconds:.0f} s of speech {say} little; give {enough} or more"

    def warnings(self) -> list[str]:
        """Return a line for each reason to trust the outcome less."""
        left_out = (
            f"{counted(self.unread, 'recording')} left out: the full window misses more than half of the words too"
        )
        lines = (self.thin, left_out if self.unread else "", self._untried_margin())
        return [line for line in lines if line]

    def _untried_margin(self) -> str:
        """Return a warning where hardly any clip had a window that the margin made longer than the floor, or ""."""
        chosen, context = self.chosen, self.chosen.context
        if chosen is self.full or chosen.at_margin >= LEAST_AT_FLOOR:
            return ""
        hardly = f"only {counted(chosen.at_margin, 'clip')}" if chosen.at_margin else "no clip"
        return (
            f"{hardly} got a window longer than the floor of {context.floor_s:g} s, so little is known of the margin "
            f"of {context.margin_s:g} s; recordings longer than {context.floor_s - context.margin_s:g} s show it"
        )

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
            **({"given_up": [label(context) for context in self.given_up]} if self.given_up else {}),
            "windows": {label(each.context): self._row(each) for each in (self.full, *self.settings)},
        }

    def _row(self, figures: Figures) -> dict[str, Any]:
        why = "" if figures is self.full else self.objection(figures)
        row = figures.to_dict()
        if figures is self.full:
            del row["clips_at_floor"]
        return {**row, **({"not_safe": why} if why else {})}


def label(context: Context) -> str:
    """Return the name of a setting in tables."""
    if context == Context():
        return "full, 30 s"
    return f"floor {context.floor_s:g} s, margin {context.margin_s:g} s"
