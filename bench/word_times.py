"""How far the times of Whisper's words are from the truth, beside faster-whisper's, with the same weights and window.

    python -m bench.word_times         # needs the library of espeak-ng

The clips are sentences and voices of espeak-ng that nano-whisper was never trained on (`export/nano/timed_speech.py`),
a third of them with a pause between two words, clean and in noise 20 dB below the speech; counted are those that both
hear rightly. Truth is where a word can be heard first and last. "attention alone" are our own times before they are
placed: what cross-attention says, as it comes. "with time tokens" the decoder writes the edges of sentences. The spread
of a median is from the 25th to the 75th percentile, that of a 95th from the 90th to the worst.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from bench import command
from bench.places import MODELS
from bench.results import Row, alternate, row, seconds, write
from bench.time_errors import NOISE, PERCENTILES, error_row
from bench.whisper.peers import faster_model
from export.nano.grammar import draw
from export.nano.speech import HELD_OUT_VOICES, SAMPLE_RATE
from export.nano.timed_speech import TimedClip, draw_timed, speak_timed
from malsori.engines.whisper.features import HOP, WINDOW, LogMel
from malsori.engines.whisper.network import Encoded, Network
from malsori.engines.whisper.options import WhisperOptions
from malsori.engines.whisper.segments import split
from malsori.engines.whisper.sentences import sentences
from malsori.engines.whisper.sounding import sounding
from malsori.engines.whisper.tokens import Tokens
from malsori.engines.whisper.word_times import AlignRow, align_rows, place

BUNDLE = MODELS / "nano-whisper"
CLIPS = 60  # of each language
LANGUAGES = {"ko": "Korean", "en": "English"}
TOGETHER = 8  # windows aligned in one call
PEER, ALONE, TIMED = "faster-whisper", "attention alone", "with time tokens"

Times: TypeAlias = list[tuple[float, float]]  # seconds, of each word


def clips(language: str) -> list[TimedClip]:
    """Speak the same sentences every time; every third has a pause in it."""
    rngs = (random.Random(f"word-times-{language}-{index}") for index in range(CLIPS))
    drawing = draw_timed if language == "ko" else _english
    return [drawing(rng, held_out=True, pause=index % 3 == 2) for index, rng in enumerate(rngs)]


def _english(rng: random.Random, *, held_out: bool, pause: bool) -> TimedClip:
    while True:
        words = draw(rng, held_out=held_out).en.split()
        if pause and len(words) > 1:
            words[rng.randrange(len(words) - 1)] += ","
        voice = f"en-us+{rng.choice(HELD_OUT_VOICES)}"
        clip = speak_timed(" ".join(words), voice, rng.randint(130, 200), rng.randint(30, 70))
        if clip is not None:
            return clip


class Ours:
    """Our way through one window: read it, align it, place its words."""

    def __init__(self) -> None:
        self.tokens, self.mel, self.options = Tokens.read(BUNDLE), LogMel(80), WhisperOptions()
        self.network = Network(BUNDLE, "nano-whisper", device="cpu", compute_type="int8", threads=1)

    def encode(self, clips: Sequence[TimedClip], window: int = WINDOW) -> Encoded:
        """Encode the clips, each in a window of so many mel frames."""
        features = [self.mel(np.pad(clip.audio, (0, window * HOP - len(clip.audio)))) for clip in clips]
        return self.network.encode(np.stack(features))

    def times(self, clip: TimedClip, language: str) -> dict[str, Times] | None:
        """Return the words' times by each way; None where one hears something else."""
        encoded, size, sound = self.encode([clip]), -(-len(clip.audio) // HOP), sounding(clip.audio)
        found: dict[str, Times] = {}
        for way, timed in (("ours", False), (TIMED, True)):
            prompt = self.tokens.start(language, "transcribe", timestamps=timed)
            (heard,) = self.network.generate(
                encoded, [prompt], self.options, beam_size=5, temperature=0.0, budget=100, suppressed=[]
            )
            if self.tokens.decode(heard.tokens).split() != clip.text.split():
                return None
            row = AlignRow(heard.tokens, size)
            (words,) = align_rows(self.network, self.tokens, encoded, language, "transcribe", [row])
            pieces = split(heard.tokens, self.tokens.timestamp_begin, size)[0] if timed else sentences(words, sound)
            placed = place(words, pieces, sound, language, self.options)
            found[way] = [(word.start, word.end) for piece in placed for word in piece.words]
            found.setdefault(ALONE, [(word.start, word.end) for word in words if word.text])
        return found

    def align(self, encoded: Encoded, spoken: Sequence[TimedClip]) -> None:
        """Align the texts of Korean clips, in one call."""
        rows = [AlignRow(tuple(self.tokens.encode(f" {clip.text}")), -(-len(clip.audio) // HOP)) for clip in spoken]
        align_rows(self.network, self.tokens, encoded, "ko", "transcribe", rows)


def peer_times(peer: Any, clip: TimedClip, language: str) -> Times | None:
    """Return faster-whisper's own times; None where something else is heard."""
    segments, _ = peer.transcribe(clip.audio, language=language, word_timestamps=True)
    words = [word for segment in segments for word in segment.words]
    if [word.word.strip() for word in words] != clip.text.split():
        return None
    return [(word.start, word.end) for word in words]


def errors(ours: Ours, peer: Any, spoken: Sequence[TimedClip], language: str) -> tuple[dict[str, np.ndarray], int]:
    """Return how many milliseconds starts and ends are off, float64 `(words, 2)`, and how many clips were counted."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in ("ours", PEER, TIMED, ALONE)}
    for clip in spoken:
        own, theirs = ours.times(clip, language), peer_times(peer, clip, language)
        if own is None or theirs is None:
            continue
        truth = np.array([(word.heard_start, word.heard_end) for word in clip.words])
        for name, times in (own | {PEER: theirs}).items():
            found[name].append(1000 * np.abs(np.array(times) - truth))
    return {name: np.concatenate(parts) for name, parts in found.items()}, len(found["ours"])


def rows_of(case: str, found: dict[str, np.ndarray]) -> Iterator[Row]:
    """Yield the median and the 95th percentile of the errors of starts, of ends, and of both."""
    for what, column in (("starts", slice(0, 1)), ("ends", slice(1, 2)), ("starts and ends", slice(0, 2))):
        for percent in PERCENTILES:
            yield error_row(f"{case}, {what}", {name: off[:, column] for name, off in found.items()}, percent)


def align_time(ours: Ours, spoken: Sequence[TimedClip]) -> Row:
    """Compare the time of one call for several windows with that of a call for each."""
    encoded = ours.encode(spoken, WINDOW // 3)
    each = [encoded.rows([index]) for index in range(len(spoken))]

    def one_by_one() -> None:
        for window, clip in zip(each, spoken, strict=True):
            ours.align(window, [clip])

    works = {"ours": lambda: ours.align(encoded, spoken), "one by one": one_by_one}
    figures = alternate({name: lambda work=work: 1000 * seconds(work) for name, work in works.items()}, 20, warm_up=3)
    return row(f"align, {TOGETHER} windows of 10 s in one call", "time", "ms", figures)


def main() -> None:
    """Measure everything and write the result file."""
    command.parser(__doc__).parse_args()
    ours, peer = Ours(), faster_model(BUNDLE, compute_type="int8", cpu_threads=1)
    rows: list[Row] = []
    for language, name in LANGUAGES.items():
        clean = clips(language)
        noisy = [clip.noisy(np.random.default_rng(index), NOISE) for index, clip in enumerate(clean)]
        for sound, spoken in (("clean", clean), (f"noise at {NOISE:.0f} dB", noisy)):
            assert all(len(clip.audio) <= 10 * SAMPLE_RATE for clip in spoken)
            found, counted = errors(ours, peer, spoken, language)
            rows += rows_of(f"{name}, {sound}, {counted} clips", found)
    rows.append(align_time(ours, clips("ko")[:TOGETHER]))
    print(write("word_times", rows))


if __name__ == "__main__":
    main()
