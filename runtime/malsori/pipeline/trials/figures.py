"""Character and word errors, and the figures of one setting of a calibration: errors, retries, seconds."""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...engines.whisper.features import MEL_RATE, WINDOW
from ...engines.whisper.window import Context
from .verdict import UNREAD, Errors


def edit_distance(reference: str, heard: str) -> int:
    """Return how many characters to insert, delete or replace to turn one text into the other (Levenshtein)."""
    return int(last(distance_rows(_codes(reference), _codes(heard)))[-1])


def distance_rows(reference: NDArray[Any], heard: NDArray[Any]) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of Levenshtein's table: how far each beginning of `reference` is from all beginnings of `heard`.

    Both are coded as numbers. Insertions are a running minimum over the cells to the left plus their distance.
    """
    steps = np.arange(len(heard) + 1)
    row = steps
    yield row
    for code in reference:
        best = row + 1  # deleted
        best[1:] = np.minimum(best[1:], row[:-1] + (heard != code))  # kept or replaced
        row = np.minimum.accumulate(best - steps) + steps
        yield row


def last(rows: Iterator[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the last of the rows, without keeping the others."""
    return deque(rows, maxlen=1)[0]


def word_distance(reference: str, heard: str) -> int:
    """Return how many words to insert, delete or replace to turn one text into the other; split at spaces."""
    numbers: dict[str, str] = {}
    coded = [
        "".join(numbers.setdefault(word, chr(len(numbers) + 1)) for word in text.split()) for text in (reference, heard)
    ]
    return edit_distance(*coded)


def plain(text: str) -> str:
    """Return a text normalised for comparison: NFC, no case, no punctuation or symbols, single spaces.

    Models write without punctuation and in one case, people do not; that is no error of hearing.
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return " ".join("".join(char for char in folded if unicodedata.category(char)[0] not in "PS").split())


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


@dataclass(frozen=True, slots=True)
class Run:
    """The text of a clip from one window, the seconds it took, and whether it was read again at 30 s."""

    text: str
    seconds: float
    retried: bool


@dataclass(frozen=True, slots=True)
class HeardWindows:
    """One stretch of speech: its length and its runs by window in mel frames, always with that of the full window."""

    samples: int
    runs: dict[int, Run]


@dataclass(frozen=True, slots=True)
class Take:
    """One recording: its transcript, if there is one, and its stretches of speech."""

    transcript: str | None
    clips: tuple[HeardWindows, ...]

    def text(self, context: Context) -> str:
        """Return the normalised text of a setting."""
        texts = (clip.runs[context.window(clip.samples)].text for clip in self.clips)
        return plain(" ".join(texts))

    @property
    def full(self) -> str:
        """The normalised text of the full window."""
        return self.text(Context())

    @property
    def reference(self) -> str:
        """The reference: the transcript, else the text of the full window."""
        return self.full if self.transcript is None else plain(self.transcript)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one setting on some clips.

    `at_floor` are clips read in the floor's own window, `at_margin` those in one that the margin made longer, `retried`
    those read again at 30 s. `window` is the mean window in seconds, `p50` and `p95` are seconds of work per clip;
    `ratio` above 1 is faster than the full window (median over the clips). `loss` is the CER against the reference less
    that of the full window; `cer` and `wer` are against transcripts, None where there are none, `cer_full` and
    `wer_full` against the text of the full window. For `wer`, `Errors` counts words.
    """

    context: Context
    clips: int
    at_floor: int
    at_margin: int
    retried: int
    window: float
    p50: float
    p95: float
    ratio: float
    loss: float
    cer: Errors | None
    wer: Errors | None
    cer_full: Errors
    wer_full: Errors

    @property
    def retries(self) -> float:
        """The share of clips read again."""
        return self.retried / self.clips

    @property
    def encoded(self) -> float:
        """Seconds of window encoded for all clips, retries at 30 s included."""
        return self.window * self.clips + WINDOW / MEL_RATE * self.retried

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as they stand in a manifest and in JSON; rates and shares from 0 to 1."""
        errors = {"cer": self.cer, "wer": self.wer, "cer_full": self.cer_full, "wer_full": self.wer_full}
        rates = {name: each.rate for name, each in errors.items() if each is not None}
        return {
            "clips_at_floor": self.at_floor,
            **{name: round(rate, 5) for name, rate in rates.items() if rate is not None},
            "loss": round(self.loss, 5),
            "retries": round(self.retries, 4),
            "encoded_s": round(self.encoded, 2),
            "p50_s": round(self.p50, 4),
            "p95_s": round(self.p95, 4),
            "ratio": round(self.ratio, 3),
        }


def figures_of(context: Context, takes: Sequence[Take]) -> Figures:
    """Return the figures of one setting from the runs in `takes`."""
    clips = [clip for take in takes for clip in take.clips]
    windows = [context.window(clip.samples) for clip in clips]
    runs = [clip.runs[window] for clip, window in zip(clips, windows, strict=True)]
    seconds = [run.seconds for run in runs]
    ratios = [clip.runs[WINDOW].seconds / max(run.seconds, 1e-9) for clip, run in zip(clips, runs, strict=True)]
    floor = context.window(0)
    written = [(plain(take.transcript), take.text(context)) for take in takes if take.transcript is not None]
    against_full = [(take.full, take.text(context)) for take in takes]
    return Figures(
        context=context,
        clips=len(clips),
        at_floor=windows.count(floor),
        at_margin=sum(floor < window < WINDOW for window in windows),
        retried=sum(run.retried for run in runs),
        window=float(np.mean(windows)) / MEL_RATE,
        p50=float(np.percentile(seconds, 50)),
        p95=float(np.percentile(seconds, 95)),
        ratio=median(ratios),
        loss=_loss(context, takes),
        cer=_counted(written, edit_distance, len) if written else None,
        wer=_counted(written, word_distance, _words) if written else None,
        cer_full=_counted(against_full, edit_distance, len),
        wer_full=_counted(against_full, word_distance, _words),
    )


def understood(take: Take) -> bool:
    """Return whether the full window has at most `UNREAD` errors against the transcript, if there is one."""
    reference = take.reference
    return edit_distance(reference, take.full) <= UNREAD * len(reference) or take.transcript is None


def _loss(context: Context, takes: Sequence[Take]) -> float:
    """Return the character error rate of a setting less that of the full window."""
    short = sum(edit_distance(take.reference, take.text(context)) for take in takes)
    full = sum(edit_distance(take.reference, take.full) for take in takes)
    return (short - full) / sum(len(take.reference) for take in takes)


def _counted(
    pairs: Sequence[tuple[str, str]], distance: Callable[[str, str], int], size: Callable[[str], int]
) -> Errors:
    counts = (Errors(distance(reference, heard), size(reference)) for reference, heard in pairs)
    return sum(counts, Errors())


def _words(text: str) -> int:
    return len(text.split())
