"""Words that were heard in the clips, and how many of them are wrong, by the kind of the recordings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import jiwer

from bench.batch.clips import KINDS, Clip, kind_of
from bench.words.score import Errors, compare, total

Texts = Mapping[str, str]
"""What somebody heard, by the names of the clips."""

SPOKEN = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def read(folder: Path, clips: Sequence[Clip]) -> dict[str, str]:
    """Return what stands in the json files of a folder. Raises `SystemExit` where one is missing: it is no result."""
    found = {}
    for clip in clips:
        path = folder / f"{clip.name}.json"
        if not path.exists():
            raise SystemExit(f"{path.name} is not in {folder}: a clip was left out")
        found[clip.name] = str(json.loads(path.read_text("utf-8"))["text"]).strip()
    return found


def errors(clips: Sequence[Clip], texts: Texts, kind: str = "") -> Errors:
    """Return the errors of all clips, or of those of a kind, after Whisper's own normaliser of English."""
    chosen = [clip for clip in clips if kind in ("", kind_of(clip.parts[0]))]
    return total(compare(clip.said, texts[clip.name], "en") for clip in chosen)


def kinds(clips: Sequence[Clip]) -> dict[str, int]:
    """Return how many clips there are of each kind that there is."""
    counts = {kind: sum(kind_of(clip.parts[0]) == kind for clip in clips) for kind in KINDS.values()}
    return {kind: count for kind, count in counts.items() if count}


def digit_errors(clips: Sequence[Clip], texts: Texts) -> Errors:
    """Return the errors of rows of digits, each digit a word.

    Whisper's normaliser makes one number of a row, or several, as commas stand in it: that says nothing of hearing.
    """
    found = [jiwer.process_words(clip.said, spelled(texts[clip.name])) for clip in clips]
    return total(
        Errors(len(clip.said.split()), each.substitutions, each.deletions, each.insertions)
        for clip, each in zip(clips, found, strict=True)
    )


def spelled(text: str) -> str:
    """Return a text in lower case without marks, its digits as words: `6-0, 2` becomes `six zero two`."""
    words = re.sub(r"\d", lambda digit: f" {SPOKEN[int(digit[0])]} ", text.lower())
    return " ".join(re.sub(r"[^\w\s]", " ", words).split())
