"""The figures of a proof, and the limits that they must keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

UNREAD = 0.5  # CER against a transcript above which a recording counts as not understood
# A ratio of times within it is chance. On two cores shared with ten others, a graph against itself came out between
# 0.90 and 1.20 in 7 rounds; hence also the quartile, and the second measurement in `speed.measure`.
NOISE = 1.1


@dataclass(frozen=True, slots=True)
class FrameAgreement:
    """Frames in which both have the same best token. `spoken` are frames in which one of them has no blank.

    `cosine` is the lowest cosine similarity of the logits of any one stretch of speech.
    """

    frames: int = 0
    same: int = 0
    spoken: int = 0
    spoken_same: int = 0
    cosine: float = 1.0

    def __add__(self, other: FrameAgreement) -> FrameAgreement:
        return FrameAgreement(
            self.frames + other.frames,
            self.same + other.same,
            self.spoken + other.spoken,
            self.spoken_same + other.spoken_same,
            min(self.cosine, other.cosine),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as they stand in a manifest; shares of frames."""
        return {
            "frames": self.frames,
            "agreement": _share(self.same, self.frames),
            "agreement_spoken": _share(self.spoken_same, self.spoken),
            "cosine": round(self.cosine, 6),
        }


@dataclass(frozen=True, slots=True)
class Errors:
    """Edits between reference and hypothesis, and the characters of the reference."""

    edits: int = 0
    characters: int = 0

    def __add__(self, other: Errors) -> Errors:
        return Errors(self.edits + other.edits, self.characters + other.characters)

    @property
    def rate(self) -> float | None:
        """The character error rate; None where reference and hypothesis are empty."""
        if not self.characters:
            return 1.0 if self.edits else None
        return self.edits / self.characters


@dataclass(frozen=True, slots=True)
class Repeats:
    """How many clips gave another text when recognised again alone, and `batched`, all in one call.

    The differences are the largest absolute ones of any logit; None for families without logits.
    """

    clips: int
    again: int
    batched: int
    again_difference: float | None = None
    batched_difference: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as they stand in a manifest."""
        texts = {"clips": self.clips, "other_text_again": self.again, "other_text_batched": self.batched}
        if self.again_difference is None or self.batched_difference is None:
            return texts
        differences = {"again": self.again_difference, "batched": self.batched_difference}
        return texts | {f"logits_{name}": float(f"{value:.3g}") for name, value in differences.items()}


@dataclass(frozen=True, slots=True)
class Speed:
    """Median seconds for a clip of `length` seconds, and of the other bundle, `against`.

    `ratio` is the median of the rounds' ratios, above 1 where faster than the other, `spread` their quartiles.
    """

    length: float
    seconds: float
    rounds: int
    against: float | None = None
    ratio: float | None = None
    spread: tuple[float, float] | None = None

    @property
    def rtfx(self) -> float:
        """Seconds of sound per second of work."""
        return self.length / self.seconds

    @property
    def slower(self) -> bool:
        """Whether it is slower than the other bundle beyond chance: by more than `NOISE`, in three rounds of four."""
        return self.ratio is not None and self.spread is not None and self.ratio * NOISE < 1 and self.spread[1] < 1

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as they stand in a manifest."""
        figures: dict[str, Any] = {"seconds": round(self.seconds, 4), "rtfx": round(self.rtfx, 2)}
        if self.against is not None and self.ratio is not None and self.spread is not None:
            figures |= {"seconds_against": round(self.against, 4), "rtfx_against": round(self.length / self.against, 2)}
            figures |= {"ratio": round(self.ratio, 3), "quartiles": [round(value, 3) for value in self.spread]}
        return figures | {"rounds": self.rounds}


@dataclass(frozen=True, slots=True)
class ProofLimits:
    """What a bundle may lose against the other: percentage points of CER, and with `allow_slower` speed.

    2 points, since a single character of the shipped Korean samples is 1; with more recordings a stricter limit says
    more. `must_read` refuses a proof in which the other bundle understands none of the recordings.
    """

    max_loss: float = 2.0
    allow_slower: bool = False
    must_read: bool = True


@dataclass(frozen=True, slots=True)
class Proof:
    """The figures of a bundle on some recordings, and of another bundle, `against`.

    `loss` are the errors against the texts of `against`, in recordings that it understands: those without a transcript,
    and those with one of which it has at least half right. In other recordings both texts are noise. `cer` and
    `cer_against` are against transcripts, None where there are none.
    """

    model: str
    recordings: int
    seconds: float
    repeats: Repeats
    speeds: tuple[Speed, ...]
    against: str | None = None
    frames: FrameAgreement | None = None
    loss: Errors = Errors()
    unread: int = 0
    cer: Errors | None = None
    cer_against: Errors | None = None
    host: dict[str, Any] = field(default_factory=dict)

    def complaints(self, limits: ProofLimits) -> list[str]:
        """Return one line per limit that was broken."""
        lines = [*self._repeated(), *self._lost(limits)]
        return lines if limits.allow_slower else [*lines, *self.slowdowns()]

    def slowdowns(self) -> list[str]:
        """Return one line per length of clip at which the bundle is slower than the other."""
        return [
            f"{speed.ratio:.2f} times as fast as {self.against} at {speed.length:g} s (--allow-slower)"
            for speed in self.speeds
            if speed.slower
        ]

    def _repeated(self) -> list[str]:
        told = [(self.repeats.again, "heard a second time"), (self.repeats.batched, "heard together")]
        return [f"{count} of {self.repeats.clips} clips give another text when {how}" for count, how in told if count]

    def _lost(self, limits: ProofLimits) -> list[str]:
        rate = self.loss.rate
        if self.against is None or (rate is None and not limits.must_read):
            return []
        if rate is None:
            return [f"{self.against} understands none of the recordings; --audio with speech that it knows"]
        if rate * 100 > limits.max_loss:
            return [f"CER against {self.against} is {rate:.2%}, at most {limits.max_loss:g} % allowed (--max-loss)"]
        return []

    def to_dict(self) -> dict[str, Any]:
        """Return the proof as it stands in a manifest and in JSON; rates and shares from 0 to 1."""
        cer = {"against": self.loss if self.against else None, "transcripts": self.cer}
        cer["transcripts_against"] = self.cer_against
        rates = {name: errors.rate for name, errors in cer.items() if errors}
        return {
            "model": self.model,
            **({"against": self.against} if self.against else {}),
            "recordings": self.recordings,
            **({"not_understood": self.unread} if self.against else {}),
            "seconds_of_speech": round(self.seconds, 2),
            **({"frames": self.frames.to_dict()} if self.frames else {}),
            "cer": {name: round(rate, 5) for name, rate in rates.items() if rate is not None},
            "repeats": self.repeats.to_dict(),
            "host": self.host,
            "speed": {f"{speed.length:g} s": speed.to_dict() for speed in self.speeds},
        }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 5) if whole else None
