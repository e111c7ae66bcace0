"""How long a reader of a live transcript waits, how often words change under his eyes, and what it costs.

    python -m bench.streaming              # all, about 15 minutes; needs the library of espeak-ng
    python -m bench.streaming --quick      # three minutes of the measuring of delays, no hour
    python -m bench.streaming plot         # the picture of the newest result
    python -m bench.streaming ctc WORK     # others of this subject: ctc, whisper, live_words, streams

Every listener hears the same Korean conversation (`speech.py`, sentences that no nano model was trained on,
pauses of 0.8 to 2 s), on all cores, with the weights of nano-ctc-ko or nano-whisper, on a clock that waits for its
computing (`replay.py`). "first" is from the beginning of a sentence to any word of it on the screen, "word"
from the end of a word to its standing there as it stays, "final" from the end of a sentence to its last word being
settled, the pause that ends an utterance (500 ms) and the padding included. Flicker counts shown words that were
changed or taken back, a word that only grew is none. The hour is a process of its own that hears the conversation over
and over, after half an hour in which the allocator settles; its slope is fitted to its resident memory.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median

import numpy as np

from bench import command
from bench.places import MODELS
from bench.processes import memory_mb, printed_json
from bench.results import Row, others, write
from bench.streaming.listeners import Chunks, FinalsOnly, Growing, Ours
from bench.streaming.peer import Loop, reader
from bench.streaming.replay import Delays, Listener, Replay, delays, replay
from bench.streaming.speech import Recording, conversation
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.pipeline import Transcriber, load

PAUSES = (0.8, 2.0)
SENTENCES, QUICK = 40, 12
ROUNDS = 3  # of processor time; delays are those of all rounds together
PERCENTILES = (50, 95, 99)
HOUR = 3_600.0
SETTLED = 1_800.0  # seconds after which memory should not grow any more: the allocator takes its last steps until then
CTC, WHISPER = "nano-ctc-ko", "nano-whisper"
GREEDY = 1  # beam of the peer's loop, which has 5 by default: dearer still
Make = Callable[[], Listener]


def listeners(ctc: Transcriber, whisper: Transcriber) -> dict[str, dict[str, Make]]:
    """Return the ways to listen, those that are to be compared together; the first of each is ours."""
    assert isinstance(ctc.engine, Wav2Vec2Engine)
    acoustic, peer = ctc.engine, reader(MODELS / WHISPER, GREEDY)
    return {
        "CTC": {
            "cached states": lambda: Ours(ctc, method="cached"),
            "recomputed window": lambda: Ours(ctc, method="recomputed"),
            "finals only": lambda: FinalsOnly(ctc),
            "chunks of 10 s every second": lambda: Chunks(acoustic),
        },
        "Whisper": {
            "agreement": lambda: Ours(whisper, language="ko", commit="agreement"),
            "attention": lambda: Ours(whisper, language="ko", commit="attention"),
            "finals only": lambda: FinalsOnly(whisper, language="ko"),
            "whisper_streaming's loop": lambda: Growing(Loop(partial(peer, language="ko"))),
        },
        "two passes": {"CTC, then Whisper": lambda: Ours(whisper, partials=ctc, language="ko")},
    }


def measure(make: dict[str, Make], recording: Recording) -> dict[str, tuple[Delays, list[Replay]]]:
    """Let each listener hear the recording `ROUNDS` times, in turn."""
    found: dict[str, list[Replay]] = {name: [] for name in make}
    for _ in range(ROUNDS):
        for name, listener in make.items():
            found[name].append(replay(listener(), recording))
            print(f"{name}: {found[name][-1].cpu / recording.seconds:.4f} s of processor per second", file=sys.stderr)
    return {name: (together([delays(each) for each in replays]), replays) for name, replays in found.items()}


def together(found: list[Delays]) -> Delays:
    """Return the delays of several rounds as one."""
    return Delays(
        sum((each.first for each in found), ()),
        sum((each.word for each in found), ()),
        sum((each.final for each in found), ()),
        median(each.words for each in found),
        median(each.flicker for each in found),
    )


def rows_of(kind: str, found: dict[str, tuple[Delays, list[Replay]]]) -> list[Row]:
    """Return a row for each figure of each listener; the processor time of others is compared with the first one's."""
    rows, first = [], next(iter(found))
    for name, (delay, replays) in found.items():
        case = f"{kind}, {name}"
        for what in ("first", "word", "final"):
            seconds = getattr(delay, what)
            for percentile in PERCENTILES if what == "final" else PERCENTILES[:2]:
                value = round(float(np.percentile(seconds, percentile)), 3)
                rows.append(Row(case, f"{what}, p{percentile}", "s", value, runs=len(seconds)))
        rows.append(Row(case, "words right", "%", round(100 * delay.words, 1)))
        rows.append(Row(case, "flicker", "words/min", round(delay.flicker, 1)))
        cpu = [each.cpu / each.recording.seconds for each in replays]
        base = [each.cpu / each.recording.seconds for each in found[first][1]]
        ratio = round(median(theirs / mine for theirs, mine in zip(base, cpu, strict=True)), 2)
        rows.append(
            Row(
                case,
                "processor",
                "s/s",
                round(median(cpu), 4),
                {} if name == first else {first: round(median(base), 4)},
                {} if name == first else {first: ratio},
                runs=ROUNDS,
                spread=(round(min(cpu), 4), round(max(cpu), 4)),
            )
        )
    return rows


