"""Short utterances one by one, by their length: ours in the stock and in a calibrated window, and everybody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.recordings import sound
from bench.results import Row, alternate
from bench.whisper import ours, peers
from bench.whisper.clips import BUCKETS, UTTERANCES, Figures, label, latency_rows, lengths, only, timed, words_in
from bench.whisper.models import SHORT_WINDOW, Forms
from bench.whisper.peers import Hear, installed

STOCK, CALIBRATED, CPP_SHORT = "ours", "ours, calibrated", "whisper.cpp, same window"
TARGETS = {  # of clips of 1 to 8 s, by size and by whose window
    ("turbo", STOCK): "3x faster-whisper",
    ("turbo", CALIBRATED): "6x faster-whisper",
    ("small", CALIBRATED): "3x faster-whisper",
    ("tiny", CALIBRATED): "3x faster-whisper",
}


@dataclass(frozen=True, slots=True)
class Utterance:
    """A length in seconds, and the bucket that it belongs to."""

    seconds: float
    bucket: tuple[float, float]


def rows(found: Forms, size: str, clips: int, rounds: int) -> list[Row]:
    """Time so many clips of each bucket, so many times over."""
    spoken = [Utterance(each, bucket) for bucket in BUCKETS for each in lengths(bucket, clips)] * rounds
    figures = measured(hearers(found, size), spoken)
    made = []
    for bucket in BUCKETS:
        made += two_windows(f"{size}, {label(bucket)}", only(figures, [each.bucket == bucket for each in spoken]), {})
    low, high = UTTERANCES
    targets = {window: target for (named, window), target in TARGETS.items() if named == size}
    chosen = only(figures, [low <= each.seconds <= high for each in spoken])
    return [*made, *two_windows(f"{size}, {low:g}-{high:g} s", chosen, targets)]


def hearers(found: Forms, size: str) -> dict[str, Hear]:
    """Open a size in everything that is there."""
    opened = {
        STOCK: ours.hear(found.stock),
        CALIBRATED: ours.hear(found.calibrated),
        "faster-whisper": peers.faster_whisper(found.stock),
    }
    if size == "tiny":  # a single clip is a batch of one; to show it once is enough
        opened["faster-whisper batched"] = peers.faster_whisper_batched(found.stock)
    if size != "turbo" and installed("whisper.cpp"):
        opened["whisper.cpp"] = peers.whisper_cpp(found.ggml)
        opened[CPP_SHORT] = peers.whisper_cpp(found.ggml, SHORT_WINDOW["floor_s"], SHORT_WINDOW["margin_s"])
    if size != "turbo" and installed("openai-whisper"):
        opened["openai-whisper"] = peers.openai_whisper(found.openai)
    return opened


def measured(opened: dict[str, Hear], spoken: list[Utterance]) -> Figures:
    """Return everybody's seconds for all utterances, clip by clip in turn; the first clip is heard once before."""
    figures: Figures = {name: [] for name in opened}
    for index, utterance in enumerate(spoken):
        works = {name: work(name, hear, utterance.seconds) for name, hear in opened.items()}
        for name, times in alternate(works, 1, warm_up=int(index == 0)).items():
            figures[name] += times
    return figures


def work(name: str, hear: Hear, seconds: float) -> Callable[[], float]:
    """Return what takes the time of one clip."""
    clip, words = sound(seconds), words_in(seconds)
    return timed(name, lambda: hear(clip, words), words)


def two_windows(case: str, figures: Figures, targets: dict[str, str]) -> list[Row]:
    """Return the rows of our stock window, and of the calibrated one beside those that can do the same."""
    full = {name: values for name, values in figures.items() if name not in (CALIBRATED, CPP_SHORT)}
    small = {"ours": figures[CALIBRATED], "faster-whisper": figures["faster-whisper"]}
    small |= {name: figures[name] for name in (CPP_SHORT,) if name in figures}
    return [
        *latency_rows(f"{case}, window as stock", full, targets.get(STOCK, "")),
        *latency_rows(f"{case}, window calibrated to 5 s", small, targets.get(CALIBRATED, "")),
    ]
