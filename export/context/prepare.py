"""From the manifests to clips with the teacher's tokens; what is left out is counted, told and listed."""

from __future__ import annotations

import random
from collections.abc import Sequence

from export.common import ExportRefused
from export.context.listening import Listener
from export.context.settings import Settings
from export.finetune.clips import Clip, LeftOut, Ruler, of_length, summary, write_left_out
from export.finetune.manifest import Row, read_rows
from malsori.cli.progress import Reporter


def split_rows(settings: Settings) -> tuple[list[Row], list[Row]]:
    """Return the rows to train on and those held out; no text, and no recording, is on both sides.

    Raises `ExportRefused` for what a manifest cannot mean.
    """
    data = settings.data
    rows = read_rows(data.manifest, data.audio_column, data.text_column)
    if data.held_out:
        return rows, read_rows(data.held_out, data.audio_column, data.text_column)
    kinds = sorted({_kind(row) for row in rows})
    random.Random(settings.training.seed).shuffle(kinds)
    kept = set(kinds[: max(1, round(data.held_out_share * len(kinds)))])
    training = [row for row in rows if _kind(row) not in kept]
    if not training:
        raise ExportRefused(f"{data.manifest}: too few recordings to hold some out; give --held-out MANIFEST")
    return training, [row for row in rows if _kind(row) in kept]


def find_clips(
    training: Sequence[Row], held_out: Sequence[Row], listener: Listener, settings: Settings, reporter: Reporter
) -> tuple[list[Clip], list[Clip]]:
    """Return the clips to train on and those held out, with what the teacher hears in them.

    Raises `ExportRefused` when nothing is left on either side.
    """
    ruler = Ruler(settings.work)
    found = []
    for name, rows in (("train", training), ("held-out", held_out)):
        measured, left_out = _measure(name, rows, ruler, settings, reporter)

        def progress(done: int, name: str = name, total: int = len(measured)) -> None:
            reporter.say(f"the teacher listens ({name})", done, total)

        heard = listener.listen([clip for _, clip in measured], settings.work, progress)
        pairs = [(row, clip) for (row, _), clip in zip(measured, heard, strict=True)]
        endless = [row for row, clip in pairs if clip.ids[-1] != listener.end]
        left_out += [LeftOut(row, "in which the teacher finds no end", "it repeats itself at 30 s") for row in endless]
        clips = [clip for _, clip in pairs if clip.ids[-1] == listener.end]
        listed = settings.work / f"left-out-{name}.tsv"
        listed.unlink(missing_ok=True)
        if left_out:
            write_left_out(listed, left_out)
        reporter.warn(summary(name, clips, left_out, listed))
        found.append(clips)
    return found[0], found[1]


def _measure(
    name: str, rows: Sequence[Row], ruler: Ruler, settings: Settings, reporter: Reporter
) -> tuple[list[tuple[Row, Clip]], list[LeftOut]]:
    measured, left_out = [], []
    data = settings.data
    for done, row in enumerate(rows):
        reporter.say(f"measuring the recordings ({name})", done, len(rows))
        length = ruler.measure(row.audio)
        reason, details = of_length(length, data.min_seconds, data.max_seconds)
        if reason:
            left_out.append(LeftOut(row, reason, details))
        else:
            measured.append((row, Clip(row.audio, int(length), " ".join(row.text.split()), ())))
    ruler.keep()
    return measured, left_out


def _kind(row: Row) -> str:
    return row.text or str(row.audio)
