"""What two stages save and what they cost: WebRTC before Silero, beside each of them alone, and by WebRTC's mode.

    python -m bench.detectors          # needs the recordings of ../shared/speech; three minutes of one core

Truth is Silero alone through the same gate with its defaults: speech that is missed or added is counted in samples of
its spans, a span is the same when both its ends are, and an onset is late by how much later the span begins. The
recordings come twice: as they are, and each after 8 s of a quiet room (white noise at -60 dBFS), which puts Silero to
sleep. Processor time is of one thread, sound pushed in blocks as a microphone (32 ms), a socket (0.5 s) and a file
give them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from bench import command, nonspeech
from bench.places import RECORDINGS
from bench.recordings import ROOMS
from bench.results import Row, alternate, row, write
from malsori.audio import decode
from malsori.errors import AudioError
from malsori.types import SAMPLE_RATE, Audio, Span
from malsori.vad import Detector, Gate, SileroDetector, TwoStageDetector, WebRtcDetector
from malsori.vad.webrtc import MODE

LONG = "vad/silero_test.flac"  # a minute of speech
NOISES = ROOMS["rooms and machines (recorded)"]
LEFT_OUT = ("corrupt", "noise")  # folders without speech, or without sound
QUIET = 8.0  # seconds
BLOCKS = {"32 ms": 512, "0.5 s": SAMPLE_RATE // 2, "whole": 10**9}
RUNS = 7

Clips: TypeAlias = list[Audio]


@dataclass(slots=True)
class Compared:
    """Two stages beside Silero alone, summed over clips."""

    frames: int = 0
    listened: int = 0
    speech: int = 0
    missed: int = 0
    added: int = 0
    spans: int = 0
    same: int = 0
    late: list[float] | None = None  # ms, of each span of Silero's

    def take(self, clip: Audio, alone: list[Span], mode: int) -> None:
        """Add a clip to the sums."""
        detector = TwoStageDetector(mode)
        probabilities = detector.push(clip)
        self.listened += detector.listened
        self.frames += len(probabilities)
        found = gated(np.concatenate([probabilities, detector.flush()]), len(clip))
        truth, ours = covered(alone, len(clip)), covered(found, len(clip))
        self.speech += int(truth.sum())
        self.missed += int((truth & ~ours).sum())
        self.added += int((ours & ~truth).sum())
        self.spans += len(alone)
        self.same += len(set(alone) & set(found))
        self.late = [*(self.late or []), *lateness(alone, found)]


def gated(probabilities: np.ndarray, size: int) -> list[Span]:
    """Return the spans of a clip of so many samples."""
    gate = Gate(SileroDetector.frame)
    return gate.push(probabilities) + gate.flush(size)


def covered(spans: Sequence[Span], size: int) -> np.ndarray:
    """Return which samples lie in a span."""
    inside = np.zeros(size, bool)
    for span in spans:
        inside[span.start : span.stop] = True
    return inside


def lateness(alone: Sequence[Span], found: Sequence[Span]) -> Iterator[float]:
    """Yield by how many milliseconds each span begins late, 0 when early; its length when it is not found at all."""
    for span in alone:
        starts = [max(each.start, span.start) for each in found if each.stop > span.start and each.start < span.stop]
        yield 1_000 * ((starts[0] if starts else span.stop) - span.start) / SAMPLE_RATE


def silero_spans(clip: Audio) -> list[Span]:
    """Return the spans of Silero alone."""
    detector = SileroDetector()
    return gated(np.concatenate([detector.push(clip), detector.flush()]), len(clip))


def recordings() -> Clips:
    """Return every recording of speech that can be read."""
    clips = []
    for path in sorted(path for path in RECORDINGS.glob("*/*") if path.parent.name not in LEFT_OUT):
        try:
            clips.append(decode(path, allow_truncated=True).samples)
        except AudioError:
            continue  # formats outside the allow-list, and files that are no sound
    return clips


def after_quiet(clips: Clips) -> Clips:
    """Return each clip after some seconds of a quiet room."""
    room = nonspeech.noise(np.random.default_rng(1), QUIET, level=-60)
    return [np.concatenate([room, clip]) for clip in clips]


def noises() -> dict[str, Clips]:
    """Return sounds without speech, of which Silero should hear as little as can be."""
    made = [(name, make(np.random.default_rng(5), 60.0)) for name, make in nonspeech.kinds().items()]
    faint = [sound for name, sound in made if name == "silence" or "-60" in name or "-40" in name]
    loud = [sound for name, sound in made if not (name == "silence" or "-60" in name or "-40" in name)]
    real = [decode(RECORDINGS / f"{name}.flac").samples for name in NOISES]
    return {
        "silence and noise to -40 dBFS": faint,
        "noise at -20 dBFS, tones, music, clicks": loud,
        "recorded noise": real,
    }


def spans_rows(case: str, clips: Clips) -> Iterator[Row]:
    """Yield how two stages compare with Silero alone, for each of WebRTC's modes."""
    truth = [silero_spans(clip) for clip in clips]
    for mode in range(4):
        sums = Compared()
        for clip, alone in zip(clips, truth, strict=True):
            sums.take(clip, alone, mode)
        name, late = named(case, mode), np.array(sums.late)
        for metric, part, whole in (
            ("frames that Silero hears", sums.listened, sums.frames),
            ("missed speech", sums.missed, sums.speech),
            ("added speech", sums.added, sums.speech),
            ("spans that are the same", sums.same, sums.spans),
        ):
            yield Row(name, metric, "%", round(100 * part / whole, 2), runs=len(clips))
        for metric, percentile in (("onset late, 95th percentile", 95), ("onset late, 99th percentile", 99)):
            yield Row(name, metric, "ms", round(float(np.percentile(late, percentile)), 1), runs=len(late))


