"""From the manifests to clips with token ids, telling on the way what was dropped, left out or cannot be spelled."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from export.common import ExportRefused
from export.finetune.clips import Clip, LeftOut, Ruler, sort_out, summary, write_left_out
from export.finetune.manifest import Row, read_rows
from export.finetune.model import Learned
from export.finetune.settings import Settings
from export.finetune.texts import clean
from export.finetune.vocabulary import Speller, check_spelling, named, new_vocabulary
from malsori.cli.progress import Reporter
from malsori.types import SAMPLE_RATE

Texts = list[tuple[Row, str]]
"""Rows of a manifest with their clean texts."""


def read_texts(settings: Settings) -> tuple[Texts, Texts]:
    """Return the rows to train on and those held out, each with its clean text.

    Without a manifest of its own the held-out part is a share of the different texts, so that no sentence is on both
    sides. Raises `ExportRefused` for what a manifest cannot mean.
    """
    data = settings.data
    rows = _cleaned(data.manifest, settings)
    if data.held_out:
        return rows, _cleaned(data.held_out, settings)
    texts = sorted({text for _, text in rows if text})
    random.Random(settings.training.seed).shuffle(texts)
    kept = set(texts[: max(1, round(data.held_out_share * len(texts)))])
    training = [(row, text) for row, text in rows if text not in kept]
    if not training:
        raise ExportRefused(f"{data.manifest}: its texts are too few to hold some out; give --held-out MANIFEST")
    return training, [(row, text) for row, text in rows if text in kept]


def choose_spelling(
    learned: Learned, training: Texts, held_out: Texts, settings: Settings, reporter: Reporter
) -> Speller:
    """Return the speller of the kept vocabulary, or of a new one, which then has a new head on the model.

    Raises `ExportRefused` for training texts that cannot be spelled, unless characters may be dropped.
    """
    texts = [text for _, text in training]
    if settings.vocabulary.vocabulary == "keep":
        assert learned.vocabulary is not None
        speller = Speller(learned.vocabulary)
    else:
        speller = Speller(new_vocabulary(texts, settings.vocabulary.vocabulary))
    if dropped := check_spelling(texts, speller, settings.vocabulary):
        reporter.warn(f"left out of the training texts: {named(dropped)}")
    lost: Counter[str] = Counter()
    for _, text in held_out:
        lost += speller.unknown(text)
    if lost:
        reporter.warn(f"the held-out texts hold {named(lost)} without a token; they count as errors")
    if speller.vocabulary is not learned.vocabulary:
        kept = learned.respell(speller.vocabulary, settings.work)
        reporter.warn(f"new vocabulary: {len(speller.vocabulary)} tokens, {kept} of them known to the old head")
    return speller


def find_clips(
    training: Texts, held_out: Texts, speller: Speller, learned: Learned, settings: Settings, reporter: Reporter
) -> tuple[list[Clip], list[Clip]]:
    """Return the clips to train on and those held out; tell, count and list what was left out.

    Raises `ExportRefused` when nothing is left on either side, or masks are longer than clips may be.
    """
    _check_masks(learned, settings)
    spelled = [(row, text, speller.without_unknown(text)) for row, text in training]
    trainable = [(row, known) for row, text, known in spelled if known or not text]  # speech is not taught as silence
    lost = [
        LeftOut(row, "of a text with no known character", text) for row, text, known in spelled if text and not known
    ]
    ruler, total = Ruler(settings.work), len(trainable) + len(held_out)
    found: list[list[Clip]] = []
    for name, texts, before, left in (("train", trainable, 0, lost), ("held-out", held_out, len(trainable), [])):

        def progress(done: int, before: int = before) -> None:
            reporter.say("measuring the recordings", before + done, total)

        clips, left_out = sort_out(texts, speller, learned.frames, settings.data, ruler, progress)
        _tell(name, clips, [*left, *left_out], settings.work, reporter)
        found.append(clips)
    if not any(clip.text for clip in found[1]):
        raise ExportRefused("the held-out clips have no words to be judged by; give others with --held-out MANIFEST")
    return found[0], found[1]


def _cleaned(manifest: Path, settings: Settings) -> Texts:
    rows = read_rows(manifest, settings.data.audio_column, settings.data.text_column)
    return [(row, clean(row.text, settings.text)) for row in rows]


def _tell(name: str, clips: list[Clip], left_out: list[LeftOut], work: Path, reporter: Reporter) -> None:
    listed = work / f"left-out-{name}.tsv"
    listed.unlink(missing_ok=True)
    if left_out:
        write_left_out(listed, left_out)
    reporter.warn(summary(name, clips, left_out, listed))


def _check_masks(learned: Learned, settings: Settings) -> None:
    """Refuse masks longer than the shortest clip: transformers cannot draw them."""
    shortest = learned.frames.count(int(settings.data.min_seconds * SAMPLE_RATE))
    length = settings.model.mask_time_length
    if settings.model.mask_time_prob and length > shortest:
        raise ExportRefused(
            f"--mask-time-length {length}: the shortest clip allowed has {shortest} frames; raise --min-seconds "
            "(0.02 s a frame), lower --mask-time-length, or give --mask-time-prob 0"
        )
