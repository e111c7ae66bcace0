"""Hundreds of short clips through `malsori batch` and through everybody else, in turn; and the engine by itself.

A round is: ours over all clips, faster-whisper over one part of them, the engine alone over all that was cut before,
and those who are only reported over a part of a sample. So nobody has the machine at a better hour than the others, and
nobody hears a clip twice but ours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.batch import heard, systems
from bench.batch.clips import Clip
from bench.batch.systems import Heard
from bench.results import Row

PEER = "faster-whisper"
BATCHED = "faster-whisper batched, file after file"
LOOP = "shell loop over malsori transcribe"
CTRANSLATE2 = {"whisper-ctranslate2": False, "whisper-ctranslate2 --batched": True}
TARGETS = {"time": "3x faster-whisper", LOOP: "5x the shell loop", "engine": "at least 0.95x"}


@dataclass(slots=True)
class Figures:
    """What one of them did, a value for each round, and what was heard in each clip."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    texts: dict[str, str] = field(default_factory=dict)

    def add(self, clips: Sequence[Clip], found: Heard) -> None:
        """Take what was found."""
        self.seconds.append(found.took.seconds)
        self.cpu.append(found.took.cpu)
        self.peak_mb = max(self.peak_mb, found.took.peak_mb)
        texts = zip([clip.name for clip in clips], found.texts, strict=True)
        self.texts |= heard.read(found.folder, clips) if found.folder is not None else dict(texts)


@dataclass(frozen=True, slots=True)
class Job:
    """The clips of a set and the folder that they lie in, the weights, the peers' Python ("" for none), the rounds."""

    model: str
    peers: str
    clips: Sequence[Clip]
    inputs: Path
    rounds: int
    sample: int = 0  # clips for those who are only reported
    flags: tuple[str, ...] = ("--language", "en")  # of ours

    def path(self, clip: Clip) -> Path:
        """Return where a clip lies."""
        return self.inputs / f"{clip.name}.wav"


