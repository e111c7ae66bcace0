"""What was heard by `stock.py` as rows: errors, lost words, time, encoder windows, memory; and the targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

from bench.nonspeech import words_per_minute
from bench.recordings import Recording
from bench.results import Row, row
from bench.words.runs import Key, Outcome
from bench.words.score import Errors, compare, metric, total
from bench.words.sets import Set
from bench.words.systems import MODES

WHOLE = "ours, no gate"
SPARING = "ours, low memory"
JUDGED = "base"  # the model that the targets are of
TIMES = {  # the targets of time, by set
    "en": "2x faster-whisper",
    "address": "1.5x faster-whisper",
    "long": "1.2x faster-whisper batched",
    "ten minutes, two of speech": "1.2x faster-whisper vad_filter",
}
ADDRESS_WER = 3.0  # percent: what faster-whisper has there
LOST = ("telephone", "en at -50 dBFS", "ten minutes")
Runs = Mapping[str, Sequence[Outcome]]
"""The runs of each system over one set."""


def rows(model: str, found: Set, outcomes: Mapping[Key, Outcome]) -> Iterator[Row]:
    """Yield the rows of one set: of all who heard all of it, and then of each who heard only a part of its clips."""
    runs: dict[str, list[Outcome]] = {}
    for key, outcome in sorted(outcomes.items(), key=lambda pair: pair[0].run):
        if (key.model, key.set) == (model, found.name):
            runs.setdefault(key.system, []).append(outcome)
    names = [clip.name for clip in found.clips]
    whole = {system: each for system, each in runs.items() if all([*one.clips] == names for one in each)}
    if "ours" not in whole:
        return
    yield from of_set(model, found, whole)
    parts: dict[tuple[str, ...], dict[str, list[Outcome]]] = {}
    for system, each in runs.items():
        heard = tuple(each[0].clips)
        if system not in whole and set(heard) <= {*names}:
            parts.setdefault(heard, {})[system] = each
    for heard, those in parts.items():
        clips = tuple(clip for clip in found.clips if clip.name in heard)
        beside: dict[str, Sequence[Outcome]] = {
            name: whole[name] for name in ("ours", "faster-whisper") if name in whole
        }
        yield from of_set(model, Set(found.name, clips, found.speech), {**beside, **those}, part=True)


def of_set(model: str, found: Set, runs: Runs, part: bool = False) -> Iterator[Row]:
    """Yield the rows of one set and those who heard it; one that is a part of another has no targets."""
    count = len(found.clips)
    clips = f"{count} of its clips" if part else f"{count} clips" if count > 1 else "one recording"
    case = f"{model}, {found.name}, {clips}, {found.seconds:.0f} s"
    judged = model == JUDGED and not part
    yield from spoken_rows(case, found, runs, judged) if found.speech else silent_rows(case, found, runs, judged)
    times = {
        name: [sum(each.seconds for each in one.only(found.clips)) for one in those] for name, those in runs.items()
    }
    shortest = min(map(len, times.values()))
    target = TIMES.get(found.name, "") if judged else ""
    yield row(case, "time", "s", {name: values[:shortest] for name, values in times.items()}, target=target)
    factors = {name: [value / found.seconds for value in values[:shortest]] for name, values in times.items()}
    yield row(case, "real-time factor", "s/s", factors)
    yield from encoder_rows(case, found, runs)
    if not part:
        yield memory_row(case, runs, judged)


def spoken_rows(case: str, found: Set, runs: Runs, judged: bool) -> Iterator[Row]:
    """Yield the error rate, and where words are easily lost, how many were."""
    errors = {name: errors_of(found.clips, those[0]) for name, those in runs.items()}
    rates = {name: each.rate for name, each in errors.items()}
    unit = metric(found.clips[0].language)
    yield figure(case, unit, "%", rates, errors_target(found.name, rates) if judged else "", len(found.clips))
    if found.name.startswith(LOST):
        lost = {name: float(each.missed) for name, each in errors.items()}
        yield figure(case, "words lost", "words", lost, at_most(best(lost, MODES)) if judged else "", len(found.clips))


def silent_rows(case: str, found: Set, runs: Runs, judged: bool) -> Iterator[Row]:
    """Yield the words a minute where nobody speaks, and in how many sounds there are any where the peer has none."""
    said = {name: [each.text for each in those[0].only(found.clips)] for name, those in runs.items()}
    minutely = {name: round(words_per_minute(texts, found.seconds), 2) for name, texts in said.items()}
    target = at_most(best(minutely, MODES)) if judged else ""
    yield figure(case, "words per minute", "a minute", minutely, target, len(found.clips))
    if "faster-whisper" in said:
        phantoms = {
            name: float(
                sum(bool(mine) and not theirs for mine, theirs in zip(texts, said["faster-whisper"], strict=True))
            )
            for name, texts in said.items()
            if name != "faster-whisper"
        }
        case_of = "phantoms where faster-whisper has none"
        yield figure(case, case_of, "sounds", phantoms, "0" if judged else "", len(found.clips))


def encoder_rows(case: str, found: Set, runs: Runs) -> Iterator[Row]:
    """Yield how many windows went through the encoder, and their seconds; whisper.cpp does not tell."""
    windows = {name: float(sum(each.windows for each in those[0].only(found.clips))) for name, those in runs.items()}
    seconds = {name: round(sum(each.encoded for each in those[0].only(found.clips))) for name, those in runs.items()}
    told = {name for name, count in windows.items() if count or name == "ours"}
    yield figure(case, "encoder windows", "windows", {name: windows[name] for name in windows if name in told})
    yield figure(case, "encoded", "s", {name: float(seconds[name]) for name in seconds if name in told})


def memory_row(case: str, runs: Runs, judged: bool) -> Row:
    """Return the peaks of memory."""
    peaks = {name: round(median(one.peak_mb for one in those)) for name, those in runs.items()}
    target = at_most(peaks.get("faster-whisper")) if judged else ""
    return figure(case, "peak memory", "MB", {name: float(value) for name, value in peaks.items()}, target)


def errors_of(clips: Iterable[Recording], outcome: Outcome) -> Errors:
    """Return all errors of somebody in the clips of a set."""
    return total(compare(str(clip.said), outcome.clips[clip.name].text, clip.language) for clip in clips)


def errors_target(name: str, rates: Mapping[str, float]) -> str:
    """Return what the error rate of a set may be."""
    if name == "address":
        return at_most(ADDRESS_WER)
    if name == "en":
        return at_most(best(rates, ("faster-whisper", WHOLE)))
    return at_most(best(rates, (WHOLE,) if name == "long" else MODES))


def best(figures: Mapping[str, float], names: Iterable[str]) -> float | None:
    """Return the least of some figures, None when none of them is there."""
    return min((figures[name] for name in names if name in figures), default=None)


def at_most(value: float | None) -> str:
    """Return a target."""
    return "" if value is None else f"at most {value:g}"


def figure(case: str, metric: str, unit: str, found: Mapping[str, float], target: str = "", runs: int = 1) -> Row:
    """Return a row of figures that have no medians."""
    peers = {name: value for name, value in found.items() if name != "ours"}
    return Row(case, metric, unit, found["ours"], peers, {}, target, runs, (found["ours"], found["ours"]))