def hours() -> list[Row]:
    """Return how memory grows with each way, side by side: none of it is a matter of time."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(hour, ("CTC", "Whisper", "two passes")))


def hour(name: str) -> Row:
    """Run an hour of conversation, behind half of one, in a process of its own; return how its memory grows."""
    found = printed_json("-m", "bench.streaming", "--hour", name)
    times, memory = np.array(found["times"]), np.array(found["memory"])
    settled = times >= SETTLED
    slope = float(np.polyfit(times[settled] / HOUR, memory[settled], 1)[0])
    return Row(
        f"an hour of conversation, {name}",
        "memory, growth",
        "MB/h",
        round(slope, 2),
        target="below 1",
        runs=len(times),
        spread=(round(float(memory[settled].min()), 1), round(float(memory[settled].max()), 1)),
    )


def run_hour(name: str) -> None:
    """Hear an hour and a half as fast as possible; print the resident memory, in MB, at each minute of it."""
    ctc, whisper = (load(model, device="cpu") for model in (CTC, WHISPER))
    options = {"CTC": {}, "Whisper": {"language": "ko"}, "two passes": {"language": "ko", "partials": ctc}}[name]
    recording = conversation(SENTENCES, PAUSES, 1)
    stream = (ctc if name == "CTC" else whisper).stream(**options)
    times, memory = [], []
    while stream.seconds < SETTLED + HOUR:
        for start in range(0, len(recording.audio), 1_600):
            stream.push(recording.audio[start : start + 1_600])
            if stream.seconds >= 60 * len(times):
                times.append(stream.seconds)
                memory.append(memory_mb("VmRSS"))
    stream.flush()
    json.dump({"times": times, "memory": memory}, sys.stdout)


def main() -> None:
    """Measure everything and write the result file."""
    parser = command.parser(__doc__)
    parser.add_argument("--quick", action="store_true", help="a short conversation, no hour, no result file")
    parser.add_argument("--memory", action="store_true", help="the hours anew; the rest as it was measured last")
    parser.add_argument("--hour", metavar="NAME", help=argparse.SUPPRESS)  # the process of its own
    asked = parser.parse_args()
    if asked.hour:
        run_hour(asked.hour)
        return
    if asked.memory:
        grown = hours()
        print(write("streaming", [*others("streaming", grown), *grown]))
        return
    ctc, whisper = (load(model, device="cpu") for model in (CTC, WHISPER))
    recording = conversation(QUICK if asked.quick else SENTENCES, PAUSES, 1)
    rows = []
    for kind, make in listeners(ctc, whisper).items():
        rows += rows_of(kind, measure(make, recording))
    if asked.quick:
        for each in rows:
            print(f"{each.case}, {each.metric}: {each.ours:g} {each.unit}")
        return
    print(write("streaming", [*rows, *hours()]))
