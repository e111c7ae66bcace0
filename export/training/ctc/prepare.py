"""From rows to clips with token ids, telling on the way what was dropped, left out or cannot be spelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from export.common import ExportRefused
from export.progress import Reporter
from export.training.clips import Clip, LeftOut, sort_out, tell
from export.training.ctc.model import Learned
from export.training.ctc.settings import CtcSettings
from export.training.ctc.vocabulary import Speller, check_spelling, named, new_vocabulary
from export.training.manifest import Row
from malsori.engines.ctc.viterbi import Chain
from malsori.types import SAMPLE_RATE

UNKNOWN = "of a text with no known character"


def choose_spelling(
    learned: Learned, training: Sequence[Row], held_out: Sequence[Row], settings: CtcSettings, reporter: Reporter
) -> Speller:
    """Return the speller of the kept vocabulary, or of a new one, which then has a new head on the model.

    Raises `ExportRefused` for training texts that cannot be spelled, unless characters may be dropped.
    """
    texts = [row.text for row in training]
    if settings.vocabulary.vocabulary == "keep":
        assert learned.vocabulary is not None
        speller = Speller(learned.vocabulary)
    else:
        speller = Speller(new_vocabulary(texts, settings.vocabulary.vocabulary))
    if dropped := check_spelling(texts, speller, settings.vocabulary):
        reporter.warn(f"left out of the training texts: {named(dropped)}")
    lost: Counter[str] = Counter()
    for row in held_out:
        lost += speller.unknown(row.text)
    if lost:
        reporter.warn(f"the held-out texts hold {named(lost)} without a token; they count as errors")
    if speller.vocabulary is not learned.vocabulary:
        kept = learned.respell(speller.vocabulary, settings.work)
        reporter.warn(f"new vocabulary: {len(speller.vocabulary)} tokens, {kept} of them known to the old head")
    return speller


def find_clips(
    training: Sequence[Row],
    held_out: Sequence[Row],
    speller: Speller,
    learned: Learned,
    settings: CtcSettings,
    reporter: Reporter,
) -> tuple[list[Clip], list[Clip]]:
    """Return the clips to train on and those held out; tell, count and list what was left out.

    Raises `ExportRefused` when nothing is left on either side, or masks are longer than clips may be.
    """
    _check_masks(learned, settings)

    def make(row: Row, samples: int) -> Clip | LeftOut:
        ids = speller.spell(row.text)
        chain, there = Chain.between_blanks(ids, speller.vocabulary.blank), learned.frames.count(samples)
        if chain.least_frames <= there:
            return Clip(row.audio, samples, row.text, ids)
        needs = f"{len(chain) // 2} tokens need {chain.least_frames} frames"
        gives = f"{samples / SAMPLE_RATE:.2f} s give {there}"
        return LeftOut(row, "of a text too long for the sound", f"{needs}, {gives}")

    known = [replace(row, text=speller.without_unknown(row.text)) for row in training]
    pairs = list(zip(training, known, strict=True))
    # Speech is not taught as silence.
    lost = [LeftOut(row, UNKNOWN, row.text) for row, clean in pairs if row.text and not clean.text]
    trainable = [clean for row, clean in pairs if clean.text or not row.text]
    found: list[list[Clip]] = []
    for name, rows, before in (("train", trainable, lost), ("held-out", held_out, [])):
        clips, left_out = sort_out(name, rows, make, settings, reporter)
        tell(name, clips, [*before, *left_out], settings.work, reporter)
        found.append(clips)
    if not any(clip.text for clip in found[1]):
        raise ExportRefused("the held-out clips have no words to be judged by; give others with --held-out MANIFEST")
    return found[0], found[1]


def _check_masks(learned: Learned, settings: CtcSettings) -> None:
    """Refuse masks longer than the shortest clip: transformers cannot draw them."""
    shortest = learned.frames.count(int(settings.data.min_seconds * SAMPLE_RATE))
    length = settings.model.mask_time_length
    if settings.model.mask_time_prob and length > shortest:
        raise ExportRefused(
            f"--mask-time-length {length}: the shortest clip allowed has {shortest} frames; raise --min-seconds "
            "(0.02 s a frame), lower --mask-time-length, or give --mask-time-prob 0"
        )
