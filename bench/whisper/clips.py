"""What is heard, how long it is, how many words it has, and the rows of times over many clips."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from bench.places import RECORDINGS
from bench.recordings import RATE, Audio, sound
from bench.results import Row

BUCKETS = ((0.5, 2.0), (2.0, 5.0), (5.0, 10.0), (10.0, 30.0))  # seconds; shorter than the first is no utterance
UTTERANCES = (1.0, 8.0)  # seconds: what people say to machines
PAUSE = 0.1  # seconds, in which the threads of whoever ran before stop spinning
Figures = dict[str, list[float]]


def words_in(seconds: float) -> int:
    """Return how many tokens so much speech has: about three a second, and two."""
    return round(3 * seconds) + 2


def lengths(bucket: tuple[float, float], count: int) -> list[float]:
    """Return `count` lengths spread evenly over a bucket, in seconds: `(2, 5)` and 3 give 2.5, 3.5 and 4.5."""
    low, high = bucket
    return [low + (high - low) * (2 * index + 1) / (2 * count) for index in range(count)]


def label(bucket: tuple[float, float]) -> str:
    """Return a bucket's name."""
    low, high = bucket
    return f"up to {high:g} s" if bucket == BUCKETS[0] else f"{low:g}-{high:g} s"


def recording(minutes: float) -> Audio:
    """Return so much of people reading, one recording after another; without those the samples, repeated."""
    from malsori.audio import decode

    wanted, parts = round(minutes * 60 * RATE), []
    for path in sorted((RECORDINGS / "long").glob("*.mp3")):
        parts.append(decode(path).samples)
        if sum(map(len, parts)) >= wanted:
            return np.concatenate(parts)[:wanted]
    return sound(minutes * 60)


def timed(name: str, listen: Callable[[], str], words: int) -> Callable[[], float]:
    """Return what takes the time of somebody who is to say so many words, in seconds.

    It raises `SystemExit` when others were said: the time would mean nothing.
    """

    def once() -> float:
        time.sleep(PAUSE)
        start = time.perf_counter()
        text = listen()
        seconds = time.perf_counter() - start
        check_words(name, text, words)
        return seconds

    return once


def check_words(name: str, text: str, expected: int) -> None:
    """Raise `SystemExit` when a peer has not said as many words as it was to: its time would mean nothing."""
    said = len(text.split())
    if said != expected:
        raise SystemExit(f"{name} said {said} words where {expected} were forced: {text[:60]!r}")


def latency_rows(case: str, figures: Figures, target: str = "") -> list[Row]:
    """Return the 50th and 95th percentile of clips' times; a ratio is that of the percentiles.

    `figures` holds the seconds of the same clips in the same order for everybody; the key `ours` is ours.
    """
    rows = []
    for percent in (50, 95):
        seconds = {name: float(np.percentile(values, percent)) for name, values in figures.items()}
        ours = seconds.pop("ours")
        spread = (round(min(figures["ours"]), 3), round(max(figures["ours"]), 3))
        rows.append(
            Row(
                case,
                f"p{percent}",
                "s",
                round(ours, 3),
                {name: round(value, 3) for name, value in seconds.items()},
                {name: round(value / ours, 2) for name, value in seconds.items()},
                target if percent == 50 else "",
                len(figures["ours"]),
                spread,
            )
        )
    return rows


def only(figures: Figures, wanted: Sequence[bool]) -> Figures:
    """Return the figures of the clips that are wanted."""
    return {
        name: [value for value, take in zip(values, wanted, strict=True) if take] for name, values in figures.items()
    }