def sampled(clips: Sequence[Clip], count: int) -> list[Clip]:
    """Return so many clips whose lengths are spread like those of all."""
    order = sorted(clips, key=lambda clip: (clip.seconds, clip.name))
    count = min(count, len(order))
    return [order[(2 * index + 1) * len(order) // (2 * count)] for index in range(count)]


def say(name: str, found: Heard, clips: Sequence[Clip]) -> None:
    """Say how it goes, on stderr."""
    took = found.took
    line = f"  {name}: {len(clips)} clips, {took.seconds:.1f} s, processor {took.cpu:.1f} s, {took.peak_mb:.0f} MB"
    print(line, file=sys.stderr, flush=True)


class Comparison:
    """The rounds of a set, and what everybody did."""

    def __init__(self, job: Job, work: Path) -> None:
        self.job, self.work, self.found = job, work, dict[str, Figures]()
        self.engine: list[float] = []

    def run(self) -> None:
        """Run all rounds."""
        job, sample = self.job, sampled(self.job.clips, self.job.sample)
        with ExitStack() as stack:
            opened = {}
            for name, way in ((PEER, "one"), (BATCHED, "batched")):
                if job.peers and (name == PEER or sample):
                    opened[name] = stack.enter_context(systems.faster_whisper(job.peers, job.model, way))
            for turn in range(job.rounds):
                self.ours(f"ours-{turn}")
                if PEER in opened:
                    self._tell(PEER, opened[PEER], job.clips[turn :: job.rounds])
                if sample:
                    self.engine.append(systems.precut(job.model, job.inputs)["seconds"])
                    print(f"  the engine alone: {self.engine[-1]:.1f} s", file=sys.stderr, flush=True)
                    self._sampled(turn, sample[turn :: job.rounds], opened)

    def ours(self, name: str, *flags: str) -> None:
        """Hear everything with `malsori batch`."""
        job = self.job
        found = systems.batch(job.model, job.inputs, self.work / name, *job.flags, *flags)
        self._add("ours" if name.startswith("ours-") else name, job.clips, found)

    def commands(self) -> None:
        """Hear the sample with commands that load their model once, all files in one call."""
        job, sample = self.job, sampled(self.job.clips, self.job.sample)
        if not systems.has(job.peers, "whisper-ctranslate2"):
            return
        for name, batched in CTRANSLATE2.items():
            for clips, said in ((sample[:1], f"{name}, started"), (sample, name)):
                output = self.work / said.replace(" ", "-")
                paths = [job.path(clip) for clip in clips]
                self._add(said, clips, systems.ctranslate2(job.peers, job.model, paths, output, batched=batched))

    def _sampled(self, turn: int, clips: Sequence[Clip], opened: Mapping[str, systems.Lines]) -> None:
        paths = [self.job.path(clip) for clip in clips]
        self._add(LOOP, clips, systems.loop(self.job.model, paths, self.work / f"loop-{turn}"))
        if BATCHED in opened:
            self._tell(BATCHED, opened[BATCHED], clips)

    def _tell(self, name: str, lines: systems.Lines, clips: Sequence[Clip]) -> None:
        self._add(name, clips, systems.told(lines, [self.job.path(clip) for clip in clips]))

    def _add(self, name: str, clips: Sequence[Clip], found: Heard) -> None:
        say(name, found, clips)
        self.found.setdefault(name, Figures()).add(clips, found)


Rates = Callable[[Sequence[Clip], heard.Texts], float]


def rate_of(clips: Sequence[Clip], texts: heard.Texts) -> float:
    """Return the word error rate in percent."""
    return heard.errors(clips, texts).rate


def digit_rate_of(clips: Sequence[Clip], texts: heard.Texts) -> float:
    """Return the word error rate of rows of digits in percent."""
    return heard.digit_errors(clips, texts).rate


def whole_rows(case: str, clips: Sequence[Clip], found: Mapping[str, Figures], rate: Rates, judged: bool) -> list[Row]:
    """Return the rows of those who heard all clips. Parts of faster-whisper's time are added up, ours are repeated."""
    ours, peers = found["ours"], {PEER: found[PEER]} if PEER in found else {}
    rows = []
    for metric, mine, theirs in (
        ("time", ours.seconds, {name: sum(each.seconds) for name, each in peers.items()}),
        ("processor", ours.cpu, {name: sum(each.cpu) for name, each in peers.items()}),
    ):
        target = TARGETS["time"] if judged and metric == "time" and peers else ""
        rows.append(beside(case, metric, "s", mine, theirs, target))
    rates = {name: rate(clips, each.texts) for name, each in peers.items()}
    target = f"at most {rates[PEER]:g}" if judged and peers else ""
    rows.append(Row(case, "WER", "%", rate(clips, ours.texts), rates, target=target, runs=len(ours.seconds)))
    memory = {name: round(each.peak_mb) for name, each in peers.items()}
    rows.append(Row(case, "peak memory", "MB", round(ours.peak_mb), memory, runs=len(ours.seconds)))
    return rows


def beside(
    case: str, metric: str, unit: str, ours: Sequence[float], peers: Mapping[str, float], target: str = ""
) -> Row:
    """Return a row of our runs beside one figure of each peer; less is better."""
    mine = median(ours)
    return Row(
        case,
        metric,
        unit,
        round(mine, 3),
        {name: round(value, 3) for name, value in peers.items()},
        {name: round(value / mine, 2) for name, value in peers.items()},
        target,
        len(ours),
        (round(min(ours), 3), round(max(ours), 3)),
    )


def kind_rows(case: str, clips: Sequence[Clip], found: Mapping[str, Figures]) -> list[Row]:
    """Return the word error rates of each kind of clips."""
    everybody = {name: found[name].texts for name in ("ours", PEER) if name in found}
    rows = []
    for kind, count in heard.kinds(clips).items():
        rates = {name: heard.errors(clips, texts, kind).rate for name, texts in everybody.items()}
        rows.append(Row(f"{case}, {count} of them {kind}", "WER", "%", rates.pop("ours"), rates))
    return rows


def engine_row(case: str, ours: Figures, engine: Sequence[float]) -> Row:
    """Return how much longer the whole command takes than the engine alone."""
    return beside(case, "beside the engine alone", "s", ours.seconds, {"engine": median(engine)}, TARGETS["engine"])


def sample_rows(
    case: str, all_clips: Sequence[Clip], sample: Sequence[Clip], found: Mapping[str, Figures], rate: Rates
) -> list[Row]:
    """Return the time of a clip of those who heard a sample, and their word error rates, ours in the same clips.

    Of whisper-ctranslate2, which is called once, the time of a clip is what each clip but the first adds; ours is that
    of the batch of all clips, its start included.
    """
    ours, names = found["ours"], [name for name in (LOOP, BATCHED, *CTRANSLATE2) if name in found]
    each = [seconds / len(all_clips) for seconds in ours.seconds]
    times = {name: sum(found[name].seconds) / len(sample) for name in names}
    for name in CTRANSLATE2.keys() & times.keys():
        started = sum(found[f"{name}, started"].seconds)
        times[name] = (sum(found[name].seconds) - started) / (len(sample) - 1)
    rows = [beside(case, "time of a clip, ours in the batch", "s", each, {LOOP: times.pop(LOOP)}, TARGETS[LOOP])]
    if times:
        rows.append(beside(case, "time of a clip, all files in one process", "s", each, times))
    rates = {name: rate(sample, found[name].texts) for name in names}
    return [*rows, Row(case, "WER", "%", rate(sample, ours.texts), rates)]
