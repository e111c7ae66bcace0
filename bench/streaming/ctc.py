"""Live CTC: what partials say against finals, how soon, and at what cost; cached states against recomputed windows.

    python -m bench.streaming ctc WORK                 # needs espeak-ng and PyTorch; WORK keeps speech and large model
    python -m bench.streaming ctc WORK --part words    # or: large; each has a result file of its own

Words: nano-ctc-ko on clips of 20 to 28 s, joined with short pauses from sentences and voices that it was never trained
on. The reference of a partial is what the final's own frames say up to there, so a word that is half spoken counts as
far as it goes. Cost: CPU seconds of one thread per second of sound. The large model has random weights and the size of
XLSR-large: its time alone is told.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import jiwer

from bench import command
from bench.joined import joined
from bench.places import MODELS
from bench.results import Row, row, seconds, write
from export.nano.speech import held_out_corpus
from export.proof import compare, synthetic_speech
from malsori.bundles import read_manifest
from malsori.engines.base import DecodeOptions
from malsori.engines.session import SessionOptions, TextSoFar
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.engines.wav2vec2.live.ctc_session import GrowingText
from malsori.engines.wav2vec2.live.running import RunningNormalizer
from malsori.engines.wav2vec2.live.ways import LEFT, LOOKAHEAD, STEP, WINDOW
from malsori.types import SAMPLE_RATE, Audio

BUNDLE = MODELS / "nano-ctc-ko"
SHORTEST, LONGEST = 20 * SAMPLE_RATE, 28 * SAMPLE_RATE
LEAD = SAMPLE_RATE // 5  # samples of silence before the first word, as a gate leaves them
CLIPS = 8
LARGE_SECONDS = 20
ROUNDS = 3

CACHED = SessionOptions(STEP, "cached", LOOKAHEAD, LEFT)
RECOMPUTED = SessionOptions(STEP, "recomputed", LOOKAHEAD, window_s=WINDOW)


def ways() -> Iterator[SessionOptions]:
    """Yield what is compared: the defaults of both ways, then one length at a time changed."""
    yield CACHED
    yield RECOMPUTED
    for step in (0.25, 1.0):
        yield replace(CACHED, step_s=step)
        yield replace(RECOMPUTED, step_s=step)
    for lookahead in (0.0, 0.5, 1.5):
        yield replace(CACHED, lookahead_s=lookahead)
        yield replace(RECOMPUTED, lookahead_s=lookahead)
    for left in (2.0, 4.0, 12.0):
        yield replace(CACHED, left_s=left)
    for window in (4.0, 8.0, 20.0):
        yield replace(RECOMPUTED, window_s=window)


@dataclass(frozen=True, slots=True)
class Live:
    """One clip heard live: what was heard after so many samples, and the CPU seconds it took."""

    heard: tuple[tuple[int, TextSoFar], ...]
    cpu: float


def listen(engine: Wav2Vec2Engine, clip: Audio, asked: SessionOptions) -> Live:
    """Push a clip, a step at a time."""
    session = engine.open(DecodeOptions(), asked)
    heard = []
    start = time.process_time()
    for stop in range(session.step, len(clip) + 1, session.step):
        heard.append((stop, session.push(clip[stop - session.step : stop])))
    return Live(tuple(heard), time.process_time() - start)


@dataclass(frozen=True, slots=True)
class Final:
    """What the final says of a clip, by frames, and its first word with its end in seconds."""

    logits: Audio
    first: str
    end: float

    @classmethod
    def of(cls, engine: Wav2Vec2Engine, clip: Audio) -> Final:
        """Read a clip as a file is read."""
        word = engine.transcribe([clip], DecodeOptions(word_timestamps=True))[0].segments[0].words[0]
        return cls(engine.logits([clip])[0], word.text, word.end)

    def text(self, engine: Wav2Vec2Engine, samples: int) -> str:
        """Return what the frames of the first so many samples say."""
        rows = self.logits[: engine.frames.count(samples)]
        return GrowingText(engine.vocabulary).take(rows, rows[:0]).text


def measure(engine: Wav2Vec2Engine, sounds: Sequence[Audio], asked: SessionOptions) -> dict[str, float]:
    """Return the figures of one way over all clips."""
    finals = [Final.of(engine, sound) for sound in sounds]
    lives = [listen(engine, sound, asked) for sound in sounds]
    pairs = [
        (final.text(engine, samples), heard.text)
        for final, live in zip(finals, lives, strict=True)
        for samples, heard in live.heard
    ]
    last = [
        (final.text(engine, live.heard[-1][0]), live.heard[-1][1].text)
        for final, live in zip(finals, lives, strict=True)
    ]
    length = sum(map(len, sounds)) / SAMPLE_RATE
    return {
        "CER of partials": _cer(pairs),
        "CER of the last partial": _cer(last),
        "first word shown": median(
            _delay(final, live, stable=False) for final, live in zip(finals, lives, strict=True)
        ),
        "first word stable": median(
            _delay(final, live, stable=True) for final, live in zip(finals, lives, strict=True)
        ),
        "CPU": sum(live.cpu for live in lives) / length,
    }


def _cer(pairs: Sequence[tuple[str, str]]) -> float:
    told = [(reference, heard) for reference, heard in pairs if reference]
    return 100 * float(jiwer.cer([reference for reference, _ in told], [heard for _, heard in told]))


def _delay(final: Final, live: Live, *, stable: bool) -> float:
    """Return how long after its end the final's first word stands, and goes on standing; seconds of sound."""
    texts = [(samples, heard.stable if stable else heard.text) for samples, heard in live.heard]
    right = [text.split(" ")[0] == final.first for _, text in texts]
    since = len(right) - right[::-1].index(False) if False in right else 0
    return texts[min(since, len(texts) - 1)][0] / SAMPLE_RATE - final.end