def noise_rows() -> Iterator[Row]:
    """Yield on how much of what is no speech Silero is asked."""
    for case, clips in noises().items():
        for mode in range(4):
            detectors = [TwoStageDetector(mode) for _ in clips]
            frames = sum(len(detector.push(clip)) for detector, clip in zip(detectors, clips, strict=True))
            heard = 100 * sum(detector.listened for detector in detectors) / frames
            yield Row(named(case, mode), "frames that Silero hears", "%", round(heard, 2), runs=len(clips))


def named(case: str, mode: int) -> str:
    """Return the name of a case in one of WebRTC's modes; ours is the one that is in use."""
    return f"{case}, WebRTC mode {mode}{', ours' if mode == MODE else ''}"


def cost_rows() -> Iterator[Row]:
    """Yield the processor time of each detector for a second of sound."""
    random = np.random.default_rng(5)
    sounds = {
        "silence": nonspeech.silence(random, 60.0),
        "pink noise, -40 dBFS": nonspeech.noise(random, 60.0, 1, -40),
        "pink noise, -20 dBFS": nonspeech.noise(random, 60.0, 1, -20),
        "speech": decode(RECORDINGS / LONG).samples,
    }
    makers = {"ours": TwoStageDetector, "Silero alone": SileroDetector, "WebRTC alone": WebRtcDetector}
    for sound, samples in sounds.items():
        for name, size in BLOCKS.items():
            works = {key: _pushing(make, samples, size) for key, make in makers.items()}
            figures = alternate(works, RUNS)
            yield row(
                f"{sound} in blocks of {name}".replace("blocks of whole", "one block"), "CPU per second", "ms", figures
            )


def _pushing(make: Callable[[], Detector], samples: Audio, size: int) -> Callable[[], float]:
    def work() -> float:
        detector = make()
        began = time.process_time()
        for start in range(0, len(samples), size):
            detector.push(samples[start : start + size])
        return 1_000 * (time.process_time() - began) / (len(samples) / SAMPLE_RATE)

    return work


def main() -> None:
    """Measure everything and write the result file."""
    command.parser(__doc__).parse_args()
    clips = recordings()
    seconds = sum(map(len, clips)) / SAMPLE_RATE
    rows = list(cost_rows())
    rows += spans_rows(f"{len(clips)} recordings, {seconds / 60:.0f} min", clips)
    rows += spans_rows(f"each after {QUIET:.0f} s of quiet", after_quiet(clips))
    rows += noise_rows()
    print(write("detectors", rows))


if __name__ == "__main__":
    main()
