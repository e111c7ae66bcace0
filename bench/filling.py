"""How the window of Whisper is best filled: rules of pauses and lengths, and how short a window a stock model bears.

    python -m bench.filling WORK --base DIR --tiny-en DIR     # a quarter of an hour on 2 cores

Recordings with pauses are read whole, stretch by stretch, and with neighbouring stretches in one window by several
rules; short clips in windows from 5 to 30 s. Every reading is that of the runtime, with its guards and its beam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import command
from bench.places import RECORDINGS
from bench.recordings import Recording
from bench.results import Row, write
from bench.words.score import Errors, compare, total
from bench.words.sets import address, indexed
from malsori import decode, load
from malsori.engines.base import DecodeOptions, Engine
from malsori.engines.whisper.options import WhisperOptions
from malsori.pipeline.clip import Clip, fill_clips, joined
from malsori.types import SAMPLE_RATE, Audio, Span
from malsori.vad import GateOptions, SileroDetector, speech_spans

FLOORS = (30.0, 20.0, 15.0, 12.0, 10.0, 8.0, 5.0)  # seconds
FLOOR = 12.0
SPOKEN = ("en", "de", "es", "fr")
UNSPOKEN = ("en/porcupine_multiple_keywords.flac",)  # single words over noise: their errors would hide the rest
SHORT, LONG = 10.0, 40.0  # seconds: clips that fit in the shortest windows, recordings of several windows


@dataclass(frozen=True, slots=True)
class Rule:
    """How a recording becomes clips: the gate's pause and padding, the longest clip, and whether pauses stay whole."""

    silence_ms: int
    padding_ms: int
    longest: float
    whole_pauses: bool = False
    threshold: float = 0.5

    def clips(self, audio: Audio) -> list[Audio]:
        """Return the clips of a recording."""
        options = GateOptions(self.threshold, None, 100, self.silence_ms, self.padding_ms, self.longest)
        stretches = [Clip.of(audio[s.start : s.stop], s) for s in speech_spans(audio, SileroDetector(), options)]
        if self.whole_pauses:
            return [audio[span.start : span.stop] for span in _spanning(stretches, self.longest)]
        return [clip.audio for clip in fill_clips(stretches, self.longest)]


def alone(audio: Audio) -> list[Audio]:
    """Return each stretch of speech by itself, as a stream has them."""
    spans = speech_spans(audio, SileroDetector(), GateOptions(max_speech_s=28.0))
    return [audio[span.start : span.stop] for span in spans]


RULES: dict[str, Callable[[Audio], list[Audio]]] = {
    "the whole recording, no gate": lambda audio: [audio],
    "each stretch alone": alone,
    "pauses whole, up to 28 s": Rule(500, 200, 28.0, whole_pauses=True).clips,
    "pauses collapsed to 0.1 s, up to 28 s": Rule(500, 50, 28.0).clips,
    "0.5 s and longer shortened to 0.4 s, up to 28 s": Rule(500, 200, 28.0).clips,
    "0.5 s and longer shortened to 0.4 s, up to 18 s": Rule(500, 200, 18.0).clips,
    "1 s and longer shortened to 0.8 s, up to 28 s": Rule(1000, 400, 28.0).clips,
    "1 s and longer shortened to 0.8 s, up to 23 s": Rule(1000, 400, 23.0).clips,
    "1 s and longer shortened to 0.8 s, up to 18 s": Rule(1000, 400, 18.0).clips,
    "1 s and longer shortened to 0.8 s, up to 13 s": Rule(1000, 400, 13.0).clips,
    "2 s and longer shortened to 0.8 s, up to 28 s": Rule(2000, 400, 28.0).clips,
    "2 s and longer shortened to 0.8 s, up to 18 s": Rule(2000, 400, 18.0).clips,
    "1 s and longer shortened to 0.8 s, threshold 0.3": Rule(1000, 400, 28.0, threshold=0.3).clips,
}


def main() -> None:
    """Read everything by every rule and write the result file."""
    parser = command.parser(__doc__)
    parser.add_argument("work", type=Path, help="folder for sounds that are made")
    parser.add_argument("--base", required=True, help="stock base, a folder or a bundle's name")
    parser.add_argument("--tiny-en", help="stock tiny.en, likewise")
    parser.add_argument("--speech", type=Path, default=RECORDINGS, help="the recordings and INDEX.tsv")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    known = indexed(args.speech)
    base = load(args.base, compute_type="int8").engine
    spoken = [each for each in known if each.name.partition("/")[0] in SPOKEN and each.name not in UNSPOKEN]
    long = [each for each in spoken if each.seconds > LONG]
    rows = rule_rows(base, [*long, *address(known, args.work).clips])
    short = [each for each in known if each.name.startswith("en/") and each.seconds <= SHORT]
    rows += floor_rows("base", base, short)
    if args.tiny_en:
        rows += floor_rows("tiny.en", load(args.tiny_en, compute_type="int8").engine, short)
    print(write("filling", rows))


def rule_rows(engine: Engine, recordings: Sequence[Recording]) -> list[Row]:
    """Return a row for each rule."""
    sounds = [decode(each.path).samples for each in recordings]
    rows = []
    for name, rule in RULES.items():
        context = "full" if name.startswith("the whole") else FLOOR
        rows += _rows(f"base, {len(sounds)} recordings, {name}", engine, recordings, map(rule, sounds), context)
    return rows


def floor_rows(model: str, engine: Engine, recordings: Sequence[Recording]) -> list[Row]:
    """Return a row for each floor."""
    clips = [[decode(each.path).samples] for each in recordings]
    name = f"{model}, {len(clips)} English clips up to {SHORT:g} s, window of at least"
    return [row for floor in FLOORS for row in _rows(f"{name} {floor:g} s", engine, recordings, clips, floor)]


def _rows(
    case: str, engine: Engine, recordings: Sequence[Recording], clips: Iterable[list[Audio]], context: float | str
) -> list[Row]:
    """Read all and return the errors, the words that were left out, the encoder's windows, and those read again."""
    counters, found = engine.counters, []  # type: ignore[attr-defined]
    before = counters.windows, counters.retries
    for recording, sounds in zip(recordings, clips, strict=True):
        options = DecodeOptions(language=recording.language, whisper=WhisperOptions(audio_context=context))  # type: ignore[arg-type]
        heard = engine.transcribe(sounds, options)
        text = " ".join(segment.text for each in heard for segment in each.segments)
        found.append(compare(str(recording.said), text, recording.language))
    errors: Errors = total(found)
    windows, retries = counters.windows - before[0], counters.retries - before[1]
    print(f"{case}: {errors.rate} %, {errors.missed} left out, {windows} windows, {retries} read again", flush=True)
    return [
        Row(case, "WER", "%", errors.rate),
        Row(case, "words left out", "words", errors.missed),
        Row(case, "windows", "windows", windows),
        Row(case, "read again", "windows", retries),
    ]


def _spanning(stretches: Sequence[Clip], longest: float) -> list[Span]:
    """Return spans that hold neighbouring stretches and what lies between them."""
    found: list[list[Clip]] = []
    for stretch in stretches:
        if found and stretch.span.stop - found[-1][0].span.start <= longest * SAMPLE_RATE:
            found[-1].append(stretch)
        else:
            found.append([stretch])
    return [joined(group).span for group in found]


if __name__ == "__main__":
    main()