UNITS = {"CPU": ("s per s", 4), "first word shown": ("s", 2), "first word stable": ("s", 2)}


def name(asked: SessionOptions) -> str:
    """Return how a way is called in the table."""
    reach = f"left {asked.left_s:g} s" if asked.method == "cached" else f"window {asked.window_s:g} s"
    return f"{asked.method}, step {asked.step_s:g} s, look-ahead {asked.lookahead_s:g} s, {reach}"


def rows_of(asked: SessionOptions, found: dict[str, float]) -> Iterator[Row]:
    """Yield a row for each figure of one way."""
    for metric, value in found.items():
        unit, digits = UNITS.get(metric, ("%", 2))
        yield Row(name(asked), metric, unit, round(value, digits))


def against(cached: dict[str, float], recomputed: dict[str, float]) -> Iterator[Row]:
    """Yield the rows that have a target: cached states against the window, both as they are by default."""
    for metric, target in (
        ("CPU", "3x recomputed"),
        ("CER of partials", f"below {recomputed['CER of partials'] + 2:.2f}"),
    ):
        unit, digits = UNITS.get(metric, ("%", 2))
        ratio = {"recomputed": round(recomputed[metric] / cached[metric], 2)}
        peers = {"recomputed": round(recomputed[metric], digits)}
        yield Row("cached states", metric, unit, round(cached[metric], digits), peers, ratio, target)


def normalisation(engine: Wav2Vec2Engine, sounds: Sequence[Audio]) -> Iterator[Row]:
    """Yield what running normalisation changes: whole clips through the encoder, normalised both ways."""
    running = [RunningNormalizer().push(sound) for sound in sounds]
    mine = [engine.acoustic.graphs.run(["logits"], [sound])[0][0] for sound in running]
    theirs = [engine.logits([sound])[0][: len(logits)] for sound, logits in zip(sounds, mine, strict=True)]

    def texts(logits: Sequence[Audio]) -> list[str]:
        return [GrowingText(engine.vocabulary).take(rows, rows[:0]).text for rows in logits]

    case, difference = "running normalisation against that of the whole", compare(theirs, mine)
    yield Row(case, "CER", "%", round(_cer(list(zip(texts(theirs), texts(mine), strict=True))), 2))
    yield Row(case, "frames that say another letter", "%", round(100 * (1 - difference.agreement), 2))
    yield Row(case, "lowest cosine of logits", "", round(difference.cosine, 4))


def large(work: Path) -> Iterator[Row]:
    """Yield real-time factors at the size of XLSR-large, int8, on all cores of this process."""
    from bench.wav2vec2 import models

    engine, clip = models.engine(models.bundle(work, "int8")), synthetic_speech(LARGE_SECONDS)
    second = replace(CACHED, step_s=1.0)
    window = _factors(engine, clip, replace(RECOMPUTED, step_s=1.0), 1)
    for asked in (second, replace(second, lookahead_s=0.5), replace(second, step_s=STEP)):
        factors = {"ours": _factors(engine, clip, asked, ROUNDS)}
        if asked == second:
            factors[f"recomputed, window {WINDOW:g} s"] = window * ROUNDS
        target = "at most 0.5" if asked.step_s == 1.0 else ""
        yield row(f"XLSR-large, int8, {name(asked)}", "real-time factor", "s per s", factors, target=target)


def _factors(engine: Wav2Vec2Engine, clip: Audio, asked: SessionOptions, rounds: int) -> list[float]:
    listen(engine, clip[: 2 * SAMPLE_RATE], asked)
    return [seconds(lambda: listen(engine, clip, asked)) / LARGE_SECONDS for _ in range(rounds)]


def words(work: Path) -> Iterator[Row]:
    """Yield what nano-ctc-ko says, all ways, the rows with a target first."""
    engine = Wav2Vec2Engine(BUNDLE, read_manifest(BUNDLE), device="cpu", threads=1)
    spoken = joined(held_out_corpus(work).only("ko").utterances, SHORTEST, LONGEST, LEAD)
    sounds = [audio for audio, _ in spoken][:CLIPS]
    found = {}
    for way in ways():
        found[way] = measure(engine, sounds, way)
        print(name(way), {metric: round(value, 4) for metric, value in found[way].items()}, flush=True)
    yield from against(found[CACHED], found[RECOMPUTED])
    yield from normalisation(engine, sounds)
    for way, figures in found.items():
        yield from rows_of(way, figures)


PARTS = {"words": ("streaming_ctc", words), "large": ("streaming_ctc_large", large)}


def main() -> None:
    """Measure and write a result file for each part."""
    parser = command.parser(__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--part", choices=PARTS, help="one alone (default: both)")
    asked = parser.parse_args()
    for part in [asked.part] if asked.part else PARTS:
        bench, rows = PARTS[part]
        print(write(bench, list(rows(asked.work))))
